//! Databases that are made for one run and thrown away: what they tell about themselves, and plain SQL in them.

mod postgres;
mod sqlite;
mod wal_index;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_scratch::{Place, Scratch};

pub(crate) use self::postgres::PostgresDatabase;
pub(crate) use self::sqlite::SqliteDatabase;

use crate::ceiling::{Plain, Script};
use crate::error::BenchError;

/// A database of its own for one run.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// Its URL.
    fn url(&self) -> String;

    /// A look after a commit. Cheap.
    fn observe(&self);

    /// What it tells about itself now; differences of two readings are what something cost.
    async fn reading(&self) -> Result<Reading, BenchError>;

    /// Times of `n` commits of one row each, one after the other, on the same disk and with the same settings.
    async fn commit_times(&self, n: usize) -> Result<Vec<Duration>, BenchError>;

    /// Writes the rows of tasks with plain SQL. The definition has been registered.
    async fn write_plainly(&self, script: Arc<Script>, tasks: usize) -> Result<Plain, BenchError>;

    /// Brings what was written to where it stays, so that this does not happen during a measurement.
    async fn checkpoint(&self) -> Result<(), BenchError>;
}

/// Totals since some point in the past. What cannot be known is `None`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Reading {
    /// Transactions that wrote something.
    pub(crate) commits: Option<u64>,
    /// Bytes of the write-ahead log.
    pub(crate) log_bytes: Option<u64>,
    /// Statements that the server ran.
    pub(crate) statements: Option<u64>,
    /// Pages that the server touched.
    pub(crate) buffers: Option<u64>,
    /// Processor time of the server; `None` if it is not on this machine, or is no process of its own.
    pub(crate) cpu: Option<Duration>,
}

impl Reading {
    /// What was added since an earlier reading.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let count = |now: Option<u64>, then: Option<u64>| now?.checked_sub(then?);
        Self {
            commits: count(self.commits, earlier.commits),
            log_bytes: count(self.log_bytes, earlier.log_bytes),
            statements: count(self.statements, earlier.statements),
            buffers: count(self.buffers, earlier.buffers),
            cpu: self.cpu.zip(earlier.cpu).map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// A database of its own for one run, deleted with this value.
pub(crate) struct Made {
    pub(crate) database: Arc<dyn Database>,
    /// Goes last.
    _scratch: Scratch,
}

impl Made {
    /// Makes a database.
    pub(crate) async fn at(place: &Place, keep: bool) -> Result<Self, BenchError> {
        let scratch = Scratch::make(place, "bench", keep).await?;
        let database: Arc<dyn Database> = match scratch.url().strip_prefix("sqlite:") {
            Some(path) => Arc::new(SqliteDatabase::at(path.into())),
            None => Arc::new(PostgresDatabase::at(scratch.url()).await?),
        };
        Ok(Self { database, _scratch: scratch })
    }
}
