//! The schema of a database: which one it has, and how it gets the one that this program needs.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use tasker_store::StoreError;
use tasker_store::read::SchemaStatus;

use crate::error::Trouble;
use crate::sql;

/// One step of the schema's history. There is no way back.
#[derive(Clone, Copy)]
struct Migration {
    version: u32,
    /// The oldest version whose programs can still use the result.
    readable_from: u32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, readable_from: 1, sql: include_str!("../sql/migrations/0001_initial.sql") },
    // Programs for older schemas prune without noting it.
    Migration { version: 2, readable_from: 2, sql: include_str!("../sql/migrations/0002_log_readers.sql") },
    // Programs for older schemas leave out the id beside a request.
    Migration { version: 3, readable_from: 3, sql: include_str!("../sql/migrations/0003_list_indexes.sql") },
    Migration { version: 4, readable_from: 3, sql: include_str!("../sql/migrations/0004_api_keys.sql") },
    // Tasks that older programs accept are owned by nobody.
    Migration { version: 5, readable_from: 3, sql: include_str!("../sql/migrations/0005_owners.sql") },
    // Programs for older schemas cannot read the names of workers.
    Migration { version: 6, readable_from: 6, sql: include_str!("../sql/migrations/0006_short_actors.sql") },
];

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Nothing,
    /// Tables of another program.
    Foreign,
    Schema {
        version: u32,
        readable_from: u32,
    },
}

/// Brings the schema up to date, after a copy of the file if it holds data.
///
/// # Errors
/// The file is another program's, or of a newer Tasker that this one must not touch; or SQLite fails.
pub(crate) fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    migrate_along(connection, path, MIGRATIONS)
}

/// Checks that the schema can be used as it is.
///
/// # Errors
/// As [`migrate`], and a schema that is missing or older than this program's.
pub(crate) fn require(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = found(connection).map_err(|trouble| reading(path, trouble))?;
    if is_usable(found, path, expected(MIGRATIONS))? {
        return Ok(());
    }
    let what = match found {
        Found::Schema { version, .. } => format!("has schema version {version}"),
        _ => "is empty".to_owned(),
    };
    Err(StoreError::Schema(format!(
        "the database {} {what}, and this program needs schema version {}: run `tasker db migrate`",
        path.display(),
        expected(MIGRATIONS)
    )))
}

/// The schema of an open database.
pub(crate) fn status(connection: &Connection, location: String) -> Result<SchemaStatus, Trouble> {
    let (version, readable_from) = match found(connection)? {
        Found::Schema { version, readable_from } => (Some(version), Some(readable_from)),
        Found::Nothing | Found::Foreign => (None, None),
    };
    Ok(SchemaStatus { version, readable_from, ..status_of_nothing(location) })
}

/// Checks that a file is not another program's.
pub(crate) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match found(connection).map_err(|trouble| reading(path, trouble))? {
        Found::Foreign => Err(foreign(path)),
        Found::Nothing | Found::Schema { .. } => Ok(()),
    }
}

fn foreign(path: &Path) -> StoreError {
    let path = path.display();
    StoreError::Schema(format!("{path} is a SQLite database, but not one of Tasker's: name another file"))
}

/// The schema of a file that does not exist.
pub(crate) fn status_of_nothing(location: String) -> SchemaStatus {
    SchemaStatus {
        store: "sqlite",
        location,
        version: None,
        expected: expected(MIGRATIONS),
        readable_from: None,
    }
}

fn migrate_along(connection: &Connection, path: &Path, migrations: &[Migration]) -> Result<(), StoreError> {
    let before = found(connection).map_err(|trouble| reading(path, trouble))?;
    if is_usable(before, path, expected(migrations))? {
        return Ok(());
    }
    let run = || -> Result<(), Trouble> {
        if let Found::Schema { version, .. } = before {
            copy(connection, path, version)?;
        }
        apply(connection, migrations)
    };
    run().map_err(|trouble| trouble.while_trying(&format!("migrating the database {}", path.display())))
}

