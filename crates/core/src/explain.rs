//! Why is it not running? One answer for every step and one for the task, with what to do about it.

mod culprits;
mod reason;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;

pub use reason::{LastError, Reason};

use self::culprits::Culprits;
use crate::ids::{Ordinal, TaskId};
use crate::names::{HandlerName, StepName};
use crate::plan::Plan;
use crate::record::{Change, QueueRow, StepDetail, TaskRecord, Transition};
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// Everything an explanation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The definition.
    pub plan: &'a Plan,
    /// The task's row.
    pub task: &'a TaskRecord,
    /// All of its steps, in document order.
    pub steps: &'a [StepDetail],
    /// Its log, oldest first; who cancelled what is told there.
    pub log: &'a [Transition],
    /// The handlers that live workers serve; `None` if nobody knows, then no step is said to lack one.
    pub served: Option<&'a BTreeSet<HandlerName>>,
    /// The store's clock.
    pub now: Timestamp,
}

/// Why a task stands where it stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskExplanation {
    /// The task.
    pub task_id: TaskId,
    /// Its state.
    pub status: TaskState,
    /// The one reason that matters most.
    pub summary: Explained,
    /// Every step that is not done, in document order.
    pub steps: Vec<StepExplanation>,
}

/// Why a step stands where it stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepExplanation {
    /// The step.
    pub step_name: StepName,
    /// Its position in the definition.
    pub ordinal: Ordinal,
    /// Its state.
    pub current_state: StepState,
    /// Why.
    #[serde(flatten)]
    pub explained: Explained,
}

/// A reason, in fields and in words.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explained {
    /// Stable code and fields.
    #[serde(flatten)]
    pub reason: Reason,
    /// In words.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The command that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Explains a task and all of its steps that are not done.
pub fn explain_task(facts: &Facts<'_>) -> TaskExplanation {
    let explainer = Explainer::new(facts);
    let undone = facts.steps.iter().filter(|detail| !detail.record.state.is_done());
    let steps: Vec<StepExplanation> = undone.map(|detail| explainer.step(detail)).collect();
    let summary = explainer.summary(&steps);
    TaskExplanation { task_id: facts.task.id, status: facts.task.state, summary, steps }
}

/// Explains one step, done or not. `None` if it is no step of the task.
pub fn explain_step(facts: &Facts<'_>, step: Ordinal) -> Option<StepExplanation> {
    let explainer = Explainer::new(facts);
    explainer.detail(step).map(|detail| explainer.step(detail))
}

struct Explainer<'a> {
    facts: &'a Facts<'a>,
    culprits: Culprits,
    /// The first step with a queue row.
    scheduled: Option<Ordinal>,
}

