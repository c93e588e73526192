//! Whether the rows of a task are in order: every invariant of `engine.md` 1, checked from scratch.
//!
//! `db check` and the tests of every store call this. It reads everything of a task and believes none of it.

mod code;
mod log;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::code::Code;
pub(crate) use self::log::{Told, steps_told};

use crate::ids::Ordinal;
use crate::names::StepName;
use crate::plan::Plan;
use crate::record::{QueueRow, StepDetail, StepRecord, TaskRecord, Transition};
use crate::state::{StepState, TaskState};

/// A broken invariant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// The step it is about, if it is about one.
    pub step: Option<StepName>,
    /// What was found, and what it should be.
    pub message: String,
}

/// Checks one task: its row, all of its steps with their queue rows, and its whole log in order.
///
/// An empty answer means that the task is in order. Data that does not belong together (steps of another
/// definition, a log with foreign steps) is a finding like any other; nothing panics.
pub fn audit(plan: &Plan, task: &TaskRecord, steps: &[StepDetail], log: &[Transition]) -> Vec<Finding> {
    let mut audit = Audit::new(plan, task, steps);
    audit.task_row();
    let details: Vec<&StepDetail> = audit.steps.values().copied().collect();
    for detail in &details {
        audit.step_row(&detail.record);
        audit.queue_row(detail);
    }
    audit.turns();
    audit.log(log);
    audit.findings
}

struct Audit<'a> {
    plan: &'a Plan,
    task: &'a TaskRecord,
    steps: BTreeMap<Ordinal, &'a StepDetail>,
    findings: Vec<Finding>,
}

impl<'a> Audit<'a> {
    fn new(plan: &'a Plan, task: &'a TaskRecord, steps: &'a [StepDetail]) -> Self {
        let mut audit = Self { plan, task, steps: BTreeMap::new(), findings: Vec::new() };
        for detail in steps {
            let ordinal = detail.record.ordinal;
            if ordinal.index() >= plan.graph.n_steps() || audit.steps.insert(ordinal, detail).is_some() {
                audit.find(
                    None,
                    Code::StepUnknown,
                    format!("there is a second or surplus row for step {ordinal}"),
                );
            }
        }
        for ordinal in
            plan.graph.steps().filter(|ordinal| !audit.steps.contains_key(ordinal)).collect::<Vec<_>>()
        {
            audit.find(Some(ordinal), Code::StepMissing, "the step has no row".into());
        }
        audit
    }

    fn find(&mut self, step: Option<Ordinal>, code: Code, message: String) {
        let known = step.filter(|ordinal| ordinal.index() < self.plan.graph.n_steps());
        self.findings.push(Finding {
            code,
            step: known.map(|ordinal| self.plan.name(ordinal).clone()),
            message,
        });
    }

    fn expect<T: PartialEq + std::fmt::Debug>(
        &mut self,
        step: Option<Ordinal>,
        code: Code,
        what: &str,
        found: T,
        expected: T,
    ) {
        if found != expected {
            self.find(step, code, format!("{what} is {found:?}, but should be {expected:?}"));
        }
    }

    fn task_row(&mut self) {
        let task = self.task;
        let rows = self.rows().count() as u32;
        let undone = self.steps.values().filter(|detail| !detail.record.state.is_done()).count() as u32;
        self.expect(None, Code::ActiveCount, "active", task.active, rows);
        self.expect(None, Code::RemainingCount, "remaining", task.remaining, undone);
        self.expect(
            None,
            Code::EndedAt,
            "whether ended_at is set",
            task.ended_at.is_some(),
            !task.state.is_open(),
        );
        if task.state.is_open() && rows == 0 {
            self.find(
                None,
                Code::NothingQueued,
                format!("the task is {}, but nothing is queued", task.state),
            );
        }
        let may_run_on = task.state.is_open() || task.state == TaskState::Cancelled;
        if !may_run_on && rows > 0 {
            self.find(
                None,
                Code::RowOfEndedTask,
                format!("the task is {}, but {rows} steps are queued", task.state),
            );
        }
        if task.state == TaskState::Complete && undone > 0 {
            self.find(
                None,
                Code::CompleteWithUndone,
                format!("the task is complete, but {undone} steps are not done"),
            );
        }
    }

