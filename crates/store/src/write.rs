//! Writing tasks: submissions, and the one path by which tasks change.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::decide::{Answer, ClaimBudget, Input, Rejection, Rules, Submission};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Change, Claim, TaskRecord, Transition};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

/// Most bytes of results that come with one claim; more is the permanent failure `input_too_large`.
pub const MAX_INPUT_BYTES: usize = 64 * 1024 * 1024;

/// Tasks to accept, in one transaction.
#[derive(Clone, Debug)]
pub struct SubmitBatch {
    /// The requests. An id or an identity that stands twice in the batch is decided in this order.
    pub submissions: Vec<Submission>,
    /// Settings of the decisions.
    pub rules: Arc<Rules>,
    /// What the submitting worker can start at once; `None` claims nothing.
    pub budget: Option<ClaimBudget>,
    /// Whether they stand together: unless every one of them is accepted, none is ([`crate::StoreError::Withheld`]).
    pub together: bool,
}

impl SubmitBatch {
    /// Requests that are decided each by itself, and of which nothing is claimed.
    pub fn of(submissions: impl IntoIterator<Item = Submission>, rules: Arc<Rules>) -> Self {
        Self { submissions: submissions.into_iter().collect(), rules, budget: None, together: false }
    }

    /// Whether nothing of it may be stored, now that these are the answers.
    pub fn is_withheld(&self, answers: &[SubmitAnswer]) -> bool {
        self.together && !answers.iter().all(|answer| matches!(answer, SubmitAnswer::Accepted { .. }))
    }
}

/// What came of a [`SubmitBatch`].
#[derive(Debug)]
pub struct Submitted {
    /// One answer per submission, in order.
    pub answers: Vec<SubmitAnswer>,
    /// Steps that were claimed, ready to run.
    pub work: Vec<Work>,
    /// What the log says of the tasks that were stored.
    pub logged: Vec<Logged>,
    /// The store's time of the transaction.
    pub now: Timestamp,
}

/// What came of one submission.
#[derive(Clone, PartialEq, Debug)]
pub enum SubmitAnswer {
    /// The task was stored.
    Accepted {
        /// Its state: `complete` already if every step was bypassed.
        state: TaskState,
    },
    /// The same request was stored under this id before.
    AlreadyAccepted,
    /// Another request is stored under this id.
    IdConflict,
    /// An equal request was accepted: `identity_hash: duplicate_request`.
    Duplicate {
        /// As this task.
        of: TaskId,
    },
    /// A transaction that has not ended holds an equal identity or this id: nothing is stored. What comes of it is known
    /// when that transaction has ended; to be tried again, by itself.
    Blocked,
    /// The plan is not the latest version any more: resolve again.
    NotLatest,
    /// A rule said no: the definition is retired, the identity strategy failed, ...
    Refused(Rejection),
}

/// Changes to tasks, in one transaction.
#[derive(Clone, Debug)]
pub struct ApplyBatch {
    /// What happened, to which task. Inputs for one task are decided in this order.
    pub inputs: Vec<(TaskId, Input)>,
    /// Settings of the decisions.
    pub rules: Arc<Rules>,
    /// What the worker can start; `None` claims nothing.
    pub claiming: Option<Claiming>,
}

/// How a batch claims.
#[derive(Clone, Debug)]
pub struct Claiming {
    /// Free slots, per handler too. Steps that become free by this batch are claimed for it (continuation).
    pub budget: ClaimBudget,
    /// Whether due steps of any task are claimed from the queue besides.
    pub from_queue: FromQueue,
}

/// When a batch claims from the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromQueue {
    /// Not at all: continuation only.
    Never,
    /// With the slots that continuation leaves.
    Last,
    /// Before continuation, so that a busy worker's own chains starve nobody.
    First,
}

/// What came of an [`ApplyBatch`].
#[derive(Debug)]
pub struct Applied {
    /// One answer per input, in order. An input for an unknown task: `Stale`, for an operator `not_found`.
    pub answers: Vec<Answer>,
    /// Steps that were claimed, ready to run.
    pub work: Vec<Work>,
    /// Tasks that stopped being open by this batch.
    pub ended: Vec<Ended>,
    /// What the log says of this batch.
    pub logged: Vec<Logged>,
    /// After a claim from the queue that left slots free: when the next served step is due, if any is scheduled.
    pub next_due: Option<Timestamp>,
    /// The store's time of the transaction.
    pub now: Timestamp,
}

/// A task that stopped being open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// The task.
    pub task: TaskId,
    /// Its state.
    pub state: TaskState,
    /// Time from its creation.
    pub lasted: Duration,
}

/// The changes of the states of a task and its steps that one batch wrote into the log, in their order.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The task.
    pub task: TaskId,
    /// Its definition.
    pub plan: Arc<Plan>,
    /// What changed; never empty.
    pub changes: Vec<Change>,
}

impl Logged {
    /// What these entries of a task tell, if there are any.
    pub fn of(task: TaskId, plan: &Arc<Plan>, entries: &[Transition]) -> Option<Self> {
        let changes = || entries.iter().map(|entry| entry.change).collect();
        (!entries.is_empty()).then(|| Self { task, plan: plan.clone(), changes: changes() })
    }
}

/// A claimed step with everything its handler needs.
#[derive(Clone, Debug)]
pub struct Work {
    /// The claim.
    pub claim: Claim,
    /// The definition.
    pub plan: Arc<Plan>,
    /// The task's context.
    pub context: Payload,
    /// What ties the task to whatever caused it.
    pub correlation_id: Option<String>,
    /// The step's own inputs, if an operator edited them.
    pub inputs: Option<Payload>,
    /// Results of the steps in [`Plan::reads`], in that order; `None` for one that has no result.
    pub results: Results,
}

/// The results that come with a claim.
#[derive(Clone, Debug)]
pub enum Results {
    /// Here they are.
    Loaded(Vec<(Ordinal, Option<Payload>)>),
    /// Together they are more than [`MAX_INPUT_BYTES`].
    TooLarge,
}

/// What to delete (`engine.md` 8).
#[derive(Clone, Debug)]
pub struct Prune {
    /// Tasks that ended before now minus this.
    pub finished_before: Duration,
    /// Only count.
    pub dry_run: bool,
    /// Most tasks in one call.
    pub batch: usize,
}

/// What was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Tasks (all that would be, on a dry run).
    pub tasks: u64,
    /// Whether more are left.
    pub more: bool,
}

impl From<&TaskRecord> for Ended {
    fn from(record: &TaskRecord) -> Self {
        Self { task: record.id, state: record.state, lasted: record.lasted() }
    }
}
