//! How the system is, as a document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cache_info::CacheInfo;
use crate::instant::Instant;

/// How the system is: tasks, steps, database, queue and workers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthStatusDocument {
    /// How it is.
    pub status: HealthStatus,
    /// Whether it is healthy; false if it is degraded.
    pub healthy: bool,
    /// Why it is not healthy, the worst first; empty if it is.
    pub reasons: Vec<HealthReason>,
    /// How many tasks and steps are in which state.
    pub metrics: HealthMetrics,
    /// How tasks and steps fared lately.
    pub error_rates: ErrorRates,
    /// The database.
    pub database: DatabaseHealth,
    /// The queue.
    pub queue: QueueHealth,
    /// The workers of all processes.
    pub workers: WorkersHealth,
    /// Open tasks of which nothing is scheduled or running.
    pub stuck_tasks: u64,
    /// What the worker of this process found by looking at a few tasks at a time.
    pub integrity: IntegrityHealth,
    /// When this was found.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at: Instant,
    /// How long that took, in seconds.
    pub generation_duration: f64,
    /// How old it is.
    pub cache_info: CacheInfo,
}

/// How a system is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// As it should be.
    Healthy,
    /// It does its work, but somebody should look.
    Degraded,
    /// It does not do its work as it should.
    Unhealthy,
}

/// Why a system is not healthy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthReason {
    /// A stable word: `connections_used_up`, `task_error_rate`, `step_error_rate`, `stuck_tasks`, `no_live_worker`,
    /// `handlers_not_served` or `broken_invariants`.
    pub code: String,
    /// In words, with numbers.
    pub message: String,
}

/// Counts of everything. Those of all states add up to `total`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthMetrics {
    /// Tasks.
    pub tasks: StateCounts,
    /// Steps.
    pub steps: StateCounts,
    /// Steps in error.
    pub retries: RetryCounts,
    /// When this was counted. Counting reads every step, so with many steps it is done less often than the rest.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub counted_at: Instant,
}

/// How many are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateCounts {
    /// All.
    pub total: u64,
    /// Not started, or waiting to start again.
    pub pending: u64,
    /// Under way.
    pub in_progress: u64,
    /// Ended well.
    pub complete: u64,
    /// Failed.
    pub error: u64,
    /// Called off.
    pub cancelled: u64,
    /// Declared done by an operator.
    pub resolved_manually: u64,
}

/// Steps in error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryCounts {
    /// Retryable, with attempts left.
    pub retryable_errors: u64,
    /// Whose limit of attempts is reached.
    pub exhausted_retries: u64,
    /// Retryable, with a wait that is not over.
    pub in_backoff: u64,
}

/// How tasks and steps fared within a window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorRates {
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Instant,
    /// Of fewer than this no rate is judged.
    pub minimum_sample: u64,
    /// Tasks that ended since then and are complete or in error.
    pub tasks: ErrorRate,
    /// Steps whose last execution ended since then and that are complete or in error.
    pub steps: ErrorRate,
}

/// How many of some are in error.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorRate {
    /// How many there are.
    pub sample: u64,
    /// Those of them that are in error.
    pub errors: u64,
    /// In percent, two decimals; 0 of nothing.
    pub percent: f64,
}

/// The database.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseHealth {
    /// Connections to the server, whoever made them; absent if the database is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_connections: Option<u64>,
    /// How many it allows; absent if the database is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// In percent, two decimals; 0 if the database is a file.
    pub connection_utilization: f64,
    /// The connections of this process; absent if it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolHealth>,
}

/// The connections of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolHealth {
    /// Most that there may be.
    pub size: u64,
    /// Open and not in use.
    pub idle: u64,
    /// In use.
    pub in_use: u64,
    /// Calls that wait for one.
    pub waiting: u64,
}

/// The queue.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueHealth {
    /// Steps that are due or scheduled for later, and not claimed.
    pub depth: u64,
    /// Those of them that are due.
    pub due: u64,
    /// Steps that are claimed.
    pub running: u64,
    /// How long the first due one has waited, in seconds; 0 if none is due.
    pub oldest_age_seconds: f64,
}

/// The workers of all processes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkersHealth {
    /// Those that were heard of within 30 seconds.
    pub alive: u64,
    /// When one was last heard of; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_heartbeat: Option<Instant>,
}

/// What the worker of this process found by looking at a few tasks at a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntegrityHealth {
    /// Tasks looked at since it started; 0 without a worker.
    pub checked_tasks: u64,
    /// How often everything was looked at.
    pub rounds: u64,
    /// Seconds since the last of these rounds ended; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_round_seconds_ago: Option<u64>,
    /// Broken invariants that are known, by code.
    pub findings: BTreeMap<String, u64>,
    /// Whether more is wrong than is counted here.
    pub more_findings: bool,
}
