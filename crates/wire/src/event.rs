//! What happened, as it is told to whoever listens.

use serde::{Deserialize, Serialize};
use tasker_core::event;
use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_core::record::{Origin, Transition};

use crate::transition::TransitionDocument;

/// One change of a task or of a step, for whoever knows nothing of the task yet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventDocument {
    /// The same wherever and however often it is told: `task_id:seq`.
    pub id: String,
    /// What happened, in a word: `step.completed`.
    pub event: String,
    /// Namespace of the task's definition; `null` if the task is not known any more.
    pub namespace: Option<String>,
    /// Name of the task's definition.
    pub name: Option<String>,
    /// Version of the task's definition.
    pub version: Option<String>,
    /// What ties the task to whatever caused it.
    pub correlation_id: Option<String>,
    /// The change.
    #[serde(flatten)]
    pub transition: TransitionDocument,
}

impl EventDocument {
    /// The document of a log entry.
    pub fn new(
        task: TaskId,
        origin: Option<&Origin>,
        step: Option<StepName>,
        transition: &Transition,
    ) -> Self {
        Self {
            id: format!("{task}:{}", transition.seq),
            event: event::name(&transition.change).to_owned(),
            namespace: origin.map(|origin| origin.namespace.to_string()),
            name: origin.map(|origin| origin.definition.to_string()),
            version: origin.map(|origin| origin.version.to_string()),
            correlation_id: origin.and_then(|origin| origin.correlation_id.clone()),
            transition: TransitionDocument::new(task, step, transition),
        }
    }
}

/// What a listener is told in place of events that were deleted before it came back for them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapDocument {
    /// The last event that it was told.
    pub after: String,
    /// What happened, and what can be done about it.
    pub message: String,
}
