//! The reasons there are.

use serde::Serialize;

use crate::ids::WorkerId;
use crate::names::{HandlerName, StepName};
use crate::outcome::StepError;
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// Why a step or a task stands where it stands. The code is the name in snake case.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Parents are not done yet.
    WaitingForSteps {
        /// These parents.
        steps: Vec<StepName>,
    },
    /// It failed and will be tried again.
    BackingOff {
        /// Not before.
        until: Timestamp,
        /// Executions so far.
        attempts: u32,
        /// Most executions in all.
        retry_limit: u32,
        /// Why it failed.
        error: Option<LastError>,
    },
    /// It is due, but no live worker serves its handler.
    NoWorker {
        /// The handler.
        handler: HandlerName,
    },
    /// A worker runs it.
    Running {
        /// Which worker.
        worker: WorkerId,
        /// Since when.
        since: Timestamp,
        /// Which execution, from 1.
        attempt: u32,
    },
    /// It was asked not to start before an instant.
    NotBefore {
        /// That instant.
        until: Timestamp,
    },
    /// The steps of its task run one at a time, and another one's turn is now.
    WaitingForTurn {
        /// That step.
        behind: StepName,
    },
    /// It is due and served: the next free slot of a worker takes it.
    WaitingForSlot {
        /// Due since.
        since: Timestamp,
    },
    /// It failed as often as it may.
    Exhausted {
        /// Executions so far.
        attempts: u32,
        /// Most executions in all.
        retry_limit: u32,
        /// Why it failed the last time.
        error: Option<LastError>,
    },
    /// It failed in a way that forbids another execution.
    PermanentFailure {
        /// Executions so far.
        attempts: u32,
        /// Most executions in all.
        retry_limit: u32,
        /// Why it failed.
        error: Option<LastError>,
    },
    /// A step before it failed for good or was cancelled.
    BlockedByStep {
        /// That step.
        step: StepName,
        /// Its state.
        state: StepState,
        /// Why it failed, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<LastError>,
        /// Whether it used up its executions, so that a retry must allow more.
        #[serde(skip)]
        needs_more: bool,
    },
    /// The task ended with steps that are not done.
    BlockedByFailures {
        /// The steps that failed or were cancelled.
        steps: Vec<StepName>,
    },
    /// It was cancelled.
    Cancelled {
        /// By whom.
        by: Option<String>,
        /// When.
        at: Option<Timestamp>,
    },
    /// Its task ended.
    TaskEnded {
        /// In this state.
        state: TaskState,
        /// When.
        at: Option<Timestamp>,
    },
    /// It is done.
    Done {
        /// `complete` or `resolved_manually`.
        state: StepState,
        /// When.
        at: Option<Timestamp>,
    },
    /// The rows contradict each other.
    Inconsistent,
}

/// The failure of an execution, in short.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LastError {
    /// Kind of error.
    pub class: String,
    /// Stable code.
    pub code: String,
    /// What went wrong.
    pub message: String,
}

impl From<&StepError> for LastError {
    fn from(error: &StepError) -> Self {
        Self { class: error.class.clone(), code: error.code.clone(), message: error.message.clone() }
    }
}

impl Reason {
    /// Whether the step does not run again unless somebody acts on it.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Exhausted { .. } | Self::PermanentFailure { .. } | Self::Cancelled { .. })
            || matches!(self, Self::TaskEnded { .. })
    }

    /// Whether acting on it takes a task that is open or can be opened again.
    pub(super) fn needs_open_task(&self) -> bool {
        matches!(self, Self::Exhausted { .. } | Self::PermanentFailure { .. } | Self::BlockedByStep { .. })
    }

    /// Whether the step used up its executions.
    pub(super) fn is_exhausted(&self) -> bool {
        match self {
            Self::Exhausted { .. } => true,
            Self::PermanentFailure { attempts, retry_limit, .. } => attempts >= retry_limit,
            _ => false,
        }
    }

    /// Which scheduled step tells most about its task, smallest first; `None` for one that is not scheduled.
    pub(super) fn urgency(&self) -> Option<(u8, Timestamp)> {
        match self {
            Self::Running { since, .. } => Some((0, *since)),
            Self::WaitingForSlot { since } => Some((1, *since)),
            Self::BackingOff { until, .. } | Self::NotBefore { until } => Some((2, *until)),
            Self::NoWorker { .. } => Some((3, Timestamp::default())),
            _ => None,
        }
    }
}
