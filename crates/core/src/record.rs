//! The rows of the engine, as values: what stores keep of a task, its steps, its queue rows and its log.
//!
//! The rows of `engine.md` 1. Small and hot parts are apart from payloads, so that deciding and settling never
//! read or write a context or a result that they do not change.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::definition::{Definition, Priority};
use crate::ids::{Digest, Fence, Ordinal, TaskId, WorkerId};
use crate::names::{DefinitionName, Namespace, StepName, Version};
use crate::outcome::StepError;
use crate::payload::Payload;
use crate::plan::Plan;
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// The hot row of a task. Its lock is the lock of the whole task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskRecord {
    /// Identity.
    pub id: TaskId,
    /// Digest of the definition it was submitted with.
    pub revision: Digest,
    /// State.
    pub state: TaskState,
    /// Queue rows it has.
    pub active: u32,
    /// Steps that are not done.
    pub remaining: u32,
    /// Urgency.
    pub priority: Priority,
    /// Number of the last entry of its log.
    pub log_seq: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When anything of it last changed; never goes back.
    pub updated_at: Timestamp,
    /// When its state last became one that is not open.
    pub ended_at: Option<Timestamp>,
}

/// The version of a task or of a step. Later ones are higher; how it comes about is nobody's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowVersion(pub i64);

/// What a task was asked for. Written once, but for `reason` and `tags`, which operators may edit.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskInput {
    /// The context, defaults of the schema filled in.
    pub context: Payload,
    /// Who asked.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Steps left out.
    pub bypass_steps: Vec<StepName>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What ties it to whatever caused it.
    pub correlation_id: Option<String>,
    /// Whoever created it, as the server knows: the owner, for grants with `#own`. What the request says has no say in it.
    pub created_by: Option<String>,
    /// Identity hash, where the strategy deduplicates.
    pub identity: Option<String>,
    /// Digest of all that the request says, to tell a repeat from another request under the same id.
    pub content: Digest,
}

/// A task as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskRow {
    /// Identity.
    pub task_id: TaskId,
    /// Name space of its definition.
    pub namespace: Namespace,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Version of its definition.
    pub version: Version,
    /// State.
    pub status: TaskState,
    /// Number of steps.
    pub total_steps: u32,
    /// Number of steps that are not done.
    pub remaining_steps: u32,
    /// Urgency.
    pub priority: u8,
    /// Who asked.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// The hot part of a step's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecord {
    /// Which step.
    pub ordinal: Ordinal,
    /// State.
    pub state: StepState,
    /// Parents that are not done.
    pub waits: u32,
    /// Executions so far.
    pub attempts: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether another execution is allowed, attempts permitting.
    pub retryable: bool,
    /// Number of the last claim.
    pub fence: Fence,
    /// Fence of the last accepted outcome; 0 if there was none.
    pub settled_fence: Fence,
    /// How often its worker was lost.
    pub lease_expiries: u32,
    /// How often an operator asked for a new idempotency key.
    pub key_generation: u32,
    /// When the last execution ended.
    pub last_attempted_at: Option<Timestamp>,
    /// The wait chosen after the last failure, in seconds.
    pub backoff_seconds: Option<u32>,
    /// When it last became `in_progress`.
    pub started_at: Option<Timestamp>,
    /// When it became done.
    pub processed_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// A step with its payloads.
#[derive(Clone, PartialEq, Debug)]
pub struct StepDetail {
    /// The hot part.
    pub record: StepRecord,
    /// What it works on; `None` is the task's context.
    pub inputs: Option<Payload>,
    /// Its output.
    pub results: Option<Payload>,
    /// Its last failure, until it succeeds.
    pub error: Option<StepError>,
    /// Its queue row, if it is scheduled or running.
    pub queue: Option<QueueRow>,
}

/// A scheduled or running step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueRow {
    /// Which step.
    pub ordinal: Ordinal,
    /// The task's urgency.
    pub priority: Priority,
    /// When it may start.
    pub run_at: Timestamp,
    /// Who runs it.
    pub worker: Option<WorkerId>,
    /// The step's fence.
    pub fence: Fence,
}

/// What a log entry tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The task changed its state.
    Task {
        /// Before; `None` at creation.
        from: Option<TaskState>,
        /// After.
        to: TaskState,
    },
    /// A step changed its state.
    Step {
        /// Which.
        ordinal: Ordinal,
        /// Before; `None` at creation.
        from: Option<StepState>,
        /// After.
        to: StepState,
    },
}

/// Where a task comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The namespace of its definition.
    pub namespace: Namespace,
    /// The name of its definition.
    pub definition: DefinitionName,
    /// The version of its definition.
    pub version: Version,
    /// What ties it to whatever caused it.
    pub correlation_id: Option<String>,
}

