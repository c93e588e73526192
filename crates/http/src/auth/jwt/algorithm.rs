//! Which algorithms are accepted. `none` is not among those that can be named.

use jsonwebtoken::{Algorithm, AlgorithmFamily};

/// Reads the names of algorithms.
pub(super) fn parse(names: &[String], problems: &mut Vec<String>) -> Vec<Algorithm> {
    if names.is_empty() {
        problems.push("name the accepted algorithms (algorithms), such as RS256".into());
    }
    let mut algorithms = Vec::new();
    for name in names {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(_) => problems.push(format!(
                "{name:?} is no algorithm that can be accepted: name some of HS256, HS384, HS512, RS256, RS384, RS512, PS256, \
                 PS384, PS512, ES256, ES384, EdDSA"
            )),
        }
    }
    algorithms
}

/// Whether it needs a secret that the issuer shares.
pub(super) fn is_shared(algorithm: Algorithm) -> bool {
    algorithm.family() == AlgorithmFamily::Hmac
}

/// Least bytes of a secret (RFC 7518 3.2).
pub(super) fn least_secret(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::HS512 => 64,
        Algorithm::HS384 => 48,
        _ => 32,
    }
}
