//! What took longest, as documents.

use serde::{Deserialize, Serialize};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::state::StepState;

use crate::instant::Instant;

/// The tasks that took longest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowestTasks {
    /// Only tasks created after this instant were looked at.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Instant,
    /// The slowest come first, equally slow ones by id.
    pub tasks: Vec<SlowestTask>,
}

/// A task of which at least one step is done or failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowestTask {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub task_name: DefinitionName,
    /// Namespace of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace_name: Namespace,
    /// Version of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// Seconds from `created_at` to `completed_at`, three decimals.
    pub duration_seconds: f64,
    /// All of its steps.
    pub step_count: u64,
    /// Those that are done: complete or resolved manually.
    pub completed_steps: u64,
    /// Those in error.
    pub error_steps: u64,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When the last of its steps became done or failed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub completed_at: Instant,
    /// Who asked for it.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
}

/// The steps that took longest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowestSteps {
    /// Only steps of tasks created after this instant were looked at.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Instant,
    /// The slowest come first, equally slow ones by task and position.
    pub steps: Vec<SlowestStep>,
}

/// A complete step whose last execution took time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowestStep {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name; addresses the step within its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_name: StepName,
    /// Its position in the definition, from 0.
    #[cfg_attr(feature = "openapi", schema(value_type = u32))]
    pub ordinal: Ordinal,
    /// Name of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub task_name: DefinitionName,
    /// Namespace of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace_name: Namespace,
    /// Version of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// Seconds from the start of its last execution to its completion, three decimals.
    pub duration_seconds: f64,
    /// Executions.
    pub attempts: u32,
    /// When it was created, with its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it became complete.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub completed_at: Instant,
    /// Whether it may be executed more than once.
    pub retryable: bool,
    /// `complete`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub step_status: StepState,
}
