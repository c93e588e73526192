//! Tasks and steps that took longest.

use std::time::Duration;

use crate::ids::{Ordinal, TaskId};
use crate::names::{DefinitionName, Namespace, StepName, Version};
use crate::state::TaskState;
use crate::time::Timestamp;

/// Which tasks are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Those that ended by themselves: complete or in error. When others ended, an operator decided.
    Ended,
    /// Those that are under way.
    Running,
}

impl Stage {
    /// The states that tasks of this stage are in.
    pub const fn states(self) -> &'static [TaskState] {
        match self {
            Self::Ended => &[TaskState::Complete, TaskState::Error],
            Self::Running => &[TaskState::InProgress],
        }
    }
}

/// A task that took long, or takes long. The longest come first, equally long ones by id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongTask {
    /// The task.
    pub task_id: TaskId,
    /// Namespace of its definition.
    pub namespace: Namespace,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Version of its definition.
    pub version: Version,
    /// State.
    pub state: TaskState,
    /// From its creation to its end, or until now.
    pub span: Duration,
    /// All of its steps.
    pub steps: u64,
    /// Those that are done: complete or resolved manually.
    pub done: u64,
    /// Those in error.
    pub in_error: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who asked for it.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
}

/// A complete step. Those whose last executions took longest come first, equally long ones by task and position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongStep {
    /// The task.
    pub task_id: TaskId,
    /// The step.
    pub step: StepName,
    /// Its position in the definition.
    pub ordinal: Ordinal,
    /// Namespace of the task's definition.
    pub namespace: Namespace,
    /// Name of the task's definition.
    pub name: DefinitionName,
    /// Version of the task's definition.
    pub version: Version,
    /// From the start of its last execution to its completion.
    pub span: Duration,
    /// From when it could begin to the start of its last execution: other executions, and the waits between them, included.
    pub queued: Duration,
    /// Executions.
    pub attempts: u32,
    /// Whether it may be executed more than once.
    pub retryable: bool,
    /// When it was created, with its task.
    pub created_at: Timestamp,
    /// When it became complete.
    pub completed_at: Timestamp,
}
