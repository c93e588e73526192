//! Tasks as documents.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::execution::task_execution;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, StepDetail, TaskInput, TaskRecord, TaskRow};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use crate::annotation::AnnotationDocument;
use crate::execution::ExecutionDocument;
use crate::instant::Instant;
use crate::step::StepDocument;

/// A task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskDocument {
    /// Identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: DefinitionName,
    /// Namespace of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// Version of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// `namespace.name@version`.
    pub full_name: String,
    /// State.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: TaskState,
    /// Whether it ended with every step done.
    pub complete: bool,
    /// Urgency, 0 to 9, lower first.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 9))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub bypass_steps: Vec<StepName>,
    /// What it works on; absent where it is not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub context: Option<Payload>,
    /// What ties it to whatever caused it.
    pub correlation_id: Option<String>,
    /// Identity, where repeats are told.
    pub identity_hash: Option<String>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub requested_at: Instant,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Instant,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub completed_at: Option<Instant>,
    /// Version: grows with every change of it or of its steps. `ETag` and `If-Match` are this.
    pub lock_version: i64,
    /// Where it stands as a whole; absent where it is not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub execution: Option<ExecutionDocument>,
    /// Its steps, in document order; absent where they are not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub steps: Option<Vec<StepDocument>>,
    /// Its annotations, oldest first; absent where they are not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub annotations: Option<Vec<AnnotationDocument>>,
    /// What can be said of it as a graph (paths, parallelism, failures, bottlenecks), if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub dependency_analysis: Option<Value>,
}

/// A task as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskSummary {
    /// Identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: DefinitionName,
    /// Namespace of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// Version of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// `namespace.name@version`.
    pub full_name: String,
    /// State.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: TaskState,
    /// Whether it ended with every step done.
    pub complete: bool,
    /// Urgency, 0 to 9, lower first.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 9))]
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
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub requested_at: Instant,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Instant,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub completed_at: Option<Instant>,
    /// What it works on; absent unless it is included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub context: Option<Payload>,
    /// Where it stands as a whole; absent unless it is included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub execution: Option<ExecutionDocument>,
    /// Its steps, in document order; absent unless they are included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub steps: Option<Vec<StepDocument>>,
    /// Its annotations, oldest first; absent unless they are included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub annotations: Option<Vec<AnnotationDocument>>,
}

impl TaskSummary {
    /// Takes over the parts that the document of the task shows.
    pub fn take_parts_of(&mut self, document: TaskDocument) {
        let TaskDocument { context, execution, steps, annotations, .. } = document;
        (self.context, self.execution, self.steps, self.annotations) =
            (context, execution, steps, annotations);
    }
}

impl From<TaskRow> for TaskSummary {
    fn from(row: TaskRow) -> Self {
        Self {
            full_name: format!("{}.{}@{}", row.namespace, row.name, row.version),
            task_id: row.task_id,
            name: row.name,
            namespace: row.namespace,
            version: row.version,
            status: row.status,
            complete: row.status == TaskState::Complete,
            priority: row.priority,
            initiator: row.initiator,
            source_system: row.source_system,
            reason: row.reason,
            tags: row.tags,
            total_steps: row.total_steps,
            remaining_steps: row.remaining_steps,
            requested_at: row.requested_at.into(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            completed_at: row.completed_at.map(Into::into),
            context: None,
            execution: None,
            steps: None,
            annotations: None,
        }
    }
}

/// The answer to a request for a task on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskCreated {
    /// Identity.
    pub task_id: TaskId,
    /// State.
    pub status: TaskState,
    /// `false` if the same request was accepted under this id before.
    pub created: bool,
}

/// A part of a task's document that can be left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Include {
    /// `steps`.
    Steps,
    /// `annotations`.
    Annotations,
    /// `execution`.
    Execution,
    /// `context`.
    Context,
}

impl Include {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Steps, Self::Annotations, Self::Execution, Self::Context];

    /// All names: those of the fields, and those of the reference.
    pub const NAMES: &[&str] =
        &["steps", "annotations", "execution", "context", "workflow_steps", "task_annotations"];

    /// The name of its field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Annotations => "annotations",
            Self::Execution => "execution",
            Self::Context => "context",
        }
    }
}

impl FromStr for Include {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "steps" | "workflow_steps" => Ok(Self::Steps),
            "annotations" | "task_annotations" => Ok(Self::Annotations),
            "execution" => Ok(Self::Execution),
            "context" => Ok(Self::Context),
            _ => Err(format!("{text:?} cannot be included; what can is {}", Self::NAMES.join(", "))),
        }
    }
}

impl TaskDocument {
    /// The whole document of a task and its steps, as they are at an instant.
    pub fn new(
        record: &TaskRecord,
        input: &TaskInput,
        plan: &Plan,
        annotations: &[Annotation],
        steps: &[StepDetail],
        now: Timestamp,
    ) -> Self {
        let definition = &plan.definition;
        let execution = task_execution(record, steps.iter().map(|step| &step.record), now);
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
            context: Some(input.context.clone()),
            correlation_id: input.correlation_id.clone(),
            identity_hash: input.identity.clone(),
            requested_at: input.requested_at.into(),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            completed_at: record.ended_at.map(Into::into),
            lock_version: record.version().0,
            execution: Some(execution.into()),
            steps: Some(StepDocument::list(record, plan, steps, now)),
            annotations: Some(annotations.iter().map(Into::into).collect()),
            dependency_analysis: None,
        }
    }

    /// The same document with no other parts than these.
    pub fn only(mut self, parts: &[Include]) -> Self {
        let kept = |part| parts.contains(&part);
        self.context = self.context.filter(|_| kept(Include::Context));
        self.execution = self.execution.filter(|_| kept(Include::Execution));
        self.steps = self.steps.filter(|_| kept(Include::Steps));
        self.annotations = self.annotations.filter(|_| kept(Include::Annotations));
        self
    }
}
