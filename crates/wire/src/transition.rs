//! Log entries as documents.

use serde::Serialize;
use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_core::record::{Change, Transition};

use crate::instant::Instant;

/// One change of a task or of a step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TransitionDocument {
    /// The task.
    pub task_id: TaskId,
    /// The step; `null` if the task itself changed.
    pub step_name: Option<StepName>,
    /// 1, 2, ... within the task.
    pub seq: u64,
    /// State before; `null` at creation.
    pub from: Option<&'static str>,
    /// State after.
    pub to: &'static str,
    /// When.
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
            from,
            to,
            at: transition.at.into(),
            actor: transition.actor.clone(),
            metadata: transition.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}
