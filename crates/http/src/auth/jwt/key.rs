//! One key, and what it may be used for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use super::options::JwtSecret;

/// Least bytes of the modulus of an RSA key: 2,048 bits.
const LEAST_MODULUS: usize = 256;

/// Bytes of an uncompressed point of P-256.
const P256_POINT: usize = 65;

/// Bytes of an uncompressed point of P-384.
const P384_POINT: usize = 97;

/// Bytes of a public key of Ed25519.
const ED25519_KEY: usize = 32;

/// A key. What it is decides which algorithms it may be used with, whatever a token says.
pub(super) struct Key {
    /// How tokens name it.
    id: Option<String>,
    /// The only algorithm that its issuer uses it with; `None`: any that it is made for.
    only: Option<Algorithm>,
    /// The key itself.
    pub(super) material: DecodingKey,
}

impl Key {
    /// A shared secret.
    pub(super) fn of_secret(secret: &JwtSecret) -> Self {
        Self { id: None, only: None, material: DecodingKey::from_secret(secret.bytes()) }
    }

    /// A public key as PEM, or what is wrong with it.
    pub(super) fn of_pem(pem: &str) -> Result<Self, &'static str> {
        if pem.contains("PRIVATE KEY") {
            return Err("is a private key: give the public one, and keep this one with the issuer");
        }
        if pem.contains("CERTIFICATE") {
            return Err("is a certificate: give its public key (openssl x509 -pubkey -noout)");
        }
        let pem = pem.as_bytes();
        let material = DecodingKey::from_rsa_pem(pem)
            .or_else(|_| DecodingKey::from_ec_pem(pem))
            .or_else(|_| DecodingKey::from_ed_pem(pem))
            .map_err(|_| "is no public key of RSA, ECDSA or Ed25519 as PEM")?;
        let key = Self { id: None, only: None, material };
        if key.is_sound() { Ok(key) } else { Err(UNSOUND) }
    }

    /// A key of a set; `None` if it is not there for signatures, or of a kind that is not supported.
    pub(super) fn of_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !is_for_signatures {
            return None;
        }
        let only = common.key_algorithm.map(Algorithm::try_from).transpose().ok()?;
        let key = Self { id: common.key_id.clone(), only, material: material(&jwk.algorithm)? };
        key.is_sound().then_some(key)
    }

    /// Whether it may be used with an algorithm.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.only.is_none_or(|only| only == algorithm) && self.is_made_for(algorithm)
    }

    /// Whether a token that names a key in this way may mean this one.
    pub(super) fn is_named(&self, id: Option<&str>) -> bool {
        match (self.id.as_deref(), id) {
            (Some(mine), Some(id)) => mine == id,
            _ => true,
        }
    }

    /// The family, and for curves the length of the key, which differs for each of them.
    fn is_made_for(&self, algorithm: Algorithm) -> bool {
        if self.material.family() != algorithm.family() {
            return false;
        }
        match algorithm {
            Algorithm::ES256 => self.length() == P256_POINT,
            Algorithm::ES384 => self.length() == P384_POINT,
            Algorithm::EdDSA => self.length() == ED25519_KEY,
            _ => true,
        }
    }

    /// Whether it can be used with anything.
    fn is_sound(&self) -> bool {
        match self.material.family() {
            AlgorithmFamily::Hmac => true,
            // As DER it is a little longer than its modulus; as two numbers it was measured before.
            AlgorithmFamily::Rsa => {
                self.material.try_get_as_bytes().is_err() || self.length() > LEAST_MODULUS
            }
            AlgorithmFamily::Ec => [P256_POINT, P384_POINT].contains(&self.length()),
            AlgorithmFamily::Ed => self.length() == ED25519_KEY,
        }
    }

    fn length(&self) -> usize {
        self.material.try_get_as_bytes().map_or(0, <[u8]>::len)
    }
}

/// What is wrong with a key that can be read and not used.
const UNSOUND: &str = "must be RSA of at least 2048 bits, P-256, P-384 or Ed25519";

/// The key itself. Secrets have no place in a set of public keys.
fn material(parameters: &AlgorithmParameters) -> Option<DecodingKey> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => {
            let (modulus, exponent) = (number(&rsa.n)?, number(&rsa.e)?);
            (modulus.len() >= LEAST_MODULUS)
                .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
        }
        AlgorithmParameters::EllipticCurve(point) => {
            let is_known = matches!(point.curve, EllipticCurve::P256 | EllipticCurve::P384);
            is_known.then(|| DecodingKey::from_ec_components(&point.x, &point.y).ok()).flatten()
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            DecodingKey::from_ed_components(&pair.x).ok()
        }
        _ => None,
    }
}

/// A number of any length. Some issuers write zeros before it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}
