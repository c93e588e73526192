//! API keys.

use serde::{Deserialize, Serialize};
use tasker_core::access::{ApiKey, Grant};
use tasker_core::names::Namespace;
use tasker_core::time::Timestamp;

use crate::instant::Instant;

/// An API key, without its secret, which nobody knows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ApiKeyDocument {
    /// The part of the token that is no secret.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// Whether it is good.
    pub status: ApiKeyStatus,
    /// Names of roles.
    pub roles: Vec<String>,
    /// What its holder may do besides.
    pub permissions: Vec<Grant>,
    /// The only namespaces that its holder may have to do with; null: all.
    pub namespaces: Option<Vec<Namespace>>,
    /// When it was made.
    pub created_at: Instant,
    /// Who made it.
    pub created_by: String,
    /// From when on it is not good any more.
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// When it was used, to about a minute.
    pub last_used_at: Option<Instant>,
}

/// Whether a key is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyStatus {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// All keys.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ApiKeyList {
    /// Newest first.
    pub api_keys: Vec<ApiKeyDocument>,
}

/// A new key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyCreated {
    /// The key.
    pub api_key: ApiKeyDocument,
    /// The token, told only now.
    pub token: String,
}

impl ApiKeyDocument {
    /// A key as it is at a moment.
    pub fn new(key: ApiKey, now: Timestamp) -> Self {
        let status = match (key.revoked_at, key.is_good(now)) {
            (Some(_), _) => ApiKeyStatus::Revoked,
            (None, true) => ApiKeyStatus::Active,
            (None, false) => ApiKeyStatus::Expired,
        };
        Self {
            id: key.id,
            name: key.name,
            status,
            roles: key.roles,
            permissions: key.grants,
            namespaces: key.namespaces.map(Vec::from_iter),
            created_at: key.created_at.into(),
            created_by: key.created_by,
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
            last_used_at: key.last_used_at.map(Into::into),
        }
    }
}
