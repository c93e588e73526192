//! API keys, as stores keep them.

use async_trait::async_trait;
use tasker_core::access::ApiKey;
use tasker_core::time::Timestamp;

use crate::StoreError;

/// Where API keys are kept.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Adds a key. `api_key_exists` is a [`StoreError::Refused`].
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// The key of an id.
    async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, newest first, those that are not good any more included.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Changes a key, and gives it as it is then; `None` if there is none of this id.
    async fn change_key(&self, id: &str, change: KeyChange) -> Result<Option<ApiKey>, StoreError>;
}

/// What changes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyChange {
    /// It is revoked. One that is revoked already stays as it is.
    Revoked(Timestamp),
    /// It is good until then, or less long if that was said before.
    ExpiresAt(Timestamp),
    /// It was used then, or later.
    UsedAt(Timestamp),
}

impl KeyChange {
    /// The new end, when it was revoked, when it was used; `None` for what does not change.
    pub fn columns(self) -> [Option<Timestamp>; 3] {
        match self {
            Self::ExpiresAt(at) => [Some(at), None, None],
            Self::Revoked(at) => [None, Some(at), None],
            Self::UsedAt(at) => [None, None, Some(at)],
        }
    }

    /// Applies it.
    pub fn apply(self, key: &mut ApiKey) {
        match self {
            Self::Revoked(at) => key.revoked_at = Some(key.revoked_at.unwrap_or(at)),
            Self::ExpiresAt(at) => key.expires_at = Some(key.expires_at.map_or(at, |end| end.min(at))),
            Self::UsedAt(at) => key.last_used_at = key.last_used_at.max(Some(at)),
        }
    }
}
