//! The schema of a database: which one it has, and how it gets the one that this program needs. There is no way back.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use tasker_store::StoreError;
use tasker_store::read::SchemaStatus;
use tokio::time::Instant;

use crate::error::Trouble;
use crate::options::{Address, Purpose};
use crate::session::{Begin, Pool, Session};
use crate::sql;

/// How long a migration may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How long it is tried to change tables that others use.
const BUSY_PATIENCE: Duration = Duration::from_secs(60);

/// Time between two tries, in which the others go on.
const PAUSE: Duration = Duration::from_millis(300);

/// One step of the schema's history.
#[derive(Clone, Copy)]
struct Migration {
    version: u32,
    /// The oldest version whose programs can still use the result.
    readable_from: u32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, readable_from: 1, sql: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, readable_from: 1, sql: include_str!("../migrations/0002_read_models.sql") },
    Migration { version: 3, readable_from: 1, sql: include_str!("../migrations/0003_check_and_reader.sql") },
    Migration { version: 4, readable_from: 1, sql: include_str!("../migrations/0004_log_readers.sql") },
    Migration { version: 5, readable_from: 1, sql: include_str!("../migrations/0005_list_indexes.sql") },
    Migration { version: 6, readable_from: 1, sql: include_str!("../migrations/0006_api_keys.sql") },
    // Tasks that older programs accept are owned by nobody.
    Migration { version: 7, readable_from: 1, sql: include_str!("../migrations/0007_owners.sql") },
    Migration { version: 8, readable_from: 1, sql: include_str!("../migrations/0008_all_states.sql") },
    Migration { version: 9, readable_from: 1, sql: include_str!("../migrations/0009_room_for_updates.sql") },
];

/// The text of all migrations.
pub(crate) const TEXT: &str = concat!(
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_read_models.sql"),
    include_str!("../migrations/0003_check_and_reader.sql"),
    include_str!("../migrations/0004_log_readers.sql"),
    include_str!("../migrations/0005_list_indexes.sql"),
    include_str!("../migrations/0006_api_keys.sql"),
    include_str!("../migrations/0007_owners.sql"),
    include_str!("../migrations/0008_all_states.sql"),
    include_str!("../migrations/0009_room_for_updates.sql")
);

/// What a database has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Found {
    version: u32,
    readable_from: u32,
}

/// Brings the schema up to date. Many may call this at once: one does it, the others find nothing to do.
///
/// # Errors
/// The database cannot be used, or is of a newer program that this one must not touch.
pub(crate) async fn migrate(address: &Address) -> Result<SchemaStatus, StoreError> {
    migrate_along(address, MIGRATIONS).await
}

async fn migrate_along(address: &Address, migrations: &[Migration]) -> Result<SchemaStatus, StoreError> {
    let trying = format!("migrating the database {}", address.location());
    let pool = Pool::new(address, Purpose::Migrate, 1, PATIENCE);
    let found = until_free(&pool, &address.location(), migrations).await;
    pool.close().await;
    Ok(status_of(address, Some(found.map_err(|trouble| trouble.while_trying(&trying))?)))
}

