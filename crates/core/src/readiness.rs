//! Which steps of a task may run, and what keeps the others: the read model of `spec/domain.md` 4.1 and 4.2.
//!
//! There is one wait, stored when a step failed; nothing is computed from the number of attempts.

use serde::{Deserialize, Serialize};

use crate::ids::{Ordinal, TaskId};
use crate::names::StepName;
use crate::plan::Plan;
use crate::record::{StepRecord, TaskRecord};
use crate::state::StepState;
use crate::time::Timestamp;

/// One step, as the rules of readiness see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepReadiness {
    /// The task.
    pub task_id: TaskId,
    /// The step.
    pub step_name: StepName,
    /// Its position in the definition.
    pub ordinal: Ordinal,
    /// Its state.
    pub current_state: StepState,
    /// Whether every parent is done.
    pub dependencies_satisfied: bool,
    /// Whether another execution is allowed: below the limit, and retryable or never tried.
    pub retry_eligible: bool,
    /// Whether it may start now.
    pub ready_for_execution: bool,
    /// When it failed, if it is in error.
    pub last_failure_at: Option<Timestamp>,
    /// When it is due again, if it is in error and may be tried again.
    pub next_retry_at: Option<Timestamp>,
    /// How many parents it has.
    pub total_parents: u32,
    /// How many of them are done.
    pub completed_parents: u32,
    /// Executions so far.
    pub attempts: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// The stored wait, in seconds.
    pub backoff_request_seconds: Option<u32>,
    /// When its last execution ended.
    pub last_attempted_at: Option<Timestamp>,
    /// Why it is not ready; `None` if it is.
    pub blocking_reason: Option<BlockingReason>,
    /// Whole seconds until it is due; 0 if it is ready, `None` if no time can be told.
    pub time_until_ready: Option<u64>,
    /// `no_dependencies`, `all_satisfied`, or `<done>/<total>_satisfied`.
    pub dependency_status: String,
    /// What its attempts allow.
    pub retry_status: RetryStatus,
    /// Whether a wait is stored.
    pub backoff_type: BackoffType,
    /// The stored wait in seconds, 0 if there is none.
    pub effective_backoff_seconds: u32,
    /// Yes-or-no questions about it.
    pub predicates: Predicates,
}

/// Why a step is not ready; the first that applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockingReason {
    /// A parent is not done.
    DependenciesNotSatisfied,
    /// No further execution is allowed.
    RetryNotEligible,
    /// It is neither pending nor in error.
    InvalidState,
    /// Its wait is not over.
    InBackoff,
    /// Nothing of its own: its task is not open.
    Unknown,
}

/// What the attempts of a step allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryStatus {
    /// The limit is reached.
    MaxRetriesReached,
    /// Another execution is allowed.
    RetryEligible,
    /// Below the limit, but its last failure forbids another execution.
    WaitingForBackoff,
}

/// Where the wait of a step comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackoffType {
    /// It was stored when the last execution failed.
    ExplicitBackoff,
    /// There is none.
    NoBackoff,
}

/// Yes-or-no questions about a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Predicates {
    /// Done: complete or resolved manually.
    pub complete: bool,
    /// In progress.
    pub in_progress: bool,
    /// Pending.
    pub pending: bool,
    /// In error.
    pub in_error: bool,
    /// Cancelled.
    pub cancelled: bool,
    /// In a state from which it may start.
    pub ready_status: bool,
    /// Executed at least once.
    pub has_retried: bool,
    /// The limit is reached.
    pub exhausted: bool,
    /// Due again, but later.
    pub waiting_for_backoff: bool,
    /// In error, and nothing keeps it from being tried again.
    pub can_retry_now: bool,
    /// Without parents.
    pub root: bool,
    /// Without children.
    pub leaf: bool,
}

/// The readiness of a task's steps, in document order. `only` chooses steps by name; an empty list chooses none, and
/// names that are no steps are left out.
pub fn step_readiness<'a>(
    plan: &Plan,
    task: &TaskRecord,
    steps: impl IntoIterator<Item = &'a StepRecord>,
    only: Option<&[StepName]>,
    now: Timestamp,
) -> Vec<StepReadiness> {
    let chosen = |step: &&StepRecord| only.is_none_or(|names| names.contains(plan.name(step.ordinal)));
    let mut rows: Vec<_> =
        steps.into_iter().filter(chosen).map(|step| StepReadiness::of(plan, task, step, now)).collect();
    rows.sort_by_key(|row| row.ordinal);
    rows
}

