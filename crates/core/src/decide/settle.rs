//! An execution ended.

use super::note::Note;
use super::{Answer, Workset};
use crate::backoff::wait_after_failure;
use crate::definition::AnnotationValue;
use crate::ids::{Fence, Ordinal, WorkerId};
use crate::outcome::{Failure, Outcome, StepError};
use crate::payload::Payload;
use crate::record::{Annotation, StepRecord};
use crate::state::StepState;
use crate::time::Timestamp;

impl Workset<'_> {
    pub(super) fn settle(&mut self, step: Ordinal, fence: Fence, outcome: Outcome) -> Answer {
        let now = self.now;
        let entry = self.entry(step);
        if !entry.is_held(fence) {
            return if is_repeated(&entry.record, fence, &outcome) {
                Answer::AlreadySettled
            } else {
                Answer::Stale
            };
        }
        entry.record.settled_fence = fence;
        entry.record.last_attempted_at = Some(now);
        match outcome {
            Outcome::Success(results) => self.succeed(step, results),
            Outcome::Failure(failure) => self.fail(step, &failure, Wait::Computed),
            Outcome::LeaseExpired => self.lease_expired(step),
            Outcome::Interrupted => self.fail(step, &interrupted(), Wait::None),
        }
    }

    fn succeed(&mut self, step: Ordinal, results: Payload) -> Answer {
        let now = self.now;
        let actor = self.holder(step);
        let attempt = self.entry(step).record.attempts;
        let annotation_errors = self.annotate(step, &results);
        self.move_step(
            step,
            StepState::Complete,
            &actor,
            Some(&Note::Completed { attempt, annotation_errors }),
        );
        let entry = self.entry(step);
        entry.record.processed_at = Some(now);
        entry.record.backoff_seconds = None;
        entry.results = Some(results);
        entry.error = Some(None);
        self.unschedule(step);
        self.step_done(step);
        Answer::Settled { state: StepState::Complete, retry_at: None }
    }

    fn lease_expired(&mut self, step: Ordinal) -> Answer {
        let record = &mut self.entry(step).record;
        record.lease_expiries += 1;
        let wait = if record.lease_expiries == 1 { Wait::None } else { Wait::Computed };
        self.fail(step, &lease_expired(), wait)
    }

    fn fail(&mut self, step: Ordinal, failure: &Failure, wait: Wait) -> Answer {
        let actor = self.holder(step);
        if !failure.is_retryable() {
            self.entry(step).record.retryable = false;
        }
        let retry_at = self.retry_at(step, failure, wait);
        let error = StepError::from(failure);
        let record = &self.entry(step).record;
        let note = Note::Failed {
            attempt: record.attempts,
            error: &error,
            backoff_seconds: retry_at.and(record.backoff_seconds),
            next_retry_at: retry_at,
        };
        self.move_step(step, StepState::Error, &actor, Some(&note));
        self.entry(step).error = Some(Some(error));
        match retry_at {
            Some(at) => self.schedule(step, at),
            None => self.unschedule(step),
        }
        self.pass_turn();
        Answer::Settled { state: StepState::Error, retry_at }
    }

    /// Chooses the wait and stores it; `None` if there is no further execution. A step that used up its executions
    /// has its wait too: it counts once an operator allows more.
    fn retry_at(&mut self, step: Ordinal, failure: &Failure, wait: Wait) -> Option<Timestamp> {
        let (task, now, open) = (self.task.id, self.now, self.task.state.is_open());
        let (policy, backoff) = (&self.rules.backoff, self.plan.waits[step.index()]);
        let record = &mut self.steps.get_mut(step).expect("the step was read").record;
        let again = open && record.retryable && record.attempts < record.retry_limit;
        let retry_after = failure.retry_after();
        let seconds = match wait {
            Wait::None => 0,
            Wait::Computed => wait_after_failure(policy, backoff, retry_after, task, step, record.attempts),
        };
        record.backoff_seconds = failure.is_retryable().then_some(seconds);
        again.then(|| now.plus_seconds(i64::from(seconds)))
    }

    /// Makes the annotations that hang on this step; says what could not be made.
    fn annotate(&mut self, step: Ordinal, results: &Payload) -> Vec<String> {
        let plan = self.plan.clone();
        let name = plan.name(step);
        let mut rules = plan.definition.annotations.iter().filter(|rule| rule.from_step == *name).peekable();
        if rules.peek().is_none() {
            return Vec::new();
        }
        let result = results.to_value();
        let mut errors = Vec::new();
        for rule in rules {
            let value = match &rule.value {
                AnnotationValue::Pointer(pointer) => result.pointer(pointer).map(ToString::to_string),
                AnnotationValue::Literal(literal) => serde_json::to_string(literal).ok(),
            };
            match value {
                Some(text) => {
                    self.annotations
                        .push(Annotation { kind: rule.kind.clone(), value: Payload::from_stored(text) });
                }
                None => {
                    errors.push(format!("annotation {:?}: the result has nothing at its pointer", rule.kind))
                }
            }
        }
        errors
    }

    /// The worker that holds the step, as the log names it.
    fn holder(&mut self, step: Ordinal) -> String {
        let worker = self.entry(step).queue.as_ref().and_then(|row| row.worker);
        worker.map_or_else(|| super::workset::ENGINE.to_owned(), WorkerId::actor)
    }
}

/// Whether this outcome was accepted before. Another outcome of the same claim (the late success of a worker that was
/// given up) was not.
fn is_repeated(record: &StepRecord, fence: Fence, outcome: &Outcome) -> bool {
    let succeeded = record.state == StepState::Complete;
    fence != Fence(0) && record.settled_fence == fence && matches!(outcome, Outcome::Success(_)) == succeeded
}

/// How the wait after a failure is chosen.
#[derive(Clone, Copy)]
enum Wait {
    /// Due at once.
    None,
    /// By the backoff rules.
    Computed,
}

fn lease_expired() -> Failure {
    Failure::retryable("LeaseExpired", "lease_expired", "the worker that ran this step was lost")
}

fn interrupted() -> Failure {
    Failure::retryable("Interrupted", "interrupted", "the worker stopped before the step ended")
}