/// Whether a schema needs nothing done; an error if nothing can be done.
fn is_usable(found: Found, path: &Path, expected: u32) -> Result<bool, StoreError> {
    match found {
        Found::Nothing => Ok(false),
        Found::Foreign => Err(foreign(path)),
        Found::Schema { version, readable_from } if readable_from > expected => {
            let path = path.display();
            Err(StoreError::Schema(format!(
                "the database {path} has schema version {version}, which needs a program for version {readable_from} or \
             newer; this one is for version {expected}: install a newer tasker (`tasker db status` compares them), or \
             name another file"
            )))
        }
        Found::Schema { version, .. } => Ok(version >= expected),
    }
}

fn found(connection: &Connection) -> Result<Found, Trouble> {
    let (tables, ours): (u32, u32) =
        connection.query_row(sql::SCHEMA_TABLES, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (tables, ours) {
        (0, _) => return Ok(Found::Nothing),
        (_, 0) => return Ok(Found::Foreign),
        _ => {}
    }
    let row =
        connection.query_row(sql::SCHEMA_VERSION, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.map_or(Found::Foreign, |(version, readable_from)| Found::Schema { version, readable_from }))
}

/// Runs what is missing, in one transaction; whoever comes second finds nothing missing.
fn apply(connection: &Connection, migrations: &[Migration]) -> Result<(), Trouble> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version = match found(&transaction)? {
        Found::Schema { version, .. } => version,
        Found::Nothing | Found::Foreign => 0,
    };
    for migration in migrations.iter().filter(|migration| migration.version > version) {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(sql::SCHEMA_SET, [migration.version, migration.readable_from])?;
    }
    transaction.commit().map_err(Trouble::Commit)
}

/// Copies the database beside itself, for whoever has to go back.
fn copy(connection: &Connection, path: &Path, version: u32) -> Result<PathBuf, Trouble> {
    let copy = PathBuf::from(format!("{}.v{version}.bak", path.display()));
    if let Err(error) = fs::remove_file(&copy)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    // SQLite writes into an empty file that is there already, and leaves its permissions.
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy)?;
    connection.execute("VACUUM INTO ?1", [copy.display().to_string()])?;
    Ok(copy)
}

