//! API keys.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::access::ApiKey;
use tasker_core::decide::Rejection;
use tasker_store::StoreError;
use tasker_store::keys::{KeyChange, KeyStore};

use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::Begin;
use crate::{Parts, PostgresStore, Trying as _, sql};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError> {
        if insert(&self.parts, &key).await.trying("adding an API key")? {
            return Ok(());
        }
        let message = format!("there is an API key {} already", key.id);
        Err(StoreError::Refused(Rejection::new("api_key_exists", message)))
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        find(&self.parts, id).await.trying("reading an API key")
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        list(&self.parts).await.trying("listing API keys")
    }

    async fn change_key(&self, id: &str, change: KeyChange) -> Result<Option<ApiKey>, StoreError> {
        update(&self.parts, id, change).await.trying("changing an API key")
    }
}

async fn insert(parts: &Parts, key: &ApiKey) -> Result<bool, Trouble> {
    let texts = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<String>>();
    let mut session = parts.reads.begin(Begin::Write).await?;
    let query = session
        .query(sql::KEY_INSERT)
        .bind(key.id.clone())
        .bind(key.name.clone())
        .bind(key.digest.0.to_vec())
        .bind(key.roles.clone())
        .bind(texts(&mut key.grants.iter().map(ToString::to_string)))
        .bind(key.namespaces.as_ref().map(|names| texts(&mut names.iter().map(ToString::to_string))))
        .bind(At(key.created_at))
        .bind(key.created_by.clone())
        .bind(key.expires_at.map(At))
        .bind(key.revoked_at.map(At))
        .bind(key.last_used_at.map(At));
    let added = session.execute(query).await.map(|n| n > 0);
    session.end(added).await
}

async fn find(parts: &Parts, id: &str) -> Result<Option<ApiKey>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::KEY_FIND).bind(id.to_owned());
    let row = session.row(query).await;
    let key = row.and_then(|row| row.as_ref().map(key).transpose());
    session.end(key).await
}

async fn list(parts: &Parts) -> Result<Vec<ApiKey>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::KEY_LIST);
    let rows = session.rows(query).await;
    let keys = rows.and_then(|rows| rows.iter().map(key).collect());
    session.end(keys).await
}

async fn update(parts: &Parts, id: &str, change: KeyChange) -> Result<Option<ApiKey>, Trouble> {
    let [expires, revoked, used] = change.columns().map(|at| at.map(At));
    let mut session = parts.reads.begin(Begin::Write).await?;
    let query = session.query(sql::KEY_CHANGE).bind(id.to_owned()).bind(expires).bind(revoked).bind(used);
    let row = session.row(query).await;
    let key = row.and_then(|row| row.as_ref().map(key).transpose());
    session.end(key).await
}

fn key(row: &PgRow) -> Result<ApiKey, Trouble> {
    let is_limited = row.try_get::<Option<Vec<String>>, _>(5)?.is_some();
    Ok(ApiKey {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        digest: rows::digest(row, 2)?,
        roles: row.try_get(3)?,
        grants: rows::names(row, 4)?,
        namespaces: if is_limited { Some(rows::names(row, 5)?.into_iter().collect()) } else { None },
        created_at: rows::instant(row, 6)?,
        created_by: row.try_get(7)?,
        expires_at: rows::maybe_instant(row, 8)?,
        revoked_at: rows::maybe_instant(row, 9)?,
        last_used_at: rows::maybe_instant(row, 10)?,
    })
}
