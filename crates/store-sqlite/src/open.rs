//! Opening a database file: its directory, its permissions, its settings.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::read::SchemaStatus;

use crate::error::{Trouble, unavailable};
use crate::functions;
use crate::locks::WorkerLocks;
use crate::migrate;
use crate::turn::Turns;

/// How long a statement waits for another process's write.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that each connection keeps prepared; more than there are.
const STATEMENT_CACHE: usize = 128;

/// Size of the writer's cache of pages. More is slower: when a tree is balanced, SQLite renumbers a page by way of a number far
/// behind the end of the file, and then looks through all cached pages at the end of the transaction for some that lie there.
const WRITER_CACHE_KIB: i64 = 4_096;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a database is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// Whether the file is created if it is missing, and its schema brought up to date (after a copy). Otherwise both
    /// are errors.
    pub migrate: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// Connections (and threads) that read, at least 1.
    pub readers: usize,
    /// The time of this store.
    pub clock: Clock,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { migrate: true, read_only: false, readers: 2, clock: Arc::new(host_time) }
    }
}

/// An open database: connections ready for use.
pub(crate) struct Opened {
    pub(crate) writer: Connection,
    pub(crate) readers: Vec<Connection>,
    pub(crate) locks: WorkerLocks,
    pub(crate) turns: Turns,
}

/// Opens a database. A `temporary` one is not synced and has no locks of workers.
pub(crate) fn open(path: &Path, options: OpenOptions, temporary: bool) -> Result<Opened, StoreError> {
    let trying = format!("opening the database {}", path.display());
    if options.migrate && !options.read_only {
        create(path).map_err(|error| unavailable(&trying, error))?;
    }
    let writer = connect(path, options.read_only).map_err(|trouble| trouble.while_trying(&trying))?;
    let set_up = || -> Result<(), Trouble> {
        if !options.read_only {
            use_write_ahead_log(&writer)?;
        }
        writer.pragma_update(None, "synchronous", if temporary { "OFF" } else { "FULL" })?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        Ok(())
    };
    set_up().map_err(|trouble| trouble.while_trying(&trying))?;
    if options.migrate && !options.read_only {
        migrate::migrate(&writer, path)?;
    } else {
        migrate::require(&writer, path)?;
    }
    let readers = (0..options.readers.max(1)).map(|_| reader(path, options.read_only));
    let readers = readers.collect::<Result<_, _>>().map_err(|trouble| trouble.while_trying(&trying))?;
    let is_shared = !temporary && !options.read_only;
    let locks = if is_shared { WorkerLocks::beside(path) } else { WorkerLocks::none() };
    let turns = if is_shared { Turns::beside(path) } else { Turns::default() };
    Ok(Opened { writer, readers, locks, turns })
}

/// The schema of a file, which is not changed.
pub(crate) fn status(path: &Path) -> Result<SchemaStatus, StoreError> {
    let trying = format!("reading the schema of {}", path.display());
    let location = path.display().to_string();
    if !path.exists() {
        return Ok(migrate::status_of_nothing(location));
    }
    let connection = connect(path, true).map_err(|trouble| trouble.while_trying(&trying))?;
    migrate::refuse_foreign(&connection, path)?;
    migrate::status(&connection, location).map_err(|trouble| trouble.while_trying(&trying))
}

/// Makes the directory and the file, if they are missing, so that only their owner can read them. Looking at the file
/// ourselves tells what the system says of it; SQLite only tells that it could not open it.
fn create(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, Trouble> {
    fs::File::open(path)?;
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    functions::register(&connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // A statement is planned once, not anew whenever another limit is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(())).or_else(ignore_no_row)?;
    Ok(connection)
}

fn reader(path: &Path, read_only: bool) -> Result<Connection, Trouble> {
    let connection = connect(path, read_only)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(connection)
}

/// Readers and the writer do not wait for one another under a write-ahead log. Two processes that switch to it at the
/// same moment see each other as busy without SQLite waiting, so we do.
fn use_write_ahead_log(connection: &Connection) -> Result<(), Trouble> {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut left = BUSY_TIMEOUT;
    let switch =
        || connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    let mut answer = switch();
    while is_busy(&answer) && left > PAUSE {
        std::thread::sleep(PAUSE);
        left -= PAUSE;
        answer = switch();
    }
    answer?;
    // A larger log than SQLite's 1,000 pages: a checkpoint syncs the whole file once more.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4_000, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
    Ok(())
}

fn is_busy(answer: &rusqlite::Result<String>) -> bool {
    let code = answer.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn ignore_no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    if error == rusqlite::Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
}

fn host_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since_epoch)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::SqliteStore;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn failure(path: &Path) -> StoreError {
        SqliteStore::open(path, OpenOptions::default()).err().expect("this must not open")
    }

    fn source_of(error: &StoreError) -> String {
        std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn directory_and_files_are_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/deep/tasker.db");
        let _store = SqliteStore::open(&path, OpenOptions::default()).unwrap();
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for suffix in ["", "-wal", "-shm"] {
            assert_eq!(mode(Path::new(&format!("{}{suffix}", path.display()))), 0o600, "{suffix}");
        }
    }

    #[test]
    fn a_path_through_a_file_is_unusable() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "x").unwrap();
        let error = failure(&directory.path().join("file/tasker.db"));
        assert!(
            matches!(&error, StoreError::Unavailable { trying, .. } if trying.contains("file/tasker.db"))
        );
        assert!(!source_of(&error).is_empty());
    }

    #[test]
    fn a_directory_is_no_database() {
        let directory = tempfile::tempdir().unwrap();
        let error = failure(directory.path());
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(source_of(&error).to_lowercase().contains("directory"), "{}", source_of(&error));
    }

    #[test]
    fn a_text_file_is_no_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasker.db");
        fs::write(&path, "this is not a database, however long it is; ".repeat(100)).unwrap();
        let error = failure(&path);
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
        assert!(error.to_string().contains("not a SQLite database"), "{error}");
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE song (title TEXT)").unwrap();
        let error = failure(&path);
        assert!(
            matches!(&error, StoreError::Schema(text) if text.contains("not one of Tasker's")),
            "{error:?}"
        );
    }

    #[test]
    fn reading_commands_do_not_create_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasker.db");
        let options = OpenOptions { migrate: false, ..OpenOptions::default() };
        let error = SqliteStore::open(&path, options).err().unwrap();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(!path.exists());
        assert_eq!(SqliteStore::status(&path).unwrap().version, None);
    }

    #[test]
    fn commits_are_durable() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open(&directory.path().join("tasker.db"), OpenOptions::default(), false).unwrap();
        let pragma = |name: &str| -> String {
            opened.writer.pragma_query_value(None, name, |row| Ok(format!("{:?}", row.get_ref(0)?))).unwrap()
        };
        assert_eq!(pragma("synchronous"), "Integer(2)");
        assert!(pragma("journal_mode").contains("119, 97, 108") || pragma("journal_mode").contains("wal"));
        assert_eq!(pragma("busy_timeout"), "Integer(5000)");
        assert_eq!(pragma("foreign_keys"), "Integer(0)");
    }
}