fn expected(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

fn reading(path: &Path, trouble: Trouble) -> StoreError {
    trouble.while_trying(&format!("reading the schema of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use tasker_core::ids::WorkerId;

    use super::*;
    use crate::rows;

    /// The migrations there are and one more.
    fn next() -> Vec<Migration> {
        let version = latest() + 1;
        let extra = "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT";
        let extra = Migration { version, readable_from: version, sql: extra };
        MIGRATIONS.iter().copied().chain([extra]).collect()
    }

    fn latest() -> u32 {
        expected(MIGRATIONS)
    }

    fn schema(version: u32, readable_from: u32) -> Found {
        Found::Schema { version, readable_from }
    }

    fn database(directory: &tempfile::TempDir) -> (PathBuf, Connection) {
        let path = directory.path().join("tasker.db");
        let connection = Connection::open(&path).unwrap();
        (path, connection)
    }

    fn set_version(connection: &Connection, version: u32, readable_from: u32) {
        connection.execute(sql::SCHEMA_SET, [version, readable_from]).unwrap();
    }

    #[test]
    fn an_empty_file_gets_the_schema_without_a_copy() {
        let directory = tempfile::tempdir().unwrap();
        let (path, connection) = database(&directory);
        migrate(&connection, &path).unwrap();
        assert_eq!(found(&connection).unwrap(), schema(latest(), 6));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "the database alone");
        let seeded: String =
            connection.query_row("SELECT name FROM namespace WHERE id = 1", [], |row| row.get(0)).unwrap();
        assert_eq!(seeded, "default");
    }

    #[test]
    fn an_older_schema_is_migrated_after_a_copy() {
        for n in 1..=MIGRATIONS.len() {
            let directory = tempfile::tempdir().unwrap();
            let (path, connection) = database(&directory);
            migrate_along(&connection, &path, &MIGRATIONS[..n]).unwrap();
            let before = found(&connection).unwrap();
            migrate_along(&connection, &path, &next()).unwrap();
            assert_eq!(found(&connection).unwrap(), schema(latest() + 1, latest() + 1));
            let version = MIGRATIONS[n - 1].version;
            let copy = Connection::open(directory.path().join(format!("tasker.db.v{version}.bak"))).unwrap();
            assert_eq!(found(&copy).unwrap(), before);
            migrate_along(&connection, &path, &next()).unwrap();
        }
    }

    /// Nobody can know any more what an older program deleted: whoever reads on from before is told so.
    #[test]
    fn deletions_of_an_older_program_are_taken_for_the_worst() {
        for (kept, expected) in [(0..3, None), (1..3, Some(3)), (0..0, Some(3))] {
            let directory = tempfile::tempdir().unwrap();
            let (path, connection) = database(&directory);
            migrate_along(&connection, &path, &MIGRATIONS[..1]).unwrap();
            for n in 1..=3 {
                let insert =
                    "INSERT INTO transition (task_seq, seq, to_state, at, actor) VALUES (1, ?1, 0, 0, 'x')";
                connection.execute(insert, [n]).unwrap();
            }
            let delete = "DELETE FROM transition WHERE n <= ?1 OR n > ?2";
            connection.execute(delete, [kept.start, kept.end]).unwrap();
            migrate(&connection, &path).unwrap();
            let noted: Option<u32> =
                connection.query_row("SELECT max(n) FROM log_pruning", [], |row| row.get(0)).unwrap();
            assert_eq!(noted, expected, "{kept:?}");
        }
    }

    #[test]
    fn who_is_named_in_an_older_log_is_still_named() {
        let directory = tempfile::tempdir().unwrap();
        let (path, connection) = database(&directory);
        migrate_along(&connection, &path, &MIGRATIONS[..5]).unwrap();
        let insert = "INSERT INTO transition (task_seq, seq, to_state, at, actor) VALUES (1, 1, 0, 0, ?1)";
        let worker = WorkerId(uuid::Uuid::from_u128(0x0190_a1b2));
        let others = [
            "engine",
            "worker:7",
            "worker:0190A1B2-0000-0000-0000-000000000000",
            "worker:zzzzzzzz-z-z-z-zzzzzzzzzzzz",
        ];
        let before: Vec<String> = others.map(str::to_owned).into_iter().chain([worker.actor()]).collect();
        for name in &before {
            connection.execute(insert, [name]).unwrap();
        }
        connection.execute("DELETE FROM transition WHERE n = 2", []).unwrap();
        migrate(&connection, &path).unwrap();
        let mut log = connection
            .prepare("SELECT seq, ordinal, from_state, to_state, at, actor, metadata FROM transition")
            .unwrap();
        let named: Vec<String> = log
            .query_map([], |row| Ok(rows::transition(row, 0)?.actor))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(named, [0, 2, 3, 4].map(|n| before[n].clone()));
        let short: u32 = connection
            .query_row("SELECT count(*) FROM transition WHERE typeof(actor) = 'blob'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(short, 1);
    }

    #[test]
    fn a_newer_schema_is_used_only_if_it_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let (path, connection) = database(&directory);
        migrate(&connection, &path).unwrap();
        let newer = latest() + 2;
        set_version(&connection, newer, latest());
        migrate(&connection, &path).unwrap();
        assert_eq!(found(&connection).unwrap(), schema(newer, latest()));
        set_version(&connection, newer, newer - 1);
        let error = migrate(&connection, &path).unwrap_err().to_string();
        let expected = [
            format!("schema version {newer}"),
            format!("version {} or newer", newer - 1),
            format!("this one is for version {}", latest()),
            "install a newer tasker".to_owned(),
            "`tasker db status`".to_owned(),
        ];
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
    }

    #[test]
    fn reading_commands_never_migrate() {
        let directory = tempfile::tempdir().unwrap();
        let (path, connection) = database(&directory);
        assert!(require(&connection, &path).unwrap_err().to_string().contains("tasker db migrate"));
        assert_eq!(found(&connection).unwrap(), Found::Nothing);
        migrate(&connection, &path).unwrap();
        require(&connection, &path).unwrap();
    }

    #[test]
    fn people_can_read_the_views() {
        let directory = tempfile::tempdir().unwrap();
        let (path, connection) = database(&directory);
        migrate(&connection, &path).unwrap();
        for view in ["tasks", "steps", "transitions"] {
            let n: u32 =
                connection.query_row(&format!("SELECT count(*) FROM {view}"), [], |row| row.get(0)).unwrap();
            assert_eq!(n, 0, "{view}");
        }
    }
}
