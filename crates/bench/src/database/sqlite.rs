//! A SQLite database that was made to be measured.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::Connection;

use super::wal_index::LogIndex;
use super::{Database, Reading};
use crate::ceiling::{Plain, Script, sqlite as ceiling};
use crate::error::{BenchError, Trying};

/// A database file, and another one beside it for single commits.
pub(crate) struct SqliteDatabase {
    path: PathBuf,
    index: OnceLock<Option<Arc<LogIndex>>>,
    commits: Arc<Mutex<Option<Connection>>>,
}

impl SqliteDatabase {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, index: OnceLock::new(), commits: Arc::default() }
    }

    /// The index of the log. There is one as soon as the database was opened.
    fn index(&self) -> Option<&Arc<LogIndex>> {
        self.index.get_or_init(|| LogIndex::of(&self.path).map(Arc::new)).as_ref()
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    fn url(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    fn observe(&self) {
        if let Some(Some(index)) = self.index.get() {
            index.observe();
        }
    }

    async fn reading(&self) -> Result<Reading, BenchError> {
        let totals = self.index().and_then(|index| index.totals());
        let (commits, log_bytes) = totals.unzip();
        Ok(Reading { commits, log_bytes, ..Reading::default() })
    }

    async fn commit_times(&self, n: usize) -> Result<Vec<Duration>, BenchError> {
        let path = self.path.with_file_name("commits.db");
        let connection = self.commits.clone();
        blocking(move || {
            let mut slot = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match slot.take() {
                Some(connection) => connection,
                None => single_rows(&path).trying("opening a database for single commits")?,
            };
            let times = (0..n).map(|_| commit(&connection)).collect::<rusqlite::Result<_>>();
            *slot = Some(connection);
            times.trying("committing a row")
        })
        .await
    }

    async fn write_plainly(&self, script: Arc<Script>, tasks: usize) -> Result<Plain, BenchError> {
        let path = self.path.clone();
        let index = self.index().cloned();
        blocking(move || {
            ceiling::write(&path, &script, tasks, || index.iter().for_each(|index| index.observe()))
        })
        .await
    }

    async fn checkpoint(&self) -> Result<(), BenchError> {
        let path = self.path.clone();
        blocking(move || {
            let connection = ceiling::connect(&path)?;
            // Not one that empties the log: what the index tells would begin anew, and not be counted.
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).trying("a checkpoint")
        })
        .await
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BenchError> + Send + 'static,
) -> Result<T, BenchError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn single_rows(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    ceiling::set_up(&connection)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    )?;
    Ok(connection)
}

fn commit(connection: &Connection) -> rusqlite::Result<Duration> {
    let mut insert = connection.prepare_cached("INSERT INTO row (text) VALUES ('a row of some bytes')")?;
    let start = Instant::now();
    insert.execute([])?;
    Ok(start.elapsed())
}
