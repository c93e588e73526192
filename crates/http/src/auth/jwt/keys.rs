//! All keys that tokens may be signed with: configured ones, and those of the issuer.

use std::sync::Arc;

use jsonwebtoken::Algorithm;

use super::algorithm::{is_shared, least_secret};
use super::key::Key;
use super::key_set::{Found, KeySet};
use super::options::JwtOptions;
use super::remote::RemoteKeys;
use super::token::Token;
use crate::auth::AuthenticationFailure;

/// All keys.
pub(super) struct Keys {
    configured: KeySet,
    remote: Option<Arc<RemoteKeys>>,
}

impl Keys {
    /// The keys that options name, and everything that is wrong with them.
    pub(super) fn of(options: &JwtOptions, accepted: &[Algorithm], problems: &mut Vec<String>) -> Self {
        let mut configured = secret(options, accepted, problems);
        configured.extend(public(options, accepted, problems));
        let remote = options.jwks_url.as_deref().and_then(|url| {
            let keys = RemoteKeys::at(url, options.clock.clone());
            keys.map_err(|problem| problems.push(format!("jwks_url: {problem}"))).ok()
        });
        let is_any_named = options.secret.is_some()
            || !options.public_keys.is_empty()
            || options.jwks.is_some()
            || options.jwks_url.is_some();
        if !is_any_named {
            problems
                .push("name keys to check signatures with: a set of keys, public keys or a secret".into());
        }
        if remote.is_some() && accepted.iter().all(|algorithm| is_shared(*algorithm)) {
            problems.push("a set of public keys is of no use with the accepted algorithms".into());
        }
        Self { configured, remote }
    }

    /// Checks the signature of a token.
    ///
    /// # Errors
    /// It is forged, signed with a key that is not known, or the key cannot be had now.
    pub(super) async fn check(&self, token: &Token<'_>) -> Result<(), AuthenticationFailure> {
        let mut found = self.configured.check(token);
        // Issuers publish no secrets, so there is nothing to ask for.
        if let Some(remote) = self.remote.as_ref().filter(|_| !is_shared(token.algorithm))
            && found != Found::Signed
        {
            let keys = remote.keys(|keys| keys.knows(token)).await?;
            found = match (found, keys.check(token)) {
                (Found::Forged, Found::Nothing) => Found::Forged,
                (_, theirs) => theirs,
            };
        }
        match found {
            Found::Signed => Ok(()),
            Found::Forged => {
                let message = "the token's signature is not good";
                Err(AuthenticationFailure::refused("bad_signature", message))
            }
            Found::Nothing => {
                let message = "the token is signed with a key that is not known";
                Err(AuthenticationFailure::refused("unknown_key", message))
            }
        }
    }
}

fn secret(options: &JwtOptions, accepted: &[Algorithm], problems: &mut Vec<String>) -> KeySet {
    let shared = accepted.iter().copied().filter(|algorithm| is_shared(*algorithm));
    let least = shared.map(least_secret).max();
    match (&options.secret, least) {
        (Some(_), None) => {
            problems
                .push("a secret is of no use unless HS256, HS384 or HS512 is accepted (algorithms)".into());
        }
        (None, Some(_)) => {
            problems.push("HS256, HS384 and HS512 need a secret that is shared with the issuer".into());
        }
        (Some(secret), Some(least)) if secret.bytes().len() < least => {
            let length = secret.bytes().len();
            problems.push(format!(
                "the secret has {length} bytes, but must have at least {least} for the accepted algorithms"
            ));
        }
        (Some(secret), Some(_)) => return KeySet::of(vec![Key::of_secret(secret)]),
        (None, None) => {}
    }
    KeySet::default()
}

fn public(options: &JwtOptions, accepted: &[Algorithm], problems: &mut Vec<String>) -> KeySet {
    let mut keys = KeySet::default();
    let mut take = |name: &str, set: Result<KeySet, String>| match set {
        Ok(set) if set.serves(accepted) => keys.extend(set),
        Ok(_) => problems.push(format!("{name} is of no use with the accepted algorithms (algorithms)")),
        Err(problem) => problems.push(format!("{name} {problem}")),
    };
    for key in &options.public_keys {
        take(&key.name, Key::of_pem(&key.pem).map(|key| KeySet::of(vec![key])).map_err(str::to_owned));
    }
    if let Some(jwks) = &options.jwks {
        take("jwks", KeySet::of_jwks(jwks.as_bytes()));
    }
    keys
}