/// The readiness of one step.
pub fn readiness_of(plan: &Plan, task: &TaskRecord, step: &StepRecord, now: Timestamp) -> StepReadiness {
    StepReadiness::of(plan, task, step, now)
}

/// Whether a step may start now (`spec/domain.md` 4.1, Build). A task that is not open has no ready step.
pub fn is_ready(task: &TaskRecord, step: &StepRecord, now: Timestamp) -> bool {
    task.state.is_open() && blocking_reason(step, now).is_none()
}

fn blocking_reason(step: &StepRecord, now: Timestamp) -> Option<BlockingReason> {
    if step.waits > 0 {
        Some(BlockingReason::DependenciesNotSatisfied)
    } else if !step.retry_eligible() {
        Some(BlockingReason::RetryNotEligible)
    } else if !may_start(step.state) {
        Some(BlockingReason::InvalidState)
    } else if wait_ends(step).is_some_and(|end| end > now) {
        Some(BlockingReason::InBackoff)
    } else {
        None
    }
}

fn may_start(state: StepState) -> bool {
    matches!(state, StepState::Pending | StepState::Error)
}

fn wait_ends(step: &StepRecord) -> Option<Timestamp> {
    Some(step.last_attempted_at?.plus_seconds(step.backoff_seconds?.into()))
}

impl StepReadiness {
    fn of(plan: &Plan, task: &TaskRecord, step: &StepRecord, now: Timestamp) -> Self {
        let total_parents = plan.graph.parents(step.ordinal).len() as u32;
        let ready = is_ready(task, step, now);
        let next_retry_at = step.next_retry_at();
        Self {
            task_id: task.id,
            step_name: plan.name(step.ordinal).clone(),
            ordinal: step.ordinal,
            current_state: step.state,
            dependencies_satisfied: step.waits == 0,
            retry_eligible: step.retry_eligible(),
            ready_for_execution: ready,
            last_failure_at: step.last_attempted_at.filter(|_| step.state == StepState::Error),
            next_retry_at,
            total_parents,
            completed_parents: total_parents.saturating_sub(step.waits),
            attempts: step.attempts,
            retry_limit: step.retry_limit,
            backoff_request_seconds: step.backoff_seconds,
            last_attempted_at: step.last_attempted_at,
            blocking_reason: if ready {
                None
            } else {
                blocking_reason(step, now).or(Some(BlockingReason::Unknown))
            },
            time_until_ready: if ready { Some(0) } else { next_retry_at.map(|at| at.since(now).as_secs()) },
            dependency_status: dependency_status(total_parents, step.waits),
            retry_status: retry_status(step),
            backoff_type: match wait_ends(step) {
                Some(_) => BackoffType::ExplicitBackoff,
                None => BackoffType::NoBackoff,
            },
            effective_backoff_seconds: step.backoff_seconds.unwrap_or(0),
            predicates: Predicates::of(plan, step, now),
        }
    }
}

impl Predicates {
    fn of(plan: &Plan, step: &StepRecord, now: Timestamp) -> Self {
        let waiting = step.next_retry_at().is_some_and(|at| at > now);
        Self {
            complete: step.state.is_done(),
            in_progress: step.state == StepState::InProgress,
            pending: step.state == StepState::Pending,
            in_error: step.state == StepState::Error,
            cancelled: step.state == StepState::Cancelled,
            ready_status: may_start(step.state),
            has_retried: step.attempts > 0,
            exhausted: step.attempts >= step.retry_limit,
            waiting_for_backoff: waiting,
            can_retry_now: step.state == StepState::Error && step.retry_eligible() && !waiting,
            root: plan.graph.parents(step.ordinal).is_empty(),
            leaf: plan.graph.children(step.ordinal).is_empty(),
        }
    }
}

fn dependency_status(total: u32, waits: u32) -> String {
    match (total, waits) {
        (0, _) => "no_dependencies".into(),
        (_, 0) => "all_satisfied".into(),
        _ => format!("{}/{total}_satisfied", total.saturating_sub(waits)),
    }
}

fn retry_status(step: &StepRecord) -> RetryStatus {
    if step.attempts >= step.retry_limit {
        RetryStatus::MaxRetriesReached
    } else if step.retry_eligible() {
        RetryStatus::RetryEligible
    } else {
        RetryStatus::WaitingForBackoff
    }
}

#[cfg(test)]
mod tests;
