//! The parts of a token, before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, decode_header};
use serde_json::{Map, Value};

use crate::auth::AuthenticationFailure;

/// Longest token in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Kinds of tokens that are taken, in lower case (RFC 7519 5.1, RFC 9068 2.1).
const KINDS: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// A token.
pub(super) struct Token<'a> {
    /// How it says that it is signed.
    pub(super) algorithm: Algorithm,
    /// The key that it says it is signed with.
    pub(super) key_id: Option<String>,
    /// What is signed.
    pub(super) message: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> Token<'a> {
    /// Takes it apart.
    ///
    /// # Errors
    /// It is no token, or one that asks for what is not supported.
    pub(super) fn read(token: &'a [u8]) -> Result<Self, AuthenticationFailure> {
        if token.len() > MAX_BYTES {
            return Err(malformed("the token is longer than 8 KiB"));
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("the token must be three parts with dots between (RFC 7519)"));
        };
        let message = &token[..header.len() + 1 + payload.len()];
        // An algorithm that it does not know, such as `none`, is an error here.
        let header = decode_header(token).map_err(|_| malformed("the token's header cannot be read"))?;
        if header.typ.is_some_and(|kind| !KINDS.contains(&kind.to_ascii_lowercase().as_str())) {
            return Err(malformed("the token is of another kind than JWT or at+jwt"));
        }
        if header.crit.is_some() {
            return Err(malformed("the token asks for extensions (crit), and there are none"));
        }
        let signature = decoded(signature, "the token's signature is not base64url")?;
        Ok(Self { algorithm: header.alg, key_id: header.kid, message, signature, payload })
    }

    /// What it says. Only worth reading once the signature was found good.
    pub(super) fn payload(&self) -> Result<Map<String, Value>, AuthenticationFailure> {
        let text = decoded(self.payload, "the token's claims are not base64url")?;
        serde_json::from_slice(&text).map_err(|_| malformed("the token's claims are no JSON object"))
    }
}

fn decoded(part: &[u8], otherwise: &'static str) -> Result<Vec<u8>, AuthenticationFailure> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed(otherwise))
}

fn malformed(message: &'static str) -> AuthenticationFailure {
    AuthenticationFailure::refused("malformed", message)
}
