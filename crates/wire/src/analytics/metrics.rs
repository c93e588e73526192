//! How it went since an instant, as a document.

use serde::{Deserialize, Serialize};

use crate::instant::Instant;

/// How it went since an instant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemMetrics {
    /// Tasks that are `pending` or `in_progress`.
    pub active_tasks_count: u64,
    /// Namespaces of which there is a task.
    pub total_namespaces_count: u64,
    /// Names of definitions, with their namespaces, of which there is a task.
    pub unique_task_types_count: u64,
    /// Of the tasks created within the last hour that are complete or in error: the share of complete ones, 0 to 1, three
    /// decimals; 1 if there are none.
    pub system_health_score: f64,
    /// Tasks created after the instant.
    pub task_throughput: u64,
    /// Those of them that are complete.
    pub completion_count: u64,
    /// Those of them that are in error.
    pub error_count: u64,
    /// Complete ones in percent, two decimals; 0 if none was created.
    pub completion_rate: f64,
    /// Those in error in percent, two decimals; 0 if none was created.
    pub error_rate: f64,
    /// Mean seconds from creation to completion, of the complete ones; three decimals, 0 if there are none.
    pub avg_task_duration: f64,
    /// Mean seconds from the start of the last execution to completion, of the steps completed after the instant; three
    /// decimals, 0 if there are none.
    pub avg_step_duration: f64,
    /// Steps completed after the instant.
    pub step_throughput: u64,
    /// The instant.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub analysis_period_start: Instant,
    /// When this was counted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub calculated_at: Instant,
}
