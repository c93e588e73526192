//! What each event does to a task: the table of `engine.md` 2, and nothing else decides it.
//!
//! A store locks the task, reads what [`needs`] names, makes a [`Workset`] of it, feeds it the inputs, lets it claim
//! what became free, and writes the [`TaskChange`] that [`Workset::finish`] returns: one final value per row.

mod cancel;
mod claim;
mod edit;
mod note;
mod resolve;
mod retry;
mod settle;
mod steps;
mod submit;
mod workset;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use claim::ClaimBudget;
pub use edit::{MAX_RETRY_LIMIT, is_meant};
pub use submit::{NewTask, Submission, submit};
pub use workset::{QueueChange, StepChange, TaskChange, TaskEdit, Workset};

use crate::backoff::BackoffPolicy;
use crate::ids::{Fence, Ordinal, WorkerId};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::plan::Plan;
use crate::record::{Annotation, RowVersion, TaskRecord};
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// Settings that decisions depend on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rules {
    /// How long failed steps wait.
    pub backoff: BackoffPolicy,
}

/// Something that happens to a task.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// An execution ended.
    Settle {
        /// Which step.
        step: Ordinal,
        /// The claim's fence.
        fence: Fence,
        /// How it ended.
        outcome: Outcome,
    },
    /// A claim is returned; its handler was never called.
    GiveBack {
        /// Which step.
        step: Ordinal,
        /// The claim's fence.
        fence: Fence,
    },
    /// A worker takes a due step.
    Claim {
        /// Which step.
        step: Ordinal,
        /// Who.
        worker: WorkerId,
    },
    /// An operator acts.
    Operate {
        /// What is done.
        action: Action,
        /// Who does it.
        actor: String,
        /// Why, if told.
        reason: Option<String>,
        /// The versions of the row acted on (the step's for actions on steps, else the task's) for which this is meant;
        /// `None`: any.
        expected: Option<Vec<RowVersion>>,
    },
}

/// What operators can do to a task (`spec/domain.md` 3.6).
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Cancel the task; one that is cancelled stays as it is.
    CancelTask {
        /// Whether a task that is complete or resolved is cancelled too.
        force: bool,
    },
    /// Cancel a step that is pending or in progress; one that is cancelled stays as it is.
    CancelStep(Ordinal),
    /// Declare a failed task done.
    ResolveTask,
    /// Declare a pending or failed step done.
    ResolveStep {
        /// Which.
        step: Ordinal,
        /// What its dependents shall see as its result.
        results: Option<Payload>,
    },
    /// Try failed steps of a failed task again.
    RetryTask {
        /// Which; empty: all that failed.
        steps: Vec<Ordinal>,
        /// Whether the limit is raised.
        limit: NewLimit,
    },
    /// Try a failed step again.
    RetryStep {
        /// Which.
        step: Ordinal,
        /// Whether the limit is raised.
        limit: NewLimit,
        /// Whether the handler gets a new idempotency key.
        new_idempotency_key: bool,
    },
    /// Change what is told about a task; its identity stays.
    EditTask {
        /// New reason.
        reason: Option<String>,
        /// New labels.
        tags: Option<Vec<String>>,
    },
    /// Add an annotation to the task, whatever its state.
    Annotate(Annotation),
    /// Change a step that is not done.
    EditStep {
        /// Which.
        step: Ordinal,
        /// New limit, 1 to [`MAX_RETRY_LIMIT`], and enough for an execution that is under way or due.
        retry_limit: Option<u32>,
        /// New inputs.
        inputs: Option<Payload>,
    },
}

impl Action {
    /// Whether it changes what is told of a task or step, and no state.
    fn is_edit(&self) -> bool {
        matches!(self, Self::EditTask { .. } | Self::Annotate(_) | Self::EditStep { .. })
    }

