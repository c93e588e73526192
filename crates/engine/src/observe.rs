//! What an engine does, told as it happens to whoever counts it.
//!
//! An [`Observer`] is called where things happen, by the parts that do the work: it must not wait, lock or fail. Without
//! one, nothing is done but an empty call.

use std::time::Duration;

use tasker_core::ids::Ordinal;
use tasker_core::outcome::Outcome;
use tasker_core::plan::Plan;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_store::query::Query;

/// Is told what an engine does. Every method does nothing unless it is written anew.
///
/// Called on the way of every step: an implementation may add to atomic numbers, and should do nothing slower.
pub trait Observer: Send + Sync + 'static {
    /// A task was committed. Not told of tasks inside transactions of embedders, which may still be undone.
    fn task_accepted(&self, _plan: &Plan) {}

    /// A request for a task was refused, and not because the database failed. There is no plan where no definition was found
    /// for it.
    fn task_rejected(&self, _plan: Option<&Plan>) {}

    /// States of a task and its steps changed, in this order, in one transaction. Told of every transaction of this process
    /// but those of embedders and of repairs.
    fn states_changed(&self, _plan: &Plan, _changes: &[Change]) {}

    /// A task that was open ended in this state. `lasted` is the time from its creation.
    fn task_ended(&self, _plan: &Plan, _state: TaskState, _lasted: Duration) {}

    /// A task began, or began again after it was opened again: its first step was claimed. That step was due for as long as
    /// `waited` before.
    fn task_started(&self, _plan: &Plan, _waited: Duration) {}

    /// An execution of a step began; `attempt` is its number, from 1. It was due for as long as `waited` before it was
    /// claimed.
    fn attempt_started(&self, _plan: &Plan, _step: Ordinal, _attempt: u32, _waited: Duration) {}

    /// A handler returned, or was ended, after this time. Its outcome is not committed yet, and may turn out stale.
    fn attempt_ended(&self, _plan: &Plan, _step: Ordinal, _is_success: bool, _took: Duration) {}

    /// The outcome of a claim of this worker was committed. `retry_in` is the time until the step is tried again, if it is.
    fn outcome_settled(
        &self,
        _plan: &Plan,
        _step: Ordinal,
        _outcome: &Outcome,
        _state: StepState,
        _retry_in: Option<Duration>,
    ) {
    }

    /// An outcome came too late: the claim was no longer held.
    fn outcome_stale(&self) {}

    /// The claim of a lost worker was settled.
    fn lease_expired(&self) {}

    /// So many items were committed in one transaction, which took this long.
    fn committed(&self, _kind: CommitKind, _items: usize, _took: Duration) {}

    /// A call of the store ended, well or not, after this time. One that nobody waits for any more is not told.
    fn queried(&self, _query: Query, _took: Duration) {}

    /// The call took longer than [`crate::EngineOptions::slow_after`].
    fn query_was_slow(&self, _query: Query) {}
}

/// What a transaction was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitKind {
    /// Tasks were accepted.
    Accept,
    /// Outcomes and operators' actions were settled.
    Settle,
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
