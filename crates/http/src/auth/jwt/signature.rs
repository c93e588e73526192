//! Whether a signature is good. The cryptography is ring's, which TLS uses too.

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Whether `signature` of `message` was made with `key`. Never, if the key is not of the algorithm's family.
pub(super) fn is_good(algorithm: Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
    if key.family() != algorithm.family() {
        return false;
    }
    match algorithm {
        Algorithm::HS256 => is_shared(hmac::HMAC_SHA256, key, message, signature),
        Algorithm::HS384 => is_shared(hmac::HMAC_SHA384, key, message, signature),
        Algorithm::HS512 => is_shared(hmac::HMAC_SHA512, key, message, signature),
        Algorithm::RS256 => is_rsa(&RSA_PKCS1_2048_8192_SHA256, key, message, signature),
        Algorithm::RS384 => is_rsa(&RSA_PKCS1_2048_8192_SHA384, key, message, signature),
        Algorithm::RS512 => is_rsa(&RSA_PKCS1_2048_8192_SHA512, key, message, signature),
        Algorithm::PS256 => is_rsa(&RSA_PSS_2048_8192_SHA256, key, message, signature),
        Algorithm::PS384 => is_rsa(&RSA_PSS_2048_8192_SHA384, key, message, signature),
        Algorithm::PS512 => is_rsa(&RSA_PSS_2048_8192_SHA512, key, message, signature),
        Algorithm::ES256 => is_plain(&ECDSA_P256_SHA256_FIXED, key, message, signature),
        Algorithm::ES384 => is_plain(&ECDSA_P384_SHA384_FIXED, key, message, signature),
        Algorithm::EdDSA => is_plain(&ED25519, key, message, signature),
        // Whatever is added one day is not accepted by itself.
        _ => false,
    }
}

/// Compares in constant time.
fn is_shared(algorithm: hmac::Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(secret) = key.try_get_as_bytes() else { return false };
    hmac::verify(&hmac::Key::new(algorithm, secret), message, signature).is_ok()
}

fn is_rsa(parameters: &'static RsaParameters, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        }
        DecodingKeyKind::SecretOrDer(_) => is_plain(parameters, key, message, signature),
    }
}

fn is_plain(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Ok(bytes) = key.try_get_as_bytes() else { return false };
    UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).is_ok()
}
