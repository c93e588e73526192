//! How many tasks and steps there are in each state, as a document.

use serde::{Deserialize, Serialize};

/// How many tasks and steps there are in each state, and how busy the database is. The counts of all states add up to the
/// totals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemCounts {
    /// All tasks.
    pub total_tasks: u64,
    /// Tasks in state `pending`.
    pub pending_tasks: u64,
    /// Tasks in state `in_progress`.
    pub in_progress_tasks: u64,
    /// Tasks in state `complete`.
    pub complete_tasks: u64,
    /// Tasks in state `error`.
    pub error_tasks: u64,
    /// Tasks in state `cancelled`.
    pub cancelled_tasks: u64,
    /// Tasks in state `resolved_manually`.
    pub resolved_manually_tasks: u64,
    /// All steps.
    pub total_steps: u64,
    /// Steps in state `pending`.
    pub pending_steps: u64,
    /// Steps in state `in_progress`.
    pub in_progress_steps: u64,
    /// Steps in state `complete`.
    pub complete_steps: u64,
    /// Steps in state `error`.
    pub error_steps: u64,
    /// Steps in state `cancelled`.
    pub cancelled_steps: u64,
    /// Steps in state `resolved_manually`.
    pub resolved_manually_steps: u64,
    /// Steps in error that are retryable and have attempts left.
    pub retryable_error_steps: u64,
    /// Steps in error whose limit of attempts is reached.
    pub exhausted_retry_steps: u64,
    /// Retryable steps in error whose wait is not over.
    pub in_backoff_steps: u64,
    /// PostgreSQL: sessions of this database that execute a statement now. SQLite: connections that the process holds.
    pub active_connections: u64,
    /// PostgreSQL: the server's setting. SQLite: the limit of connections of the process.
    pub max_connections: u64,
}
