//! Where a task stands as a whole, as a document.

use serde::{Deserialize, Serialize};
use tasker_core::execution::{ExecutionStatus, HealthStatus, RecommendedAction, TaskExecution};
use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;

/// Where a task stands. It follows from its steps and the time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: TaskState,
    /// All steps.
    pub total_steps: u64,
    /// Steps that are pending.
    pub pending_steps: u64,
    /// Steps that run.
    pub in_progress_steps: u64,
    /// Steps that are done.
    pub completed_steps: u64,
    /// Steps in error.
    pub failed_steps: u64,
    /// Steps that may start now.
    pub ready_steps: u64,
    /// What it is doing: `has_ready_steps`, `processing`, `blocked_by_failures`, `all_complete`,
    /// `waiting_for_dependencies`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub execution_status: ExecutionStatus,
    /// What comes next: `execute_ready_steps`, `wait_for_completion`, `handle_failures`, `finalize_task`,
    /// `wait_for_dependencies`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub recommended_action: RecommendedAction,
    /// Whether failures hinder it: `healthy`, `recovering`, `blocked`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub health_status: HealthStatus,
    /// Share of steps that are done, 0 to 100, two decimals.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub completion_percentage: f64,
}

impl From<TaskExecution> for ExecutionDocument {
    fn from(execution: TaskExecution) -> Self {
        Self {
            task_id: execution.task_id,
            status: execution.status,
            total_steps: execution.total_steps,
            pending_steps: execution.pending_steps,
            in_progress_steps: execution.in_progress_steps,
            completed_steps: execution.completed_steps,
            failed_steps: execution.failed_steps,
            ready_steps: execution.ready_steps,
            execution_status: execution.execution_status,
            recommended_action: execution.recommended_action,
            health_status: execution.health_status,
            completion_percentage: execution.completion_percentage,
        }
    }
}
