//! Operators' actions as one list, and the edits among them.

use super::note::Note;
use super::workset::{TaskEdit, illegal};
use super::{Action, Answer, Rejection, Workset};
use crate::ids::Ordinal;
use crate::names::StepName;
use crate::payload::Payload;
use crate::record::{Annotation, RowVersion, StepRecord};
use crate::state::StepState;

/// Highest limit of executions that an operator can set (`spec/api.md` 1.5).
pub const MAX_RETRY_LIMIT: u32 = 100;

/// Whether what is meant for certain versions of a row is meant for this one; `what` names the row.
///
/// # Errors
/// `precondition_failed`: it is not.
pub fn is_meant(what: &str, found: RowVersion, expected: &[RowVersion]) -> Result<(), Rejection> {
    if expected.contains(&found) {
        return Ok(());
    }
    let message = format!("{what} has changed since: its version is {} now", found.0);
    Err(Rejection::new("precondition_failed", message).help("look at it again, and decide anew"))
}

impl Workset<'_> {
    /// What is meant for certain versions of a row is not done to another one.
    pub(super) fn check_version(
        &mut self,
        action: &Action,
        expected: Option<&[RowVersion]>,
    ) -> Result<(), Rejection> {
        let Some(expected) = expected else { return Ok(()) };
        let (what, found) = match action.step() {
            Some(step) => (format!("step {}", self.plan.name(step)), self.entry(step).record.version()),
            None => (format!("task {}", self.task.id), self.task.version()),
        };
        is_meant(&what, found, expected)
    }

    pub(super) fn operate(
        &mut self,
        action: Action,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<Answer, Rejection> {
        let note = Note::operator(actor, reason);
        let resolution = Note::resolution(actor, reason);
        match action {
            Action::CancelTask { force } => self.cancel_task(force, actor, &note),
            Action::CancelStep(step) => self.cancel_step(step, actor, &note),
            Action::ResolveTask => self.resolve_task(actor, &resolution),
            Action::ResolveStep { step, results } => self.resolve_step(step, results, actor, &resolution),
            Action::RetryTask { steps, limit } => self.retry_task(&steps, limit, actor, reason),
            Action::RetryStep { step, limit, new_idempotency_key } => {
                self.retry_step(step, limit, new_idempotency_key, actor, reason)
            }
            Action::EditTask { reason, tags } => Ok(self.edit_task(reason, tags)),
            Action::Annotate(annotation) => Ok(self.annotate_by_hand(annotation)),
            Action::EditStep { step, retry_limit, inputs } => self.edit_step(step, retry_limit, inputs),
        }
    }

    fn edit_task(&mut self, reason: Option<String>, tags: Option<Vec<String>>) -> Answer {
        if reason.is_none() && tags.is_none() {
            return Answer::Unchanged;
        }
        self.edit = Some(TaskEdit { reason, tags });
        self.touch_task();
        Answer::Done
    }

    fn annotate_by_hand(&mut self, annotation: Annotation) -> Answer {
        self.annotations.push(annotation);
        self.touch_task();
        Answer::Done
    }

    /// Changes `retry_limit` and `inputs` of a step that is not done. In an open task the queue row of a failed step
    /// follows its limit.
    fn edit_step(
        &mut self,
        step: Ordinal,
        retry_limit: Option<u32>,
        inputs: Option<Payload>,
    ) -> Result<Answer, Rejection> {
        let (name, now) = (self.plan.name(step).clone(), self.now);
        let entry = self.entry(step);
        let state = entry.record.state;
        if state.is_done() || state == StepState::Cancelled {
            return Err(illegal(format!("editing step {name}"), state.as_str(), None));
        }
        if inputs.is_some() && state == StepState::InProgress {
            return Err(illegal(format!("changing the inputs of step {name}"), state.as_str(), None)
                .help("wait until this execution ended, or cancel the step"));
        }
        if retry_limit.is_none() && inputs.is_none() {
            return Ok(Answer::Unchanged);
        }
        if let Some(limit) = retry_limit {
            limit_fits(&name, &entry.record, limit)?;
            entry.record.retry_limit = limit;
        }
        if inputs.is_some() {
            entry.inputs = inputs;
        }
        entry.touch(now);
        self.touch_task();
        self.queue_follows_limit(step);
        Ok(Answer::Done)
    }

    fn queue_follows_limit(&mut self, step: Ordinal) {
        if self.entry(step).record.state != StepState::Error || !self.task.state.is_open() {
            return;
        }
        if !self.entry(step).record.wants_queue_row() {
            self.unschedule(step);
            self.pass_turn();
        } else if self.entry(step).is_free() {
            self.release(step);
        }
    }
}

/// The limit of a failed step may be lowered at will; a step that runs, or is going to, needs room for that execution.
fn limit_fits(name: &StepName, record: &StepRecord, limit: u32) -> Result<(), Rejection> {
    let least = match record.state {
        StepState::Pending => record.attempts + 1,
        StepState::InProgress => record.attempts,
        _ => 1,
    };
    if (least.max(1)..=MAX_RETRY_LIMIT.max(least)).contains(&limit) {
        return Ok(());
    }
    let message =
        format!("retry_limit of step {name} must be {least} to {MAX_RETRY_LIMIT}, but {limit} was asked for");
    let rejection = Rejection::new("out_of_range", message);
    if limit == 0 || limit >= least {
        return Err(rejection);
    }
    Err(rejection.help(format!("the step is {}: cancel it to keep it from running", record.state)))
}
