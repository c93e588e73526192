//! What the engine did wrong.

use serde::Serialize;
use tasker_core::ids::TaskId;

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// What was found, and what should be.
    pub message: String,
}

/// Kinds of findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that was accepted or done is not there any more, or never comes.
    Lost,
    /// Something was done again that must not be.
    Doubled,
    /// Anything else that is not as it must be: an order, an input, a result, a wait, a state.
    Wrong,
}

impl Finding {
    /// About no single task.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, task_id: None, message: message.into() }
    }

    /// About this task.
    #[must_use]
    pub fn of(self, task: TaskId) -> Self {
        Self { task_id: Some(task), ..self }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Lost => "lost",
            Kind::Doubled => "doubled",
            Kind::Wrong => "wrong",
        };
        match self.task_id {
            Some(task) => write!(f, "{kind}: task {task}: {}", self.message),
            None => write!(f, "{kind}: {}", self.message),
        }
    }
}