    /// The step that is acted on, if it is one.
    fn step(&self) -> Option<Ordinal> {
        match self {
            Self::CancelStep(step)
            | Self::ResolveStep { step, .. }
            | Self::RetryStep { step, .. }
            | Self::EditStep { step, .. } => Some(*step),
            Self::CancelTask { .. }
            | Self::ResolveTask
            | Self::RetryTask { .. }
            | Self::EditTask { .. }
            | Self::Annotate(_) => None,
        }
    }
}

/// What a retry does to the limit of executions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NewLimit {
    /// Nothing.
    #[default]
    Keep,
    /// Sets it.
    Set(u32),
    /// Raises it, where that is needed, so that this many executions more are allowed.
    More(u32),
}

impl NewLimit {
    fn of(self, limit: u32, attempts: u32) -> u32 {
        match self {
            Self::Keep => limit,
            Self::Set(new) => new,
            Self::More(more) => limit.max(attempts.saturating_add(more)),
        }
    }
}

/// What came of an input.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// The outcome was accepted.
    Settled {
        /// The step's state now.
        state: StepState,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// This very outcome was accepted before.
    AlreadySettled,
    /// The claim is no longer held; nothing was written.
    Stale,
    /// The step is claimed.
    Claimed,
    /// The step was not there to be claimed; nothing was written.
    NotClaimable,
    /// Done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// A rule said no; nothing was written.
    Refused(Rejection),
}

/// A rule said no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// Stable code.
    pub code: &'static str,
    /// What was tried on what, and why it cannot be.
    pub message: String,
    /// What to do instead.
    pub help: Option<String>,
    /// The change of a state that was refused, if one was.
    pub change: Option<RefusedChange>,
}

/// A change of a state that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefusedChange {
    /// The state that it is in.
    pub from: &'static str,
    /// The state that it was to change to; `None` where its state was to stay.
    pub to: Option<&'static str>,
}

impl Rejection {
    /// A rule said no.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, change: None }
    }

    /// The same with what to do instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What must be read of a task before its inputs can be decided.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// These steps, with their queue rows.
    pub steps: BTreeSet<Ordinal>,
    /// All steps, with their queue rows.
    pub all: bool,
    /// Besides, the first step in document order that is not among `steps`, has no queue row, and wants one
    /// ([`crate::record::StepRecord::wants_queue_row`]).
    pub first_free: bool,
}

/// Says what must be read, now that the task's row is locked.
pub fn needs(plan: &Plan, task: &TaskRecord, inputs: &[Input]) -> Needs {
    let mut needs = Needs { first_free: !plan.definition.concurrent, ..Needs::default() };
    for input in inputs {
        match input {
            Input::Settle { step, outcome: Outcome::Success(_), .. } => needs.with_children(plan, *step),
            Input::Settle { step, .. } | Input::GiveBack { step, .. } | Input::Claim { step, .. } => {
                needs.steps.insert(*step);
            }
            Input::Operate { action, .. } => needs.of_action(plan, task, action),
        }
    }
    needs
}

impl Needs {
    fn with_children(&mut self, plan: &Plan, step: Ordinal) {
        self.steps.insert(step);
        self.steps.extend(plan.graph.children(step));
    }

    fn of_action(&mut self, plan: &Plan, task: &TaskRecord, action: &Action) {
        match action {
            Action::CancelTask { .. } | Action::RetryTask { .. } => self.all = true,
            Action::ResolveTask | Action::EditTask { .. } | Action::Annotate(_) => {}
            Action::ResolveStep { step, .. } => self.with_children(plan, *step),
            Action::CancelStep(step) | Action::RetryStep { step, .. } | Action::EditStep { step, .. } => {
                self.steps.insert(*step);
            }
        }
        // Reopening a task restores the queue rows of whatever may run, so all of it is looked at.
        let may_reopen = matches!(action, Action::ResolveStep { .. } | Action::RetryStep { .. });
        self.all |= may_reopen && task.state == TaskState::Error;
    }
}
