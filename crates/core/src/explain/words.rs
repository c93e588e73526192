//! Reasons in words, and the commands that help.

use super::{Explained, LastError, Reason, StepExplanation};
use crate::ids::TaskId;
use crate::names::{COMMAND, StepName};
use crate::record::TaskRecord;
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// The reason of a step.
pub(super) fn of_step(reason: Reason, task: &TaskRecord, step: &StepName) -> Explained {
    let message = format!("step {step} {}", message(&reason));
    let can_reopen = task.state.is_open() || task.state == TaskState::Error;
    let advice =
        if reason.needs_open_task() && !can_reopen { NEW_TASK } else { advice(&reason, task.id, step) };
    explained(reason, message, advice)
}

/// The reason of a task as a whole.
pub(super) fn of_task(reason: Reason) -> Explained {
    let message = match &reason {
        Reason::TaskEnded { state, at } => format!("the task ended as {state}{}", when(at)),
        reason => format!("the task {}", message(reason)),
    };
    let advice = match &reason {
        Reason::Inconsistent => (CHECK, "tasker db check".into()),
        _ => ("", String::new()),
    };
    explained(reason, message, advice)
}

/// The reason of a task in error, told by the steps that failed or were cancelled.
pub(super) fn of_failed_task(culprits: &[&StepExplanation], task: &TaskRecord) -> Explained {
    let steps: Vec<StepName> = culprits.iter().map(|culprit| culprit.step_name.clone()).collect();
    let first =
        culprits.first().map(|culprit| format!(": {}", culprit.explained.message)).unwrap_or_default();
    let message = format!("the task ended in error because of {}{first}", list(&steps));
    let of =
        |test: fn(&Reason) -> bool| culprits.iter().filter(|culprit| test(&culprit.explained.reason)).count();
    let cancelled = of(|reason| matches!(reason, Reason::Cancelled { .. }));
    let exhausted = of(Reason::is_exhausted);
    let retry = format!("tasker task retry {}", task.id);
    let advice = match culprits.len() {
        n if n == cancelled => NEW_TASK,
        // Without it, a retry leaves out the steps that have used up their executions.
        _ if exhausted > 0 => (FAILED, format!("{retry} --more 1")),
        _ => (FAILED, retry),
    };
    explained(Reason::BlockedByFailures { steps }, message, advice)
}

/// Help in words, and the command; empty if there is none.
type Advice = (&'static str, String);

const NEW_TASK: Advice = ("submit a new task", String::new());
const FAILED: &str = "remove the cause, then try the failed steps again";
const CHECK: &str = "check the database";

fn explained(reason: Reason, message: String, (help, command): Advice) -> Explained {
    let told = |text: String| Some(text).filter(|text| !text.is_empty());
    Explained { reason, message, help: told(help.into()), command: told(command) }
}

fn message(reason: &Reason) -> String {
    match reason {
        Reason::WaitingForSteps { steps } => format!("waits for {}", list(steps)),
        Reason::BackingOff { until, attempts, retry_limit, error } => {
            format!(
                "failed in execution {attempts} of {retry_limit}{}; it is tried again at {until}",
                because(error)
            )
        }
        Reason::NoWorker { handler } => format!("is due, but no live worker serves its handler {handler}"),
        Reason::Running { worker, since, attempt } => {
            format!("runs on worker {worker} since {since}, execution {attempt}")
        }
        Reason::NotBefore { until } => format!("is not due before {until}"),
        Reason::WaitingForTurn { behind } => {
            format!("waits for its turn behind {behind}: the steps of this task run one at a time")
        }
        Reason::WaitingForSlot { since } => {
            format!("is due since {since} and waits for a free slot of a worker")
        }
        Reason::Exhausted { attempts, retry_limit, error } => {
            format!("was executed {attempts} times of at most {retry_limit} and failed{}", because(error))
        }
        Reason::PermanentFailure { error, .. } => {
            format!("failed and must not be tried again by itself{}", because(error))
        }
        Reason::BlockedByStep { step, state: StepState::Cancelled, .. } => {
            format!("can never run: step {step} before it was cancelled")
        }
        Reason::BlockedByStep { step, error, .. } => {
            format!("cannot run: step {step} before it failed{}", because(error))
        }
        Reason::BlockedByFailures { steps } => format!("ended in error because of {}", list(steps)),
        Reason::Cancelled { by, at } => format!("was cancelled{}{}", by_whom(by), when(at)),
        Reason::TaskEnded { state, at } => format!("does not run: its task ended as {state}{}", when(at)),
        Reason::Done { state: StepState::ResolvedManually, at } => {
            format!("was declared done by hand{}", when(at))
        }
        Reason::Done { at, .. } => format!("is complete{}", when(at)),
        Reason::Inconsistent => "has rows that contradict each other".into(),
    }
}

fn advice(reason: &Reason, task: TaskId, step: &StepName) -> Advice {
    let retry = |step: &StepName| format!("tasker step retry {task} {step}");
    match reason {
        Reason::BackingOff { .. } => ("to try it now instead", retry(step)),
        Reason::NoWorker { handler } if handler.as_str() == COMMAND => {
            let help = "start a worker that may run local programs, if you trust the definition";
            (help, "tasker worker run --allow-commands".into())
        }
        Reason::NoWorker { .. } => ("start a worker that serves the handler", "tasker worker run".into()),
        Reason::Running { .. } => ("to stop it", format!("tasker step cancel {task} {step}")),
        Reason::WaitingForSlot { .. } => ("start another worker if this lasts", "tasker worker run".into()),
        Reason::Exhausted { .. } => ("allow one more execution", format!("{} --more 1", retry(step))),
        Reason::PermanentFailure { .. } if reason.is_exhausted() => {
            ("remove the cause, then allow one more execution", format!("{} --more 1", retry(step)))
        }
        Reason::PermanentFailure { .. } => ("remove the cause, then try it again", retry(step)),
        Reason::BlockedByStep { state: StepState::Cancelled, .. } | Reason::Cancelled { .. } => NEW_TASK,
        Reason::BlockedByStep { step, needs_more: true, .. } => {
            ("remove the cause, then allow that step one more execution", format!("{} --more 1", retry(step)))
        }
        Reason::BlockedByStep { step, .. } => ("remove the cause, then try that step again", retry(step)),
        Reason::TaskEnded { state: TaskState::Error, .. } => ("open the task again", retry(step)),
        Reason::Inconsistent => (CHECK, "tasker db check".into()),
        _ => ("", String::new()),
    }
}

fn list(steps: &[StepName]) -> String {
    let names: Vec<&str> = steps.iter().map(StepName::as_str).collect();
    let (noun, names) = (if steps.len() == 1 { "step" } else { "steps" }, names.join(", "));
    format!("{noun} {names}")
}

fn because(error: &Option<LastError>) -> String {
    error.as_ref().map(|error| format!(": {}: {}", error.class, error.message)).unwrap_or_default()
}

fn by_whom(by: &Option<String>) -> String {
    by.as_ref().map(|actor| format!(" by {actor}")).unwrap_or_default()
}

fn when(at: &Option<Timestamp>) -> String {
    at.map(|at| format!(" at {at}")).unwrap_or_default()
}
