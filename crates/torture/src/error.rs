//! Why torture could not be gone through with. What the engine did wrong is no error but a finding: see
//! [`crate::verdict`].

use std::time::Duration;

use tasker_engine::UseCaseError;
use tasker_scratch::ScratchError;
use tasker_store::StoreError;

/// Why torture could not be gone through with.
#[derive(Debug, thiserror::Error)]
pub enum TortureError {
    /// The engine refused or failed where nothing was done to it.
    #[error(transparent)]
    UseCase(#[from] UseCaseError),
    /// The store failed where nothing was done to it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No database could be made.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// A file, a port or a process could not be used.
    #[error("{trying}")]
    Io {
        /// What was tried, on what.
        trying: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The URL of the server cannot be used.
    #[error("the URL of the PostgreSQL server cannot be used")]
    Url(#[source] url::ParseError),
    /// A process ended, or did not.
    #[error("{what}; what it wrote:\n{told}")]
    Process {
        /// Which, and what it did.
        what: String,
        /// Its standard error, and its standard output.
        told: String,
    },
    /// Something that had to happen did not.
    #[error("waited {} s in vain for {what}", waited.as_secs())]
    Patience {
        /// For what.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// A fault was not what it should have been, so surviving it proves nothing.
    #[error("the fault {fault} proves nothing: {why}")]
    Unproven {
        /// Its name.
        fault: String,
        /// What is missing.
        why: String,
    },
    /// This program made a workflow that it does not accept itself.
    #[error("the workflow of seed {seed} is not accepted: {why}")]
    Workflow {
        /// Its seed.
        seed: u64,
        /// Why.
        why: String,
    },
}

impl TortureError {
    /// Something did not happen in time.
    pub fn patience(waited: Duration, what: impl Into<String>) -> Self {
        Self::Patience { what: what.into(), waited }
    }

    /// A fault proves nothing.
    pub fn unproven(fault: &str, why: impl Into<String>) -> Self {
        Self::Unproven { fault: fault.to_owned(), why: why.into() }
    }
}

/// Says what was tried when a file, a port or a process could not be used.
pub(crate) trait Trying<T> {
    /// `what` was tried.
    fn trying(self, what: impl Into<String>) -> Result<T, TortureError>;
}

impl<T> Trying<T> for std::io::Result<T> {
    fn trying(self, what: impl Into<String>) -> Result<T, TortureError> {
        self.map_err(|source| TortureError::Io { trying: what.into(), source })
    }
}
