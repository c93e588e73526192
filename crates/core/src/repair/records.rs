//! Counters, limits and times of a task and its steps.

use super::Mender;
use crate::audit::Code;
use crate::ids::Fence;
use crate::record::{StepDetail, StepRecord};
use crate::state::StepState;

impl Mender<'_> {
    /// Whatever the queue rows depend on.
    pub(super) fn records(&mut self) {
        self.log_counter();
        let done: Vec<bool> = self.steps.iter().map(|detail| detail.record.state.is_done()).collect();
        for at in 0..self.steps.len() {
            let mut detail = self.steps[at].clone();
            let parents = self.stored.plan.graph.parents(detail.record.ordinal);
            let waits = parents.iter().filter(|parent| !done[parent.index()]).count() as u32;
            self.told_by_log(&mut detail);
            self.record(&mut detail.record, waits);
            self.steps[at] = detail;
        }
    }

    fn record(&mut self, record: &mut StepRecord, waits: u32) {
        let step = record.ordinal;
        self.limit(record);
        self.set(Code::WaitsCount, Some(step), "waits", (record.waits, waits));
        record.waits = waits;
        if record.state.is_done() && record.processed_at.is_none() {
            record.processed_at = self.history.step_since(step).or(Some(record.updated_at));
            self.note(Code::ProcessedAt, Some(step), "processed_at is set");
        }
    }

    /// The number of the last entry, if nothing else is wrong with the log.
    fn log_counter(&mut self) {
        if self.history.is_whole() {
            let counted = self.history.len();
            self.set(Code::LogLength, None, "log_seq", (self.task.log_seq, counted));
            self.task.log_seq = counted;
        }
    }

    /// Executions and claims, as the log tells them. A fence that a live worker may answer with stays.
    fn told_by_log(&mut self, detail: &mut StepDetail) {
        if !self.history.is_whole() {
            return;
        }
        let record = &mut detail.record;
        let told = self.history.step(record.ordinal);
        let (executions, claims) = told.map_or((0, 0), |told| (told.executions(), u64::from(told.claims)));
        let is_in_use =
            detail.queue.as_ref().is_some_and(|row| self.stored.is_held(row) && row.fence.0 != claims);
        self.set(Code::AttemptsCount, Some(record.ordinal), "attempts", (record.attempts, executions));
        record.attempts = executions;
        if !is_in_use {
            self.set(Code::FenceCount, Some(record.ordinal), "fence", (record.fence.0, claims));
            record.fence = Fence(claims);
        }
    }

    /// The least limit under which the step may be what it is.
    fn limit(&mut self, record: &mut StepRecord) {
        let told = self.history.step(record.ordinal).map_or(0, |told| told.executions());
        let least = match record.state {
            StepState::Pending => record.attempts + 1,
            StepState::InProgress | StepState::Complete | StepState::Cancelled => record.attempts,
            StepState::Error | StepState::ResolvedManually => 0,
        };
        if record.attempts == told && record.retry_limit < least {
            let limits = (record.retry_limit, least);
            self.set(Code::AttemptsAboveLimit, Some(record.ordinal), "retry_limit", limits);
            record.retry_limit = least;
        }
    }

    /// What is counted once the queue rows are right.
    pub(super) fn counters(&mut self) {
        let active = self.steps.iter().filter(|detail| detail.queue.is_some()).count() as u32;
        let undone = self.steps.iter().filter(|detail| !detail.record.state.is_done()).count() as u32;
        // A counter that only follows the rows which are mended here was right before.
        let before = self.stored.steps.iter().filter(|detail| detail.queue.is_some()).count() as u32;
        if self.task.active != before {
            self.set(Code::ActiveCount, None, "active", (self.task.active, active));
        }
        self.set(Code::RemainingCount, None, "remaining", (self.task.remaining, undone));
        self.task.active = active;
        self.task.remaining = undone;
    }

    /// When the task ended and when it last changed.
    pub(super) fn times(&mut self) {
        if self.task.state.is_open() && self.task.ended_at.is_some() {
            self.task.ended_at = None;
            self.note(Code::EndedAt, None, "ended_at is taken away");
        }
        if !self.task.state.is_open() && self.task.ended_at.is_none() {
            self.task.ended_at = self.history.task_since().or(Some(self.task.updated_at));
            self.note(Code::EndedAt, None, "ended_at is set");
        }
        if let Some(last) = self.history.last_at().filter(|last| *last > self.task.updated_at) {
            self.task.updated_at = last;
            self.note(Code::LogTime, None, format!("updated_at becomes {last}"));
        }
    }
}
