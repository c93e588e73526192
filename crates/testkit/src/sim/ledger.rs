//! The ledger: every execution of a handler, written by the handlers themselves and unknown to the engine.

use std::collections::BTreeMap;

use tasker_core::ids::{Fence, Ordinal, TaskId};
use tasker_engine::context::StepContext;
use tasker_store::workers::ClaimKey;
use tasker_store::write::Work;
use tokio::time::Instant;

/// All executions, in the order in which they began.
#[derive(Default)]
pub(super) struct Ledger {
    executions: Vec<Execution>,
    /// How often a claim was handed to a life of a node and not yet executed there.
    handed: BTreeMap<Ticket, Vec<Fence>>,
}

/// What a handler can know of its claim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    node: String,
    task: TaskId,
    step: Ordinal,
    attempt: u32,
}

/// One execution.
pub(super) struct Execution {
    pub(super) node: String,
    pub(super) key: ClaimKey,
    pub(super) step: StepContext,
    pub(super) end: Option<End>,
    /// Since when its claim is not held any more, as far as it was looked.
    pub(super) unheld_since: Option<Instant>,
}

/// How an execution ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The handler returned a result.
    Succeeded,
    /// The handler failed or panicked.
    Failed,
    /// The handler was dropped while it ran.
    Dropped,
}

impl Ledger {
    /// A claim is on its way to a node.
    pub(super) fn hand(&mut self, node: &str, work: &Work) {
        let claim = &work.claim;
        let ticket =
            Ticket { node: node.to_owned(), task: claim.task, step: claim.ordinal, attempt: claim.attempt };
        self.handed.entry(ticket).or_default().push(claim.fence);
    }

    /// A handler begins. Answers with the number of the execution.
    pub(super) fn begin(&mut self, node: &str, ordinal: Ordinal, step: StepContext) -> Result<usize, String> {
        let ticket =
            Ticket { node: node.to_owned(), task: step.task_id, step: ordinal, attempt: step.attempt };
        let shown = format!("execution {} of step {} of task {}", step.attempt, step.step, step.task_id);
        let Some(fence) = self.handed.get_mut(&ticket).and_then(Vec::pop) else {
            return Err(format!("{shown} began on {node}, which was not handed its claim"));
        };
        let key = ClaimKey { task: step.task_id, ordinal, fence };
        if let Some(other) = self.executions.iter().find(|other| other.key == key) {
            return Err(format!("{shown} began on {node}, but its claim was executed on {}", other.node));
        }
        self.executions.push(Execution { node: node.to_owned(), key, step, end: None, unheld_since: None });
        Ok(self.executions.len() - 1)
    }

    /// A handler ended.
    pub(super) fn end(&mut self, number: usize, end: End) {
        self.executions[number].end.get_or_insert(end);
    }

    /// Whatever a life of a node was doing is gone with it.
    pub(super) fn drop_all_of(&mut self, node: &str) {
        self.running().filter(|execution| execution.node == node).for_each(|e| e.end = Some(End::Dropped));
    }

    /// An execution.
    pub(super) fn get(&self, number: usize) -> Option<&Execution> {
        self.executions.get(number)
    }

    /// Executions that have not ended.
    pub(super) fn running(&mut self) -> impl Iterator<Item = &mut Execution> {
        self.executions.iter_mut().filter(|execution| execution.end.is_none())
    }
}
