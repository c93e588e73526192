//! The schema of a database: which one it has, and how it gets the one that this program needs. There is no way back.

use std::time::Duration;

use sqlx::Row;
use tasker_store::StoreError;
use tasker_store::read::SchemaStatus;

use crate::error::Trouble;
use crate::options::{Address, Purpose};
use crate::session::{Begin, Pool, Session};
use crate::sql;

/// How long a migration may take.
const PATIENCE: Duration = Duration::from_secs(3600);

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
];

/// The text of all migrations.
pub(crate) const TEXT: &str = concat!(
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_read_models.sql"),
    include_str!("../migrations/0003_check_and_reader.sql")
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
    let run = async {
        let pool = Pool::new(address, Purpose::Migrate, 1, PATIENCE);
        let mut session = pool.begin(Begin::Write).await?;
        let found = migrate_in(&mut session, &address.location(), migrations).await;
        let found = session.end(found).await?;
        pool.close().await;
        Ok(found)
    };
    let found: Found = run.await.map_err(|trouble: Trouble| trouble.while_trying(&trying))?;
    Ok(status_of(address, Some(found)))
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
pub(crate) async fn require(pool: &std::sync::Arc<Pool>, address: &Address) -> Result<(), Trouble> {
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
pub(crate) async fn status(pool: &std::sync::Arc<Pool>, address: &Address) -> Result<SchemaStatus, Trouble> {
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
         newer; this one is for version {expected}: install a newer tasker, or name another database"
    )))
}

fn expected(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

fn integer(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use tasker_testkit::postgres::{Database, Server};

    use super::*;
    use crate::{PostgresOptions, PostgresStore};

    /// This program's migrations and one more.
    fn next() -> Vec<Migration> {
        let sql = "CREATE TABLE tasker.extra (id bigint PRIMARY KEY)";
        let extra = Migration { version: latest() + 1, readable_from: 1, sql };
        MIGRATIONS.iter().copied().chain([extra]).collect()
    }

    fn latest() -> u32 {
        expected(MIGRATIONS)
    }

    async fn empty() -> (Database, Address) {
        let database = Server::for_tests().empty_database().await;
        let address = Address::parse(database.url()).unwrap();
        (database, address)
    }

    async fn refusal(database: &Database) -> String {
        let connected = PostgresStore::connect(database.url(), PostgresOptions::default()).await;
        match connected.err().expect("this schema must be refused") {
            StoreError::Schema(message) => message,
            other => panic!("{other:?}"),
        }
    }

    async fn set(database: &Database, version: i32, readable_from: i32) {
        let mut connection = database.connect().await;
        sqlx::query(sql::SCHEMA_SET)
            .bind(version)
            .bind(readable_from)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_database_without_schema_is_refused_and_told_how_to_get_it() {
        let (database, _) = empty().await;
        let message = refusal(&database).await;
        assert!(message.contains("has no schema of Tasker"), "{message}");
        assert!(message.contains("run `tasker db migrate`"), "{message}");
        assert_eq!(PostgresStore::status(database.url()).await.unwrap().version, None);
        let status = PostgresStore::migrate(database.url()).await.unwrap();
        assert_eq!((status.version, status.expected), (Some(latest()), latest()));
        PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
    }

    #[tokio::test]
    async fn many_nodes_may_migrate_at_once() {
        let (database, address) = empty().await;
        let migrations = (0..8).map(|_| {
            let address = address.clone();
            tokio::spawn(async move { migrate_along(&address, &next()).await.map(|status| status.version) })
        });
        for migration in migrations.collect::<Vec<_>>() {
            assert_eq!(migration.await.unwrap().unwrap(), Some(latest() + 1));
        }
        assert_eq!(PostgresStore::status(database.url()).await.unwrap().version, Some(latest() + 1));
    }

    #[tokio::test]
    async fn each_older_schema_is_migrated_from_where_it_is() {
        for n in 1..=MIGRATIONS.len() {
            let (_database, address) = empty().await;
            let older = migrate_along(&address, &MIGRATIONS[..n]).await.unwrap();
            assert_eq!(older.version, Some(MIGRATIONS[n - 1].version));
            assert_eq!(migrate_along(&address, &next()).await.unwrap().version, Some(latest() + 1));
            assert_eq!(
                migrate_along(&address, &next()).await.unwrap().version,
                Some(latest() + 1),
                "nothing twice"
            );
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_used_only_if_it_says_so() {
        let (database, _) = empty().await;
        PostgresStore::migrate(database.url()).await.unwrap();
        let newer = i32::try_from(latest()).unwrap() + 2;
        set(&database, newer, 1).await;
        PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
        assert_eq!(
            PostgresStore::migrate(database.url()).await.unwrap().version,
            Some(latest() + 2),
            "no way back"
        );
        set(&database, newer, newer - 1).await;
        let message = refusal(&database).await;
        assert!(message.contains(&format!("schema version {newer}")), "{message}");
        assert!(message.contains(&format!("version {} or newer", newer - 1)), "{message}");
        assert!(message.contains("install a newer tasker"), "{message}");
        set(&database, 0, 0).await;
        assert!(refusal(&database).await.contains("run `tasker db migrate`"));
    }

    #[tokio::test]
    async fn ids_that_went_back_begin_a_new_epoch() {
        let (database, _) = empty().await;
        PostgresStore::migrate(database.url()).await.unwrap();
        let mut connection = database.connect().await;
        let insert = "INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, to_state, actor)
            VALUES (gen_random_uuid(), 1, 9000000000, now(), 1, 0, 'a restored entry')";
        sqlx::raw_sql(insert).execute(&mut connection).await.unwrap();
        for _ in 0..2 {
            PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
            let epoch: i32 = sqlx::query_scalar("SELECT epoch FROM tasker.log_state")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            assert_eq!(epoch, 2);
        }
    }
}