    fn step_row(&mut self, record: &StepRecord) {
        let step = Some(record.ordinal);
        let undone = |parent: &&Ordinal| !self.is_done(**parent);
        let waits = self.plan.graph.parents(record.ordinal).iter().filter(undone).count() as u32;
        self.expect(step, Code::WaitsCount, "waits", record.waits, waits);
        if record.state.is_done() && record.processed_at.is_none() {
            self.find(
                step,
                Code::ProcessedAt,
                format!("the step is {}, but has no processed_at", record.state),
            );
        }
        self.attempts_within_limit(record);
    }

    /// An operator may lower the limit of a failed step below its executions; no other state can come to that.
    fn attempts_within_limit(&mut self, record: &StepRecord) {
        let (attempts, limit) = (record.attempts, record.retry_limit);
        let broken = match record.state {
            StepState::Pending => attempts >= limit,
            StepState::InProgress | StepState::Complete | StepState::Cancelled => attempts > limit,
            StepState::Error | StepState::ResolvedManually => false,
        };
        if broken {
            let message =
                format!("the step is {} after {attempts} executions, but its limit is {limit}", record.state);
            self.find(Some(record.ordinal), Code::AttemptsAboveLimit, message);
        }
    }

    fn queue_row(&mut self, detail: &StepDetail) {
        let (record, step) = (&detail.record, Some(detail.record.ordinal));
        let running = record.state == StepState::InProgress;
        let Some(row) = &detail.queue else {
            let wanted = running || (self.task.state.is_open() && record.wants_queue_row());
            if wanted && (running || self.plan.definition.concurrent) {
                self.find(
                    step,
                    Code::RowMissing,
                    format!("the step is {}, but has no queue row", record.state),
                );
            }
            return;
        };
        self.row_fits(row, record);
        if self.task.state.is_open() && !record.wants_queue_row() {
            self.find(step, Code::RowUnwanted, format!("the step is {}, but has a queue row", record.state));
        }
        if !self.task.state.is_open() && row.worker.is_none() {
            let message = format!("the task is {}, but the step waits to be claimed", self.task.state);
            self.find(step, Code::RowOfEndedTask, message);
        }
    }

    fn row_fits(&mut self, row: &QueueRow, record: &StepRecord) {
        let step = Some(record.ordinal);
        let running = record.state == StepState::InProgress;
        self.expect(step, Code::RowStep, "the queue row's step", row.ordinal, record.ordinal);
        self.expect(step, Code::RowFence, "the queue row's fence", row.fence, record.fence);
        self.expect(step, Code::RowClaim, "whether the queue row is claimed", row.worker.is_some(), running);
        self.expect(step, Code::RowPriority, "the queue row's priority", row.priority, self.task.priority);
    }

    /// Steps that run one at a time: one row, if any step wants one.
    fn turns(&mut self) {
        if self.plan.definition.concurrent || !self.task.state.is_open() {
            return;
        }
        let wanted = self.steps.values().filter(|detail| detail.record.wants_queue_row()).count();
        let rows = self.rows().count();
        self.expect(
            None,
            Code::Turns,
            "the number of queue rows, steps running one at a time,",
            rows,
            wanted.min(1),
        );
    }

    fn rows(&self) -> impl Iterator<Item = &QueueRow> {
        self.steps.values().filter_map(|detail| detail.queue.as_ref())
    }

    fn is_done(&self, step: Ordinal) -> bool {
        self.steps.get(&step).is_some_and(|detail| detail.record.state.is_done())
    }
}

#[cfg(test)]
mod tests;
