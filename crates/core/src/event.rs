//! What the changes of the log are called where they are told to others (`spec/observability.md` 1.9).

use crate::record::Change;
use crate::state::{StepState, TaskState};

macro_rules! names {
    ($($constant:ident = $name:literal, $about:literal;)+) => {
        $(
            #[doc = $about]
            pub const $constant: &str = $name;
        )+

        /// All names.
        pub const NAMES: &[&str] = &[$($name,)+];
    };
}

names! {
    TASK_INITIALIZED = "task.initialize_requested", "A task was created.";
    TASK_STARTED = "task.start_requested", "The first step of a task starts.";
    TASK_COMPLETED = "task.completed", "All steps of a task are done.";
    TASK_FAILED = "task.failed", "Nothing of a task can go on, and not all is done.";
    TASK_RETRIED = "task.retry_requested", "A task in error is open again.";
    TASK_CANCELLED = "task.cancelled", "A task was cancelled.";
    TASK_RESOLVED = "task.resolved_manually", "A task was declared done.";
    STEP_INITIALIZED = "step.initialize_requested", "A step was created.";
    STEP_STARTED = "step.execution_requested", "An attempt of a step starts.";
    STEP_COMPLETED = "step.completed", "An attempt succeeded.";
    STEP_FAILED = "step.failed", "An attempt failed.";
    STEP_RETRIED = "step.retry_requested", "A failed step is to be tried again.";
    STEP_RELEASED = "step.released", "A claim was given back: its handler was never called.";
    STEP_CANCELLED = "step.cancelled", "A step was cancelled.";
    STEP_RESOLVED = "step.resolved_manually", "A step was declared done.";
}

/// What a change is called.
pub const fn name(change: &Change) -> &'static str {
    match change {
        Change::Task { from, to } => of_task(*from, *to),
        Change::Step { from, to, .. } => of_step(*from, *to),
    }
}

const fn of_task(from: Option<TaskState>, to: TaskState) -> &'static str {
    match (from, to) {
        (Some(TaskState::Error), TaskState::Pending) => TASK_RETRIED,
        (_, TaskState::Pending) => TASK_INITIALIZED,
        (_, TaskState::InProgress) => TASK_STARTED,
        (_, TaskState::Complete) => TASK_COMPLETED,
        (_, TaskState::Error) => TASK_FAILED,
        (_, TaskState::Cancelled) => TASK_CANCELLED,
        (_, TaskState::ResolvedManually) => TASK_RESOLVED,
    }
}

const fn of_step(from: Option<StepState>, to: StepState) -> &'static str {
    match (from, to) {
        (Some(StepState::Error), StepState::Pending) => STEP_RETRIED,
        (Some(StepState::InProgress), StepState::Pending) => STEP_RELEASED,
        (_, StepState::Pending) => STEP_INITIALIZED,
        (_, StepState::InProgress) => STEP_STARTED,
        (_, StepState::Complete) => STEP_COMPLETED,
        (_, StepState::Error) => STEP_FAILED,
        (_, StepState::Cancelled) => STEP_CANCELLED,
        (_, StepState::ResolvedManually) => STEP_RESOLVED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ordinal;

    #[test]
    fn each_change_has_the_name_of_the_catalogue() {
        use TaskState::{Cancelled, Complete, Error, InProgress, Pending, ResolvedManually};
        for (from, to, expected) in [
            (None, Pending, "task.initialize_requested"),
            (Some(InProgress), Pending, "task.initialize_requested"),
            (Some(Error), Pending, "task.retry_requested"),
            (Some(Pending), InProgress, "task.start_requested"),
            (Some(InProgress), Complete, "task.completed"),
            (Some(InProgress), Error, "task.failed"),
            (Some(Complete), Cancelled, "task.cancelled"),
            (Some(Error), ResolvedManually, "task.resolved_manually"),
        ] {
            assert_eq!(name(&Change::Task { from, to }), expected, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn a_claim_given_back_is_no_new_step_and_no_retry() {
        use StepState::{Error, InProgress, Pending};
        for (from, expected) in [
            (None, "step.initialize_requested"),
            (Some(Error), "step.retry_requested"),
            (Some(InProgress), "step.released"),
        ] {
            assert_eq!(name(&Change::Step { ordinal: Ordinal(0), from, to: Pending }), expected, "{from:?}");
        }
    }

    #[test]
    fn all_names_are_listed_once() {
        let distinct: std::collections::BTreeSet<_> = NAMES.iter().collect();
        assert_eq!(distinct.len(), NAMES.len());
        assert!(NAMES.iter().all(|name| name.starts_with("task.") || name.starts_with("step.")));
    }
}