impl<'a> Explainer<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        let scheduled = facts.steps.iter().find(|detail| detail.queue.is_some());
        Self {
            facts,
            culprits: Culprits::of(facts),
            scheduled: scheduled.map(|detail| detail.record.ordinal),
        }
    }

    fn detail(&self, step: Ordinal) -> Option<&StepDetail> {
        self.facts.steps.get(step.index()).filter(|detail| detail.record.ordinal == step)
    }

    fn step(&self, detail: &StepDetail) -> StepExplanation {
        let step = detail.record.ordinal;
        let step_name = self.facts.plan.name(step).clone();
        let explained = words::of_step(self.reason(detail), self.facts.task, &step_name);
        StepExplanation { step_name, ordinal: step, current_state: detail.record.state, explained }
    }

    fn reason(&self, detail: &StepDetail) -> Reason {
        match detail.record.state {
            StepState::Complete | StepState::ResolvedManually => {
                Reason::Done { state: detail.record.state, at: detail.record.processed_at }
            }
            StepState::Cancelled => self.cancelled(detail.record.ordinal),
            StepState::InProgress => self.running(detail),
            StepState::Pending => self.pending(detail),
            StepState::Error => self.failed(detail),
        }
    }

    fn running(&self, detail: &StepDetail) -> Reason {
        match detail.queue.as_ref().and_then(|row| row.worker) {
            Some(worker) => {
                let since = detail.record.started_at.unwrap_or(detail.record.updated_at);
                Reason::Running { worker, since, attempt: detail.record.attempts }
            }
            None => Reason::Inconsistent,
        }
    }

    fn pending(&self, detail: &StepDetail) -> Reason {
        let step = detail.record.ordinal;
        if let Some(culprit) = self.culprits.above(step) {
            return self.blocked_by(culprit);
        }
        if !self.facts.task.state.is_open() {
            return Reason::TaskEnded { state: self.facts.task.state, at: self.facts.task.ended_at };
        }
        if detail.record.waits > 0 {
            return Reason::WaitingForSteps { steps: self.undone_parents(step) };
        }
        match &detail.queue {
            Some(row) => self.scheduled(detail, row),
            None => self.without_row(),
        }
    }

    fn scheduled(&self, detail: &StepDetail, row: &QueueRow) -> Reason {
        let handler = &self.facts.plan.step(detail.record.ordinal).handler;
        if row.run_at > self.facts.now {
            return Reason::NotBefore { until: row.run_at };
        }
        if self.facts.served.is_some_and(|served| !served.contains(handler)) {
            return Reason::NoWorker { handler: handler.clone() };
        }
        Reason::WaitingForSlot { since: row.run_at }
    }

    /// A step that may run but is not scheduled waits for its turn, if its task's steps run one at a time.
    fn without_row(&self) -> Reason {
        match self.scheduled {
            Some(holder) if !self.facts.plan.definition.concurrent => {
                Reason::WaitingForTurn { behind: self.facts.plan.name(holder).clone() }
            }
            _ => Reason::Inconsistent,
        }
    }

    fn failed(&self, detail: &StepDetail) -> Reason {
        let record = &detail.record;
        let error = detail.error.as_ref().map(LastError::from);
        if !record.retryable {
            return Reason::PermanentFailure {
                attempts: record.attempts,
                retry_limit: record.retry_limit,
                error,
            };
        }
        if record.attempts >= record.retry_limit {
            return Reason::Exhausted { attempts: record.attempts, retry_limit: record.retry_limit, error };
        }
        if !self.facts.task.state.is_open() {
            return Reason::TaskEnded { state: self.facts.task.state, at: self.facts.task.ended_at };
        }
        match &detail.queue {
            Some(row) if row.run_at > self.facts.now => Reason::BackingOff {
                until: row.run_at,
                attempts: record.attempts,
                retry_limit: record.retry_limit,
                error,
            },
            Some(row) => self.scheduled(detail, row),
            None => self.without_row(),
        }
    }

    fn cancelled(&self, step: Ordinal) -> Reason {
        let entry = self.facts.log.iter().rev().find(|entry| {
            matches!(entry.change, Change::Step { ordinal, to: StepState::Cancelled, .. } if ordinal == step)
        });
        Reason::Cancelled { by: entry.map(|entry| entry.actor.clone()), at: entry.map(|entry| entry.at) }
    }

    fn blocked_by(&self, culprit: Ordinal) -> Reason {
        let detail = self.detail(culprit);
        let record = detail.map(|detail| &detail.record);
        Reason::BlockedByStep {
            step: self.facts.plan.name(culprit).clone(),
            state: record.map_or(StepState::Error, |record| record.state),
            error: detail.and_then(|detail| detail.error.as_ref()).map(LastError::from),
            needs_more: record.is_some_and(|record| record.attempts >= record.retry_limit),
        }
    }

    fn undone_parents(&self, step: Ordinal) -> Vec<StepName> {
        let undone =
            |parent: &&Ordinal| self.detail(**parent).is_some_and(|detail| !detail.record.state.is_done());
        self.facts
            .plan
            .graph
            .parents(step)
            .iter()
            .filter(undone)
            .map(|&parent| self.facts.plan.name(parent).clone())
            .collect()
    }

    /// The reason for the task: how it ended, or the step that is nearest to moving it.
    fn summary(&self, steps: &[StepExplanation]) -> Explained {
        let task = self.facts.task;
        match task.state {
            TaskState::Complete | TaskState::ResolvedManually => {
                words::of_task(Reason::TaskEnded { state: task.state, at: task.ended_at })
            }
            TaskState::Cancelled => words::of_task(self.task_cancelled()),
            TaskState::Error => {
                let culprits: Vec<_> = steps.iter().filter(|step| step.explained.reason.is_final()).collect();
                words::of_failed_task(&culprits, task)
            }
            TaskState::Pending | TaskState::InProgress => self.most_urgent(steps),
        }
    }

    fn task_cancelled(&self) -> Reason {
        let entry = self
            .facts
            .log
            .iter()
            .rev()
            .find(|entry| matches!(entry.change, Change::Task { to: TaskState::Cancelled, .. }));
        Reason::Cancelled { by: entry.map(|entry| entry.actor.clone()), at: entry.map(|entry| entry.at) }
    }

    fn most_urgent(&self, steps: &[StepExplanation]) -> Explained {
        let scheduled = steps.iter().filter_map(|step| Some((step.explained.reason.urgency()?, step)));
        match scheduled.min_by_key(|(urgency, step)| (*urgency, step.ordinal)) {
            Some((_, step)) => step.explained.clone(),
            None => words::of_task(Reason::Inconsistent),
        }
    }
}

#[cfg(test)]
mod tests;
