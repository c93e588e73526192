//! A worker takes a step, or gives it back.

use std::collections::HashMap;
use std::time::Duration;

use super::note::Note;
use super::workset::{ENGINE, Entry};
use super::{Answer, Workset};
use crate::ids::{Fence, Ordinal, TaskId, WorkerId};
use crate::names::HandlerName;
use crate::record::Claim;
use crate::state::{StepState, TaskState};

/// What a worker can take beyond what it holds: free slots, in all and per handler it serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimBudget {
    /// The worker.
    pub worker: WorkerId,
    /// Free slots in all.
    pub slots: u32,
    /// Free slots per handler served.
    pub handlers: HashMap<HandlerName, u32>,
    /// Only steps of this task, if set.
    pub only_task: Option<TaskId>,
}

impl ClaimBudget {
    /// Takes a slot for a step of this handler, if there is one.
    pub fn take(&mut self, task: TaskId, handler: &HandlerName) -> bool {
        if self.slots == 0 || self.only_task.is_some_and(|only| only != task) {
            return false;
        }
        match self.handlers.get_mut(handler) {
            Some(free) if *free > 0 => {
                *free -= 1;
                self.slots -= 1;
                true
            }
            _ => false,
        }
    }
}

impl Workset<'_> {
    /// Claims every due, unclaimed step of the workset that fits the budget: the continuation of `engine.md` 3.
    pub fn claim_free(&mut self, budget: &mut ClaimBudget) {
        if !self.task.state.is_open() {
            return;
        }
        let now = self.now;
        let due: Vec<Ordinal> = self
            .steps
            .iter()
            .filter(|entry| entry.queue.as_ref().is_some_and(|row| row.worker.is_none() && row.run_at <= now))
            .map(Entry::ordinal)
            .collect();
        for step in due {
            if budget.take(self.task.id, &self.plan.step(step).handler) {
                self.claim(step, budget.worker);
            }
        }
    }

    pub(super) fn claim(&mut self, step: Ordinal, worker: WorkerId) -> Answer {
        let now = self.now;
        let entry = self.entry(step);
        let claimable = entry.queue.as_ref().is_some_and(|row| row.worker.is_none() && row.run_at <= now);
        if !claimable || !self.task.state.is_open() {
            return Answer::NotClaimable;
        }
        let actor = worker.actor();
        let starts_task = self.task.state == TaskState::Pending;
        if starts_task {
            self.move_task(TaskState::InProgress, &actor, None);
        }
        if self.entry(step).record.state == StepState::Error {
            let retry_attempt = self.entry(step).record.attempts + 1;
            self.move_step(step, StepState::Pending, ENGINE, Some(&Note::Retried { retry_attempt }));
        }
        self.hold(step, worker);
        let attempt = self.entry(step).record.attempts;
        self.move_step(step, StepState::InProgress, &actor, Some(&Note::Claimed { attempt }));
        let claim = Claim { starts_task, ..self.claim_of(step) };
        self.claims.push(claim);
        Answer::Claimed
    }

    fn hold(&mut self, step: Ordinal, worker: WorkerId) {
        let now = self.now;
        let entry = self.entry(step);
        entry.record.attempts += 1;
        entry.record.fence = entry.record.fence.next();
        entry.record.started_at = Some(now);
        let fence = entry.record.fence;
        let row =
            entry.queue.clone().map(|row| crate::record::QueueRow { worker: Some(worker), fence, ..row });
        entry.set_queue(row);
    }

    fn claim_of(&mut self, step: Ordinal) -> Claim {
        let task = self.task.id;
        let now = self.now;
        let entry = self.entry(step);
        let record = &entry.record;
        Claim {
            task,
            ordinal: step,
            fence: record.fence,
            attempt: record.attempts,
            retry_limit: record.retry_limit,
            key_generation: record.key_generation,
            waited: entry.queue.as_ref().map_or(Duration::ZERO, |row| now.since(row.run_at)),
            starts_task: false,
        }
    }

    pub(super) fn give_back(&mut self, step: Ordinal, fence: Fence) -> Answer {
        let now = self.now;
        let entry = self.entry(step);
        if !entry.is_held(fence) {
            return Answer::Stale;
        }
        let worker = entry.queue.as_ref().and_then(|row| row.worker).expect("a held row has a worker");
        entry.record.attempts -= 1;
        let note = Note::Released { released_by: worker };
        let actor = worker.actor();
        if self.task.state.is_open() {
            self.move_step(step, StepState::Pending, &actor, Some(&note));
            self.schedule(step, now);
        } else {
            self.move_step(step, StepState::Cancelled, &actor, Some(&note));
            self.unschedule(step);
        }
        Answer::Done
    }
}
