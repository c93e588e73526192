//! API keys: tokens that name their holder, of which only a digest is kept (`spec/api.md` 3.3).

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use subtle::ConstantTimeEq;

use super::grant::Grant;
use super::principal::{Claims, PrincipalKind};
use crate::ids::Digest;
use crate::names::Namespace;
use crate::text::hex;
use crate::time::Timestamp;

/// The strategy that finds out who asks by such tokens.
pub const STRATEGY: &str = "api_key";

/// What every token begins with, so that whoever finds one knows what it is.
pub const PREFIX: &str = "tsk_";

/// Digits of the part that is no secret.
const ID_DIGITS: usize = 16;

/// Digits of the secret: 256 bits.
const SECRET_DIGITS: usize = 64;

/// Longest name.
const MAX_NAME: usize = 64;

/// How long one use of a key stands for those after it.
const USE_NOTED_FOR: Duration = Duration::from_secs(60);

/// An API key, as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// The part of the token that is no secret.
    pub id: String,
    /// Whose it is: what history and logs name. Keys of the same name are of the same holder.
    pub name: String,
    /// SHA-256 of the secret.
    pub digest: Digest,
    /// Names of the roles of the holder.
    pub roles: Vec<String>,
    /// What the holder may do besides.
    pub grants: Vec<Grant>,
    /// The only namespaces that the holder may have to do with; `None`: all.
    pub namespaces: Option<BTreeSet<Namespace>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// From when on it is not good any more.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

/// A token, of which the secret was forgotten at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKeyToken {
    /// Which key it says it is.
    pub id: String,
    digest: Digest,
}

/// Why a token is not good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApiKeyRefusal {
    /// It does not look like one.
    #[error("this is no API key: one is tsk_, 16 digits, _, 64 digits")]
    Malformed,
    /// There is no such key, or its secret is another one; which of the two is not told.
    #[error("there is no such API key")]
    Unknown,
    /// Somebody revoked it.
    #[error("this API key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("this API key has expired")]
    Expired,
}

impl ApiKeyRefusal {
    /// Stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown_key",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// The id, the token and the digest of a new key, from 8 and 32 random bytes.
pub fn mint(id: [u8; 8], secret: [u8; 32]) -> (String, String, Digest) {
    let (id, secret) = (hex(&id), hex(&secret));
    let digest = Digest::of(secret.as_bytes());
    let token = format!("{PREFIX}{id}_{secret}");
    (id, token, digest)
}

impl FromStr for ApiKeyToken {
    type Err = ApiKeyRefusal;

    fn from_str(text: &str) -> Result<Self, ApiKeyRefusal> {
        let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        match parts {
            Some((id, secret)) if is_hex(id, ID_DIGITS) && is_hex(secret, SECRET_DIGITS) => {
                Ok(Self { id: id.to_owned(), digest: Digest::of(secret.as_bytes()) })
            }
            _ => Err(ApiKeyRefusal::Malformed),
        }
    }
}

impl ApiKeyToken {
    /// Who holds the token, if it is one of this key. `None`: there is no key of its id. The secret is compared in constant
    /// time, and before anything else is told of the key.
    ///
    /// # Errors
    /// Why the token is not good.
    pub fn holder(&self, key: Option<&ApiKey>, now: Timestamp) -> Result<Claims, ApiKeyRefusal> {
        let nobodys = Digest([0; 32]);
        let digest = key.map_or(&nobodys, |key| &key.digest);
        let is_the_secret = bool::from(digest.0.ct_eq(&self.digest.0));
        let key = key.filter(|key| is_the_secret && key.id == self.id).ok_or(ApiKeyRefusal::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(ApiKeyRefusal::Revoked);
        }
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiKeyRefusal::Expired);
        }
        Ok(Claims {
            id: key.name.clone(),
            kind: PrincipalKind::Token,
            display_name: key.name.clone(),
            roles: key.roles.clone(),
            grants: key.grants.clone(),
            namespaces: key.namespaces.clone(),
            strategy: STRATEGY,
            token_id: Some(key.id.clone()),
            expires_at: key.expires_at,
        })
    }
}

impl ApiKey {
    /// Whether it is worth noting that it is used now.
    pub fn is_use_worth_noting(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|noted| noted.plus(USE_NOTED_FOR) <= now)
    }

    /// Whether it is still good.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Whether text can name the holder of a key.
pub fn is_usable_name(name: &str) -> bool {
    let is_usable = |letter: char| letter.is_ascii_alphanumeric() || "_.-@".contains(letter);
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_usable)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn key() -> (ApiKey, ApiKeyToken, String) {
        let (id, token, digest) = mint([7; 8], [9; 32]);
        let key = ApiKey {
            id,
            name: "till".into(),
            digest,
            roles: vec!["operator".into()],
            grants: vec!["tasker.task:show@shop".parse().unwrap()],
            namespaces: None,
            created_at: at(0),
            created_by: "ada".into(),
            expires_at: Some(at(100)),
            revoked_at: None,
            last_used_at: None,
        };
        (key, token.parse().unwrap(), token)
    }

    #[test]
    fn api_86_a_good_token_names_its_holder() {
        let (key, token, text) = key();
        assert_eq!(text.len(), 4 + 16 + 1 + 64);
        let claims = token.holder(Some(&key), at(99)).unwrap();
        assert_eq!(
            (claims.id.as_str(), claims.token_id, claims.expires_at),
            ("till", Some(key.id), Some(at(100)))
        );
        assert_eq!((claims.roles, claims.grants), (key.roles, key.grants));
        assert!(!text.contains(&key.digest.to_string()), "what is kept is not the secret");
    }

    #[test]
    fn api_86_others_are_refused_and_told_why_only_if_they_know_the_secret() {
        let (key, token, text) = key();
        assert_eq!(token.holder(None, at(1)), Err(ApiKeyRefusal::Unknown));
        assert_eq!(token.holder(Some(&key), at(100)), Err(ApiKeyRefusal::Expired));
        let revoked = ApiKey { revoked_at: Some(at(1)), ..key.clone() };
        assert_eq!(token.holder(Some(&revoked), at(1)), Err(ApiKeyRefusal::Revoked));
        let mut changed = text.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'0' { b'1' } else { b'0' };
        let changed: ApiKeyToken = String::from_utf8(changed).unwrap().parse().unwrap();
        assert_eq!(changed.holder(Some(&revoked), at(1)), Err(ApiKeyRefusal::Unknown));
        let of_another = ApiKey { id: "0".repeat(16), ..key };
        assert_eq!(token.holder(Some(&of_another), at(1)), Err(ApiKeyRefusal::Unknown));
    }

    #[test]
    fn what_is_no_token_is_told_so() {
        let (_, _, text) = key();
        let upper = text.to_uppercase();
        let short = &text[..text.len() - 1];
        let twice = format!("{text}{text}");
        for bad in
            ["", "tsk_", "tsk_a_b", "tsk__", upper.as_str(), short, twice.as_str(), "tsk_0000000000000000ü"]
        {
            assert_eq!(bad.parse::<ApiKeyToken>(), Err(ApiKeyRefusal::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let (key, ..) = key();
        assert!(key.is_use_worth_noting(at(5)));
        let used = ApiKey { last_used_at: Some(at(5)), ..key };
        assert!(!used.is_use_worth_noting(at(64)) && used.is_use_worth_noting(at(65)));
    }
}
