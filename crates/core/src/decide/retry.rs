//! Trying failed steps again, and reopening the task they failed.

use super::note::Note;
use super::workset::{Entry, illegal};
use super::{Answer, NewLimit, Rejection, Workset};
use crate::ids::Ordinal;
use crate::state::{StepState, TaskState};

/// The state that tasks and steps have when they are tried again.
const PENDING: Option<&str> = Some(TaskState::Pending.as_str());

impl Workset<'_> {
    pub(super) fn retry_step(
        &mut self,
        step: Ordinal,
        limit: NewLimit,
        new_key: bool,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<Answer, Rejection> {
        let state = self.entry(step).record.state;
        if state != StepState::Error {
            return Err(illegal(format!("retrying step {}", self.plan.name(step)), state.as_str(), PENDING)
                .help("only a step in error can be retried"));
        }
        let limit = self.limit_for_retry(step, limit)?;
        self.reopen(actor, &Note::operator(actor, reason))?;
        self.make_due(step, limit, new_key, actor, reason);
        Ok(Answer::Done)
    }

    /// The step retry of the chosen steps. Exhausted ones are left out; at least one must be left.
    pub(super) fn retry_task(
        &mut self,
        chosen: &[Ordinal],
        limit: NewLimit,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<Answer, Rejection> {
        match self.task.state {
            TaskState::Error => {}
            state if state.is_open() => return Ok(Answer::Unchanged),
            state => {
                return Err(illegal(format!("retrying task {}", self.task.id), state.as_str(), PENDING)
                    .help("only a task in error can be retried"));
            }
        }
        let failed: Vec<Ordinal> = self.failed_steps(chosen);
        let ready: Vec<(Ordinal, u32)> =
            failed.iter().filter_map(|&step| Some((step, self.limit_for_retry(step, limit).ok()?))).collect();
        if ready.is_empty() {
            return Err(self.nothing_to_retry(&failed));
        }
        self.reopen(actor, &Note::operator(actor, reason))?;
        for (step, limit) in ready {
            self.make_due(step, limit, false, actor, reason);
        }
        Ok(Answer::Done)
    }

    /// Opens a task in error again; leaves an open one as it is. Whatever may run gets its queue row back.
    pub(super) fn reopen(&mut self, actor: &str, note: &Note<'_>) -> Result<(), Rejection> {
        match self.task.state {
            state if state.is_open() => return Ok(()),
            TaskState::Error => self.move_task(TaskState::Pending, actor, Some(note)),
            state => {
                return Err(illegal(
                    format!("changing a step of task {}", self.task.id),
                    state.as_str(),
                    None,
                )
                .help("submit a new task instead"));
            }
        }
        let free: Vec<Ordinal> = self.steps.iter().filter(|e| e.is_free()).map(Entry::ordinal).collect();
        for step in free {
            self.release(step);
        }
        Ok(())
    }

    fn make_due(&mut self, step: Ordinal, limit: u32, new_key: bool, actor: &str, reason: Option<&str>) {
        let attempt = self.entry(step).record.attempts + 1;
        let note = Note::retry(actor, reason, attempt);
        self.move_step(step, StepState::Pending, actor, Some(&note));
        let record = &mut self.entry(step).record;
        record.retryable = true;
        record.retry_limit = limit;
        record.backoff_seconds = None;
        record.key_generation += u32::from(new_key);
        if self.entry(step).queue.is_some() {
            self.schedule(step, self.now);
        } else {
            self.release(step);
        }
    }

    /// The limit a retry would run under.
    fn limit_for_retry(&mut self, step: Ordinal, limit: NewLimit) -> Result<u32, Rejection> {
        let name = self.plan.name(step).clone();
        let task = self.task.id;
        let record = &self.entry(step).record;
        let limit = limit.of(record.retry_limit, record.attempts).max(1);
        if record.attempts < limit {
            return Ok(limit);
        }
        let message = format!("step {name} was executed {} times, and its limit is {limit}", record.attempts);
        Err(Rejection::new("retry_limit_reached", message)
            .help(format!("allow one more execution: tasker step retry {task} {name} --more 1")))
    }

    fn failed_steps(&self, chosen: &[Ordinal]) -> Vec<Ordinal> {
        let in_error =
            |step: &Ordinal| self.steps.get(*step).is_some_and(|e| e.record.state == StepState::Error);
        let all = self.steps.ordinals();
        if chosen.is_empty() {
            all.filter(in_error).collect()
        } else {
            chosen.iter().copied().filter(in_error).collect()
        }
    }

    fn nothing_to_retry(&self, exhausted: &[Ordinal]) -> Rejection {
        let task = self.task.id;
        let names = |steps: &[Ordinal]| {
            let names: Vec<&str> = steps.iter().map(|&step| self.plan.name(step).as_str()).collect();
            names.join(", ")
        };
        if !exhausted.is_empty() {
            let message =
                format!("task {task}: every failed step has used up its executions: {}", names(exhausted));
            return Rejection::new("retry_limit_reached", message)
                .help(format!("allow one more execution each: tasker task retry {task} --more 1"));
        }
        let blocking: Vec<Ordinal> =
            self.steps.iter().filter(|e| !e.record.state.is_done()).map(Entry::ordinal).collect();
        let message =
            format!("task {task}: none of the chosen steps is in error; not done: {}", names(&blocking));
        Rejection::new("nothing_to_retry", message).help(format!("see why: tasker task explain {task}"))
    }
}

impl<'a> Note<'a> {
    pub(super) fn operator(actor: &'a str, reason: Option<&'a str>) -> Self {
        Self::Operator { triggered_by: actor, resolved_by: None, retry_attempt: None, reason }
    }

    fn retry(actor: &'a str, reason: Option<&'a str>, attempt: u32) -> Self {
        Self::Operator { triggered_by: actor, resolved_by: None, retry_attempt: Some(attempt), reason }
    }

    pub(super) fn resolution(actor: &'a str, reason: Option<&'a str>) -> Self {
        Self::Operator { triggered_by: actor, resolved_by: Some(actor), retry_attempt: None, reason }
    }
}
