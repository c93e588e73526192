//! What can go wrong between the engine and its database.

use tasker_core::decide::Rejection;
use tasker_core::ids::TaskId;

use crate::write::SubmitAnswer;

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or used now; nothing was written. May be tried again.
    #[error("{trying}: the database cannot be used now")]
    Unavailable {
        /// What was tried.
        trying: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer to a commit was lost: it may or may not have happened. May be tried again: repeats are harmless.
    #[error("{trying}: it is unknown whether it was written")]
    OutcomeUnknown {
        /// What was tried.
        trying: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another session holds these tasks for longer than is waited; nothing was written. The rest of the batch may be
    /// tried at once, and what concerns these tasks by itself.
    #[error("{trying}: another session of the database holds {} of the tasks", tasks.len())]
    Blocked {
        /// What was tried.
        trying: String,
        /// The tasks that are held.
        tasks: Vec<TaskId>,
    },
    /// The database refuses these data. Not to be tried again as they are; a batch may be halved.
    #[error("{trying}: the database refuses the data")]
    Unstorable {
        /// What was tried.
        trying: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Not every request of a batch that stands together was accepted; nothing was written.
    #[error("not every request was accepted, so none of them was stored")]
    Withheld(Vec<SubmitAnswer>),
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The database holds something this program cannot read.
    #[error("{0}")]
    Corrupt(String),
    /// The database's schema is not one this program can use.
    #[error("{0}")]
    Schema(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn may_be_retried(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown { .. } | Self::Blocked { .. })
    }
}
