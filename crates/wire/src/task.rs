//! Tasks as documents.

use serde::Serialize;
use tasker_core::execution::{TaskExecution, task_execution};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, StepDetail, TaskInput, TaskRecord};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use crate::instant::Instant;
use crate::step::StepDocument;

/// A task with its steps.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskDocument {
    /// Identity.
    pub task_id: TaskId,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Namespace of its definition.
    pub namespace: Namespace,
    /// Version of its definition.
    pub version: Version,
    /// `namespace.name@version`.
    pub full_name: String,
    /// State.
    pub status: TaskState,
    /// Whether it ended with every step done.
    pub complete: bool,
    /// Urgency, 0 to 9, lower first.
    pub priority: u8,
    /// Who asked.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Steps left out on request.
    pub bypass_steps: Vec<StepName>,
    /// What it works on.
    pub context: Payload,
    /// What ties it to whatever caused it.
    pub correlation_id: Option<String>,
    /// Identity, where repeats are told.
    pub identity_hash: Option<String>,
    /// When it was asked for.
    pub requested_at: Instant,
    /// When it was accepted.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When it ended.
    pub completed_at: Option<Instant>,
    /// Where it stands as a whole.
    pub execution: TaskExecution,
    /// Its steps, in document order.
    pub steps: Vec<StepDocument>,
    /// Its annotations, oldest first.
    pub annotations: Vec<Annotation>,
}

/// A task as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskSummary {
    /// Identity.
    pub task_id: TaskId,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Namespace of its definition.
    pub namespace: Namespace,
    /// Version of its definition.
    pub version: Version,
    /// `namespace.name@version`.
    pub full_name: String,
    /// State.
    pub status: TaskState,
    /// Whether it ended with every step done.
    pub complete: bool,
    /// Urgency, 0 to 9, lower first.
    pub priority: u8,
    /// Who asked.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Number of steps.
    pub total_steps: u32,
    /// Number of steps that are not done.
    pub remaining_steps: u32,
    /// When it was accepted.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// When it ended.
    pub completed_at: Option<Instant>,
}

/// The answer to a request for a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct TaskCreated {
    /// Identity.
    pub task_id: TaskId,
    /// State.
    pub status: TaskState,
    /// `false` if the same request was accepted under this id before.
    pub created: bool,
}

impl TaskDocument {
    /// The document of a task and its steps, as they are at an instant.
    pub fn new(
        record: &TaskRecord,
        input: &TaskInput,
        plan: &Plan,
        annotations: &[Annotation],
        steps: &[StepDetail],
        now: Timestamp,
    ) -> Self {
        let definition = &plan.definition;
        Self {
            task_id: record.id,
            name: definition.name.clone(),
            namespace: definition.namespace.clone(),
            version: definition.version.clone(),
            full_name: definition.full_name(),
            status: record.state,
            complete: record.state == TaskState::Complete,
            priority: record.priority.get(),
            initiator: input.initiator.clone(),
            source_system: input.source_system.clone(),
            reason: input.reason.clone(),
            tags: input.tags.clone(),
            bypass_steps: input.bypass_steps.clone(),
            context: input.context.clone(),
            correlation_id: input.correlation_id.clone(),
            identity_hash: input.identity.clone(),
            requested_at: input.requested_at.into(),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            completed_at: record.ended_at.map(Instant),
            execution: task_execution(record, steps.iter().map(|step| &step.record), now),
            steps: steps.iter().map(|step| StepDocument::new(record.id, plan, step)).collect(),
            annotations: annotations.to_vec(),
        }
    }
}