/// Tries until nobody is in the way. A statement that waits for a table makes everybody wait who comes after it, so it
/// does not wait for long.
async fn until_free(pool: &Arc<Pool>, location: &str, migrations: &[Migration]) -> Result<Found, Trouble> {
    let give_up_at = Instant::now() + BUSY_PATIENCE;
    loop {
        let mut session = pool.begin(Begin::Write).await?;
        let found = migrate_in(&mut session, location, migrations).await;
        match session.end(found).await {
            Err(trouble) if trouble.is_lock_timeout() => {
                if Instant::now() > give_up_at {
                    return Err(Trouble::Late(
                        "transactions that stay open keep its tables from being changed; find them in pg_stat_activity, \
                         let them end, and run `tasker db migrate` again",
                    ));
                }
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

async fn migrate_in(
    session: &mut Session,
    location: &str,
    migrations: &[Migration],
) -> Result<Found, Trouble> {
    let query = session.query(sql::SCHEMA_LOCK);
    session.execute(query).await?;
    let mut found = find(session).await?;
    if let Some(found) = found {
        refuse_if_newer(found, location, expected(migrations))?;
    } else {
        session.script("CREATE SCHEMA IF NOT EXISTS tasker".into()).await?;
    }
    let version = found.map_or(0, |found| found.version);
    session.script("SET LOCAL lock_timeout = '200ms'".into()).await?;
    for migration in migrations.iter().filter(|migration| migration.version > version) {
        session.script(migration.sql.into()).await?;
        let query = session.query(sql::SCHEMA_SET);
        let query = query.bind(integer(migration.version)).bind(integer(migration.readable_from));
        session.execute(query).await?;
        found = Some(Found { version: migration.version, readable_from: migration.readable_from });
    }
    found.ok_or_else(|| Trouble::Corrupt("there are no migrations".into()))
}

/// Checks that the schema can be used as it is, and that the log goes on where it ended.
///
/// # Errors
/// The schema is missing, older than this program's, or too new.
pub(crate) async fn require(pool: &Arc<Pool>, address: &Address) -> Result<(), Trouble> {
    let mut session = pool.begin(Begin::Write).await?;
    let usable = require_in(&mut session, &address.location()).await;
    session.end(usable).await
}

async fn require_in(session: &mut Session, location: &str) -> Result<(), Trouble> {
    let expected = expected(MIGRATIONS);
    let found = find(session).await?;
    if let Some(found) = found {
        refuse_if_newer(found, location, expected)?;
        if found.version >= expected {
            return continue_log(session).await;
        }
    }
    let what = found.map_or("has no schema of Tasker".to_owned(), |found| {
        format!("has schema version {}", found.version)
    });
    Err(Trouble::Schema(format!(
        "the database {location} {what}, and this program needs schema version {expected}: run `tasker db migrate`"
    )))
}

/// After a restore or an upgrade, transaction ids begin anew: what is written from now on comes after all that was.
async fn continue_log(session: &mut Session) -> Result<(), Trouble> {
    let query = session.query(sql::LOG_EPOCH_IS_OVER);
    let is_over = session.row(query).await?.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    if is_over == Some(true) {
        let query = session.query(sql::LOG_RAISE_EPOCH);
        session.execute(query).await?;
    }
    Ok(())
}

/// The schema of a database, without changing it.
pub(crate) async fn status(pool: &Arc<Pool>, address: &Address) -> Result<SchemaStatus, Trouble> {
    let mut session = pool.begin(Begin::Snapshot).await?;
    let found = find(&mut session).await;
    Ok(status_of(address, session.end(found).await?))
}

fn status_of(address: &Address, found: Option<Found>) -> SchemaStatus {
    SchemaStatus {
        store: "postgres",
        location: address.location(),
        version: found.map(|found| found.version),
        expected: expected(MIGRATIONS),
        readable_from: found.map(|found| found.readable_from),
    }
}

async fn find(session: &mut Session) -> Result<Option<Found>, Trouble> {
    let query = session.query(sql::SCHEMA_EXISTS);
    let exists = session.row(query).await?.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    if exists != Some(true) {
        return Ok(None);
    }
    let query = session.query(sql::SCHEMA_VERSION);
    let Some(row) = session.row(query).await? else { return Ok(None) };
    let number = |column| crate::rows::natural(&row, column);
    Ok(Some(Found { version: number(0)?, readable_from: number(1)? }))
}

fn refuse_if_newer(found: Found, location: &str, expected: u32) -> Result<(), Trouble> {
    let Found { version, readable_from } = found;
    if readable_from <= expected {
        return Ok(());
    }
    Err(Trouble::Schema(format!(
        "the database {location} has schema version {version}, which needs a program for version {readable_from} or \
         newer; this one is for version {expected}: install a newer tasker (`tasker db status` compares them), or name \
         another database with --database-url"
    )))
}

fn expected(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

fn integer(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
