//! Several keys.

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;

use super::key::Key;
use super::signature;
use super::token::Token;

/// Most keys of a set. A token that names no key is tried with each.
const MAX_KEYS: usize = 64;

/// Several keys.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

/// What came of looking for the key of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// One of them signed it.
    Signed,
    /// None of those that may have signed it did.
    Forged,
    /// None of them may have signed it.
    Nothing,
}

impl KeySet {
    /// These keys.
    pub(super) fn of(keys: Vec<Key>) -> Self {
        Self(keys)
    }

    /// Reads a set of public keys (RFC 7517 5). Those that cannot be used are left out.
    ///
    /// # Errors
    /// It is none, it is too large, or there is nothing in it that can be used.
    pub(super) fn of_jwks(text: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(text).map_err(|_| "is no set of keys as JSON (RFC 7517)")?;
        if set.keys.len() > MAX_KEYS {
            return Err(format!("holds {} keys; more than {MAX_KEYS} are not taken", set.keys.len()));
        }
        let keys: Vec<Key> = set.keys.iter().filter_map(Key::of_jwk).collect();
        if keys.is_empty() {
            return Err("holds no key that signatures can be checked with".into());
        }
        Ok(Self(keys))
    }

    /// Adds all keys of another.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether some key may be used with one of these algorithms.
    pub(super) fn serves(&self, algorithms: &[Algorithm]) -> bool {
        algorithms.iter().any(|algorithm| self.0.iter().any(|key| key.fits(*algorithm)))
    }

    /// Whether some key may have signed a token.
    pub(super) fn knows(&self, token: &Token<'_>) -> bool {
        self.candidates(token).next().is_some()
    }

    /// Looks whether one of them signed a token.
    pub(super) fn check(&self, token: &Token<'_>) -> Found {
        let is_signed_with =
            |key: &Key| signature::is_good(token.algorithm, &key.material, token.message, &token.signature);
        match self.candidates(token).map(is_signed_with).max() {
            Some(true) => Found::Signed,
            Some(false) => Found::Forged,
            None => Found::Nothing,
        }
    }

    fn candidates<'a>(&'a self, token: &'a Token<'_>) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(|key| key.fits(token.algorithm) && key.is_named(token.key_id.as_deref()))
    }
}
