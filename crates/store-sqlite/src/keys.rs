//! API keys.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tasker_core::access::ApiKey;
use tasker_core::decide::Rejection;
use tasker_core::ids::Digest;
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::keys::{KeyChange, KeyStore};

use crate::SqliteStore;
use crate::error::Trouble;
use crate::rows;
use crate::save::json_text;
use crate::sql;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let message = format!("there is an API key {} already", key.id);
        let job = move |writer: &mut crate::writer::Writer| {
            writer.transaction(|writing| insert(writing.connection, &key))
        };
        if self.threads.write("adding an API key", job).await? {
            return Ok(());
        }
        Err(StoreError::Refused(Rejection::new("api_key_exists", message)))
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let id = id.to_owned();
        let job = move |reader: &mut crate::threads::Reader| {
            let mut statement = reader.connection.prepare_cached(sql::KEY_FIND)?;
            Ok(statement.query_row([id], key).optional()?)
        };
        self.threads.read("reading an API key", job).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let job = |reader: &mut crate::threads::Reader| {
            let mut statement = reader.connection.prepare_cached(sql::KEY_LIST)?;
            Ok(statement.query_map([], key)?.collect::<Result<_, _>>()?)
        };
        self.threads.read("listing API keys", job).await
    }

    async fn change_key(&self, id: &str, change: KeyChange) -> Result<Option<ApiKey>, StoreError> {
        let id = id.to_owned();
        let job = move |writer: &mut crate::writer::Writer| {
            writer.transaction(|writing| update(writing.connection, &id, change))
        };
        self.threads.write("changing an API key", job).await
    }
}

fn insert(connection: &Connection, key: &ApiKey) -> Result<bool, Trouble> {
    let mut statement = connection.prepare_cached(sql::KEY_INSERT)?;
    let added = statement.execute(params![
        key.id,
        key.name,
        key.digest.0.as_slice(),
        json_text(&key.roles),
        json_text(&key.grants),
        key.namespaces.as_ref().map(|names| json_text(&names.iter().collect::<Vec<_>>())),
        key.created_at.as_micros(),
        key.created_by,
        key.expires_at.map(Timestamp::as_micros),
        key.revoked_at.map(Timestamp::as_micros),
        key.last_used_at.map(Timestamp::as_micros)
    ])?;
    Ok(added > 0)
}

fn update(connection: &Connection, id: &str, change: KeyChange) -> Result<Option<ApiKey>, Trouble> {
    let [expires, revoked, used] = change.columns().map(|at| at.map(Timestamp::as_micros));
    let mut statement = connection.prepare_cached(sql::KEY_CHANGE)?;
    Ok(statement.query_row(params![id, expires, revoked, used], key).optional()?)
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let has_namespaces = !matches!(row.get_ref(5)?, rusqlite::types::ValueRef::Null);
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        digest: Digest(row.get(2)?),
        roles: rows::json(row, 3)?,
        grants: rows::json(row, 4)?,
        namespaces: if has_namespaces { Some(rows::json(row, 5)?) } else { None },
        created_at: rows::instant(row, 6)?,
        created_by: row.get(7)?,
        expires_at: rows::maybe_instant(row, 8)?,
        revoked_at: rows::maybe_instant(row, 9)?,
        last_used_at: rows::maybe_instant(row, 10)?,
    })
}
