//! What came of many tasks, for people and for programs.

use serde::Serialize;
use tasker_core::ids::TaskId;
use tasker_wire::ErrorBody;

use super::{Style, clean};

/// What came of each task, and of all together.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// What was to be done: `create`, `cancel`, `retry`, `resume` or `resolve`.
    pub action: &'static str,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// In the order in which they were named.
    pub results: Vec<Outcome>,
    /// How many it was done with, or could be.
    pub done: usize,
    /// How many were refused.
    pub refused: usize,
}

/// What came of one.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// The line that asked for it, from 1, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The task, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl Report {
    /// The report of these.
    pub fn new(action: &'static str, dry_run: bool, results: Vec<Outcome>) -> Self {
        let refused = results.iter().filter(|outcome| outcome.error.is_some()).count();
        Self { action, dry_run, done: results.len() - refused, refused, results }
    }

    /// A line for each, and the sum.
    pub fn text(&self, style: Style) -> String {
        let done = match (self.action, self.dry_run) {
            ("create", false) => "created",
            ("cancel", false) => "cancelled",
            ("retry", false) => "tried again",
            ("resume", false) => "resumed",
            ("resolve", false) => "resolved",
            ("create", true) => "can be created",
            ("cancel", true) => "can be cancelled",
            ("retry", true) => "can be tried again",
            ("resume", true) => "can be resumed",
            ("resolve", true) => "can be resolved",
            (action, _) => action,
        };
        let mut text = String::new();
        for outcome in &self.results {
            let line = outcome.line.map(|line| format!("line {line}"));
            let task = outcome.task_id.map(|task| task.to_string());
            let which: Vec<String> = line.into_iter().chain(task).collect();
            let what = match &outcome.error {
                None => done.to_owned(),
                Some(error) => {
                    let message = clean(&error.message).replace('\n', "; ");
                    format!("{}: {message} [{}]", style.red("refused"), error.code)
                }
            };
            text.push_str(&format!("{}: {what}\n", which.join(": ")));
        }
        text + &format!("{} {done}, {} refused\n", self.done, self.refused)
    }
}