impl Origin {
    /// The origin of a task of this plan.
    pub fn of(plan: &Plan, correlation_id: Option<String>) -> Self {
        let Definition { namespace, name, version, .. } = &plan.definition;
        Self {
            namespace: namespace.clone(),
            definition: name.clone(),
            version: version.clone(),
            correlation_id,
        }
    }
}

/// One version of a definition, as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DefinitionRow {
    /// Name space.
    pub namespace: Namespace,
    /// Name.
    pub name: DefinitionName,
    /// Version.
    pub version: Version,
    /// What it is for.
    pub description: Option<String>,
    /// Number of steps.
    pub steps: u32,
    /// Identity of its content, as hex.
    pub digest: String,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// Whether it is retired.
    pub retired: bool,
    /// When this content was stored.
    pub registered_at: Timestamp,
}

/// One entry of a task's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition {
    /// 1, 2, ... within the task.
    pub seq: u64,
    /// What changed.
    pub change: Change,
    /// When.
    pub at: Timestamp,
    /// By whom: `worker:<id>`, `engine`, or whoever an operator says he is.
    pub actor: String,
    /// Details, a JSON object as text.
    pub metadata: Option<String>,
}

/// A step handed to a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The task.
    pub task: TaskId,
    /// The step.
    pub ordinal: Ordinal,
    /// What the outcome must carry.
    pub fence: Fence,
    /// Number of this execution, from 1.
    pub attempt: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// How often an operator asked for a new idempotency key.
    pub key_generation: u32,
    /// Time from when it was due until it was claimed.
    pub waited: Duration,
    /// Whether its task had not begun, or was opened again, and goes on with it. Not known of a claim that is read
    /// later: `false`.
    pub starts_task: bool,
}

/// An annotation of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Annotation {
    /// Annotation type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Value.
    pub value: Payload,
}

impl TaskRecord {
    /// Time from its creation to its end; up to its last change, while it has none.
    pub fn lasted(&self) -> Duration {
        self.ended_at.unwrap_or(self.updated_at).since(self.created_at)
    }

    /// The engine's instant for a change: the store's clock, but never before the task's last change.
    pub fn moment(&self, store_now: Timestamp) -> Timestamp {
        store_now.max(self.updated_at)
    }

    /// Its version: grows with every change of anything of it, though the clock may stand still or go back.
    pub fn version(&self) -> RowVersion {
        RowVersion::of(self.updated_at, self.log_seq)
    }
}

impl RowVersion {
    /// Of the last change and a number that grew with changes at the same instant.
    fn of(updated_at: Timestamp, changes: u64) -> Self {
        Self(updated_at.as_micros().saturating_add_unsigned(changes))
    }
}

impl StepRecord {
    /// Its version: grows with every change of it, though the clock may stand still or go back.
    pub fn version(&self) -> RowVersion {
        RowVersion::of(self.updated_at, self.fence.0 + self.settled_fence.0)
    }

    /// A step as it is created.
    pub fn new(ordinal: Ordinal, waits: u32, retry_limit: u32, retryable: bool, now: Timestamp) -> Self {
        Self {
            ordinal,
            state: StepState::Pending,
            waits,
            attempts: 0,
            retry_limit,
            retryable,
            fence: Fence(0),
            settled_fence: Fence(0),
            lease_expiries: 0,
            key_generation: 0,
            last_attempted_at: None,
            backoff_seconds: None,
            started_at: None,
            processed_at: None,
            updated_at: now,
        }
    }

    /// Whether attempts remain: below the limit, and either never tried or still retryable (`spec/domain.md` 4.1).
    pub fn retry_eligible(&self) -> bool {
        self.attempts < self.retry_limit && (self.retryable || self.attempts == 0)
    }

    /// When a failed step is due again: the end of its last execution plus the stored wait.
    pub fn next_retry_at(&self) -> Option<Timestamp> {
        if self.state != StepState::Error || !self.retry_eligible() {
            return None;
        }
        let wait = i64::from(self.backoff_seconds.unwrap_or(0));
        self.last_attempted_at.map(|at| at.plus_seconds(wait))
    }

    /// Whether the step wants a queue row in an open task that lets its steps run beside each other.
    pub fn wants_queue_row(&self) -> bool {
        match self.state {
            StepState::InProgress => true,
            StepState::Pending => self.waits == 0,
            StepState::Error => self.retryable && self.attempts < self.retry_limit,
            StepState::Complete | StepState::Cancelled | StepState::ResolvedManually => false,
        }
    }
}
