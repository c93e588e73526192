//! Log entries as documents.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_core::record::{Change, Transition};

use crate::instant::Instant;

/// One change of a task or of a step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransitionDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// The step; `null` if the task itself changed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub step_name: Option<StepName>,
    /// 1, 2, ... within the task.
    pub seq: u64,
    /// State before; `null` at creation.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schema::State>))]
    pub from: Option<String>,
    /// State after.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub to: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Instant,
    /// By whom.
    pub actor: String,
    /// Details.
    pub metadata: Option<Value>,
}

impl TransitionDocument {
    /// The document of a log entry.
    pub fn new(task_id: TaskId, step_name: Option<StepName>, transition: &Transition) -> Self {
        let (from, to) = match transition.change {
            Change::Task { from, to } => (from.map(|state| state.as_str()), to.as_str()),
            Change::Step { from, to, .. } => (from.map(|state| state.as_str()), to.as_str()),
        };
        Self {
            task_id,
            step_name,
            seq: transition.seq,
            from: from.map(str::to_owned),
            to: to.to_owned(),
            at: transition.at.into(),
            actor: transition.actor.clone(),
            metadata: transition.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}
