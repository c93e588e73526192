//! API keys: made, listed, replaced, revoked.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use tasker_core::access::{ApiKey, Grant, api_key};
use tasker_core::decide::Rejection;
use tasker_core::ids::Digest;
use tasker_core::names::Namespace;
use tasker_core::time::Timestamp;
use tasker_store::keys::KeyChange;

use crate::engine::Engine;
use crate::error::UseCaseError;

/// What a new key is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewApiKey {
    /// Whose it is: 1 to 64 of `A-Z a-z 0-9 _ . - @`.
    pub name: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// What its holder may do besides.
    pub grants: Vec<Grant>,
    /// The only namespaces that its holder may have to do with; `None`: all.
    pub namespaces: Option<BTreeSet<Namespace>>,
    /// How long it is good; `None`: until it is revoked.
    pub valid_for: Option<Duration>,
    /// Who makes it.
    pub created_by: String,
}

/// A new key, with the token that is shown once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct MintedApiKey {
    /// The key.
    pub key: ApiKey,
    /// The token.
    pub token: String,
}

impl fmt::Debug for MintedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes a key.
    ///
    /// # Errors
    /// `invalid_api_key_name`.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<MintedApiKey, UseCaseError> {
        if !api_key::is_usable_name(&new.name) {
            let message = format!("{:?} cannot name the holder of an API key", new.name);
            let rejection = Rejection::new("invalid_api_key_name", message);
            return Err(rejection.help("use 1 to 64 of A-Z a-z 0-9 _ . - @").into());
        }
        let now = self.parts.store.now().await?;
        self.mint(|id, digest| ApiKey {
            id,
            name: new.name,
            digest,
            roles: new.roles,
            grants: new.grants,
            namespaces: new.namespaces,
            created_at: now,
            created_by: new.created_by,
            expires_at: new.valid_for.map(|span| now.plus(span)),
            revoked_at: None,
            last_used_at: None,
        })
        .await
    }

    /// Makes another key with the name and the rights of one, which stays good for `overlap` at most. The new one is good for
    /// as long as the old one was meant to be from its beginning on.
    ///
    /// # Errors
    /// `api_key_not_found`; `api_key_ended` if the old one is not good any more.
    pub async fn rotate_api_key(
        &self,
        id: &str,
        overlap: Duration,
        by: String,
    ) -> Result<MintedApiKey, UseCaseError> {
        let (old, now) = (self.api_key(id).await?, self.parts.store.now().await?);
        if !old.is_good(now) {
            return Err(UseCaseError::Conflict {
                code: "api_key_ended",
                message: format!("API key {id} of {} has expired or was revoked", old.name),
                help: Some("make a new one: tasker auth key create".into()),
                task: None,
            });
        }
        let expires_at = old.expires_at.map(|end| now.plus(end.since(old.created_at)));
        let new = |id, digest| ApiKey {
            id,
            digest,
            created_at: now,
            created_by: by,
            expires_at,
            last_used_at: None,
            ..old
        };
        let minted = self.mint(new).await?;
        self.change(id, KeyChange::ExpiresAt(now.plus(overlap))).await?;
        Ok(minted)
    }

    /// All keys, newest first, those that are not good any more included.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, UseCaseError> {
        Ok(self.parts.store.key_store().keys().await?)
    }

    /// One key.
    ///
    /// # Errors
    /// `api_key_not_found`.
    pub async fn api_key(&self, id: &str) -> Result<ApiKey, UseCaseError> {
        self.find_api_key(id).await?.ok_or_else(|| not_found(id))
    }

    /// The key of an id, if there is one.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn find_api_key(&self, id: &str) -> Result<Option<ApiKey>, UseCaseError> {
        Ok(self.parts.store.key_store().key(id).await?)
    }

    /// Revokes a key. One that is revoked already stays as it is.
    ///
    /// # Errors
    /// `api_key_not_found`.
    pub async fn revoke_api_key(&self, id: &str) -> Result<ApiKey, UseCaseError> {
        let now = self.parts.store.now().await?;
        self.change(id, KeyChange::Revoked(now)).await
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// `api_key_not_found`.
    pub async fn note_api_key_use(&self, id: &str, at: Timestamp) -> Result<ApiKey, UseCaseError> {
        self.change(id, KeyChange::UsedAt(at)).await
    }

    async fn change(&self, id: &str, change: KeyChange) -> Result<ApiKey, UseCaseError> {
        let changed = self.parts.store.key_store().change_key(id, change).await?;
        changed.ok_or_else(|| not_found(id))
    }

    /// Keeps a key with a new id and a new secret.
    async fn mint(&self, key: impl FnOnce(String, Digest) -> ApiKey) -> Result<MintedApiKey, UseCaseError> {
        let (id, token, digest) = api_key::mint(random()?, random()?);
        let key = key(id, digest);
        self.parts.store.key_store().add_key(key.clone()).await?;
        Ok(MintedApiKey { key, token })
    }
}

/// Chance of the operating system: a secret never comes from anywhere else.
fn random<const N: usize>() -> Result<[u8; N], UseCaseError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Rejection::new("no_randomness", format!("the operating system gives no random bytes: {error}"))
    })?;
    Ok(bytes)
}

fn not_found(id: &str) -> UseCaseError {
    UseCaseError::NotFound {
        code: "api_key_not_found",
        message: format!("there is no API key {id:?}"),
        help: Some("list them: tasker auth key list".into()),
    }
}
