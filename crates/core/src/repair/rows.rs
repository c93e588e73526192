//! The queue rows that the steps should have.

use super::Mender;
use crate::audit::Code;
use crate::ids::Ordinal;
use crate::record::{QueueRow, StepDetail};
use crate::state::StepState;

impl Mender<'_> {
    /// Rows of steps that have no row can be neither claimed nor settled.
    pub(super) fn strays(&mut self) {
        for row in self.stored.strays.iter().filter(|row| !self.stored.is_held(row)) {
            self.strays.insert(row.ordinal);
            let message = format!("the queue row of step {} is deleted", row.ordinal);
            self.note(Code::OrphanQueueRow, Some(row.ordinal), message);
        }
    }

    /// Gives every step the row that it should have.
    pub(super) fn rows(&mut self) {
        let mut rows: Vec<Option<QueueRow>> = self.steps.iter().map(|detail| self.row_of(detail)).collect();
        if !self.stored.plan.definition.concurrent && self.task.state.is_open() {
            self.one_turn(&mut rows);
        }
        for (at, row) in rows.into_iter().enumerate() {
            let row = self.due_from_now(at, row);
            let before = std::mem::replace(&mut self.steps[at].queue, row);
            self.tell_row(at, before.as_ref());
        }
    }

    /// No row comes to be due in the past: nodes do not look there any more.
    fn due_from_now(&self, at: usize, row: Option<QueueRow>) -> Option<QueueRow> {
        let detail = &self.steps[at];
        let is_new = detail.queue != row || self.stored.other_handlers.contains(&detail.record.ordinal);
        let is_waiting = |row: &QueueRow| row.worker.is_none();
        row.map(|row| match is_new && is_waiting(&row) {
            true => QueueRow { run_at: row.run_at.max(self.now), ..row },
            false => row,
        })
    }

    /// The row of a step that need not wait for its turn.
    fn row_of(&self, detail: &StepDetail) -> Option<QueueRow> {
        let (record, row) = (&detail.record, detail.queue.as_ref());
        let (ordinal, priority) = (record.ordinal, self.task.priority);
        if let Some(row) = row.filter(|row| self.stored.is_held(row)) {
            return Some(QueueRow { ordinal, priority, ..row.clone() });
        }
        let run_at = row.map(|row| row.run_at);
        let new = |run_at| QueueRow { ordinal, priority, run_at, worker: None, fence: record.fence };
        if record.state == StepState::InProgress {
            let worker = row.and_then(|row| row.worker).or_else(|| self.history.holder(ordinal));
            let run_at = run_at.or(record.started_at).unwrap_or(self.now);
            // Without a holder the row would wait for nobody: better none, and told.
            return worker.map(|_| QueueRow { worker, ..new(run_at) }).or_else(|| row.cloned());
        }
        let may_run = self.task.state.is_open() && record.wants_queue_row();
        let due = || record.next_retry_at().map_or(self.now, |at| at.max(self.now));
        may_run.then(|| new(run_at.unwrap_or_else(due)))
    }

    /// Steps that run one at a time: those that are held keep their rows; else the first that had one keeps it, else the
    /// first in document order gets it.
    fn one_turn(&self, rows: &mut [Option<QueueRow>]) {
        let is_held = |row: &QueueRow| row.worker.is_some();
        let is_taken = rows.iter().flatten().any(is_held);
        let had_one = self
            .steps
            .iter()
            .zip(rows.iter())
            .position(|(detail, row)| detail.queue.is_some() && row.is_some());
        let first = had_one.or_else(|| rows.iter().position(Option::is_some)).filter(|_| !is_taken);
        for (at, row) in rows.iter_mut().enumerate() {
            if Some(at) != first && !row.as_ref().is_some_and(is_held) {
                *row = None;
            }
        }
    }

    /// Notes how the row of a step differs from the one before.
    fn tell_row(&mut self, at: usize, before: Option<&QueueRow>) {
        let detail = self.steps[at].clone();
        let step = Some(detail.record.ordinal);
        let (before, after) = match (before, detail.queue.as_ref()) {
            (None, None) => return,
            (None, Some(row)) => {
                let code = if self.waits_for_turn(&detail) { Code::Turns } else { Code::RowMissing };
                return self.note(code, step, given(row));
            }
            (Some(_), None) => return self.note(self.why_gone(&detail), step, "the queue row is deleted"),
            (Some(before), Some(after)) => (before, after),
        };
        self.set(Code::RowStep, step, "the queue row's step", (before.ordinal, after.ordinal));
        self.set(Code::RowFence, step, "the queue row's fence", (before.fence.0, after.fence.0));
        self.set(
            Code::RowPriority,
            step,
            "the queue row's priority",
            (before.priority.get(), after.priority.get()),
        );
        match (before.worker, after.worker) {
            (before, after) if before == after => {}
            (_, Some(_)) => self.note(Code::RowClaim, step, given(after)),
            (_, None) => self.note(Code::RowClaim, step, "the queue row is freed"),
        }
        if self.stored.other_handlers.contains(&detail.record.ordinal) {
            self.rehandled.insert(detail.record.ordinal);
            self.note(Code::RowHandler, step, "the queue row gets the definition's handler");
        }
    }

    fn waits_for_turn(&self, detail: &StepDetail) -> bool {
        !self.stored.plan.definition.concurrent && detail.record.state != StepState::InProgress
    }

    fn why_gone(&self, detail: &StepDetail) -> Code {
        if !self.task.state.is_open() {
            Code::RowOfEndedTask
        } else if detail.record.wants_queue_row() {
            Code::Turns
        } else {
            Code::RowUnwanted
        }
    }

    /// Steps whose rows differ from those before, with the rows.
    pub(super) fn changed_rows(&self) -> Vec<(Ordinal, Option<QueueRow>)> {
        let pairs = self.steps.iter().zip(&self.before);
        let changed = pairs.filter(|(after, before)| {
            after.queue != before.queue || self.rehandled.contains(&after.record.ordinal)
        });
        changed.map(|(after, _)| (after.record.ordinal, after.queue.clone())).collect()
    }
}

fn given(row: &QueueRow) -> String {
    match row.worker {
        Some(worker) => format!("the queue row is given back to worker {worker}"),
        None => format!("the step is scheduled for {}", row.run_at),
    }
}
