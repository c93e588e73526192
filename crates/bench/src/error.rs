//! Why nothing could be measured.

use tasker_engine::UseCaseError;
use tasker_scratch::ScratchError;
use tasker_store::StoreError;

/// Why nothing could be measured, or what was measured is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The engine refused or failed.
    #[error(transparent)]
    UseCase(#[from] UseCaseError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No database was made to measure.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// A file or a process could not be used.
    #[error("{trying}")]
    Io {
        /// What was tried, on what.
        trying: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Plain SQL failed on SQLite.
    #[error("{trying}")]
    Sqlite {
        /// What was tried.
        trying: &'static str,
        /// Why it failed.
        #[source]
        source: rusqlite::Error,
    },
    /// Plain SQL failed on PostgreSQL.
    #[error("{trying}")]
    Postgres {
        /// What was tried.
        trying: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// The URL of a server cannot be used.
    #[error("the URL of the PostgreSQL server cannot be used")]
    Url(#[source] url::ParseError),
    /// A worker process did not do its part.
    #[error("worker process {number}: {what}")]
    Worker {
        /// Which, from 1.
        number: usize,
        /// What it did instead.
        what: String,
    },
    /// Nothing happened for too long.
    #[error("{ended} of {expected} tasks ended, and then none for {seconds} s")]
    Stalled {
        /// Tasks that ended.
        ended: u64,
        /// Tasks that should have.
        expected: u64,
        /// How long nothing happened.
        seconds: u64,
    },
    /// The engine did wrong work, however fast.
    #[error("the run is worth nothing: {}", .0.join("; "))]
    Wrong(Vec<String>),
}

/// Says what was tried when something failed.
pub(crate) trait Trying<T> {
    /// `what` was tried.
    fn trying(self, what: &'static str) -> Result<T, BenchError>;
}

impl<T> Trying<T> for Result<T, rusqlite::Error> {
    fn trying(self, trying: &'static str) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Sqlite { trying, source })
    }
}

impl<T> Trying<T> for Result<T, sqlx::Error> {
    fn trying(self, trying: &'static str) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Postgres { trying, source })
    }
}

impl<T> Trying<T> for Result<T, std::io::Error> {
    fn trying(self, what: &'static str) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Io { trying: what.into(), source })
    }
}
