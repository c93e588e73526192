//! The steps that failed, and how much waits for each of them.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::critical_paths::remaining_attempts;
use super::standing::{Row, Standing};
use super::words::{Grade, Strategy, percentage};
use crate::execution::HealthStatus;
use crate::graph::Reach;
use crate::names::StepName;
use crate::text::counted;
use crate::time::Timestamp;

/// Most failed steps that are listed one by one.
pub const MAX_ERROR_CHAINS: usize = 100;

/// Most steps that are listed as waiting for one of them.
pub const MAX_LISTED_DOWNSTREAM: usize = 1_000;

/// Most failed steps that are told to be looked at first.
pub const MAX_PRIORITIES: usize = 3;

/// The failures of a task. Counts and sums are of all of them, also of those that are not listed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ErrorChains {
    /// Steps in error.
    pub total_error_steps: u64,
    /// All steps.
    pub total_steps: u64,
    /// Share of the first in the second, 0 to 100, one decimal.
    pub error_percentage: f64,
    /// Steps that wait for failed ones, added up over these: one that waits for two counts twice.
    pub total_blocked_by_errors: u64,
    /// The first of `error_chains`.
    pub most_critical_error: Option<ErrorChain>,
    /// The failed steps, by impact, highest first, at most [`MAX_ERROR_CHAINS`].
    pub error_chains: Vec<ErrorChain>,
    /// Which of them to look at first, at most [`MAX_PRIORITIES`].
    pub recovery_priority: Vec<RecoveryPriority>,
    /// Whether failures hinder the task.
    pub task_health: HealthStatus,
}

/// A step that failed, and what waits for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ErrorChain {
    /// Its name.
    pub error_step_id: StepName,
    /// Its name.
    pub error_step_name: StepName,
    /// Executions so far.
    pub error_attempts: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether it is tried again.
    pub retry_analysis: RetryAnalysis,
    /// Steps that wait for it, directly or not, in document order, at most [`MAX_LISTED_DOWNSTREAM`].
    pub downstream_steps: Vec<StepName>,
    /// How many of all of them have a parent that is not done.
    pub blocked_downstream_steps: u64,
    /// How many they are.
    pub total_downstream_steps: u64,
    /// How much the failure weighs.
    pub total_impact: u64,
    /// What helps.
    pub recovery_strategies: Vec<RecoveryStrategy>,
}

/// Whether a failed step is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetryAnalysis {
    /// Whether its attempts are used up.
    pub exhausted: bool,
    /// Attempts that are left of the limit.
    pub remaining_attempts: u64,
    /// Whether it waits for its next attempt.
    pub in_backoff: bool,
    /// When it is due again.
    pub next_retry_at: Option<Timestamp>,
    /// Whether another attempt is allowed.
    pub retryable: bool,
}

/// Something that helps a failed step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecoveryStrategy {
    /// What.
    pub strategy: Strategy,
    /// How urgent it is.
    pub priority: Grade,
    /// In words.
    pub description: String,
}

/// A failed step to look at first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecoveryPriority {
    /// The step.
    pub step_name: StepName,
    /// How severe its impact is.
    pub priority_level: Grade,
    /// Why, in words.
    pub reason: String,
    /// The first of its strategies.
    pub recommended_action: Strategy,
}

impl ErrorChains {
    pub(super) fn of(standing: &Standing<'_>, reach: &[Reach]) -> Self {
        let mut failed: Vec<Failed<'_>> = standing
            .rows
            .iter()
            .filter(|row| row.in_error())
            .map(|row| Failed::of(standing, row, reach))
            .collect();
        failed.sort_by_key(|failed| Reverse(failed.impact));
        let listed: Vec<_> =
            failed.iter().take(MAX_ERROR_CHAINS).map(|failed| failed.chain(standing)).collect();
        let execution = &standing.execution;
        Self {
            total_error_steps: execution.failed_steps,
            total_steps: execution.total_steps,
            error_percentage: percentage(execution.failed_steps, execution.total_steps),
            total_blocked_by_errors: failed.iter().map(|failed| u64::from(failed.reach.marked)).sum(),
            most_critical_error: listed.first().cloned(),
            recovery_priority: failed
                .iter()
                .take(MAX_PRIORITIES)
                .map(|failed| failed.priority(standing))
                .collect(),
            error_chains: listed,
            task_health: execution.health_status,
        }
    }
}

/// A failed step that is not written out yet.
struct Failed<'a> {
    row: &'a Row,
    reach: Reach,
    impact: u64,
}

impl<'a> Failed<'a> {
    fn of(standing: &Standing<'_>, row: &'a Row, reach: &[Reach]) -> Self {
        let reach = reach[row.ordinal().index()];
        let weights = &standing.weights;
        let exhausted = u64::from(row.is_exhausted()) * u64::from(weights.penalty_constants.exhausted_retry);
        let impact = u64::from(reach.marked) * u64::from(weights.impact_multipliers.blocked_weight)
            + u64::from(reach.all) * u64::from(weights.impact_multipliers.downstream_weight)
            + exhausted;
        let instability = row.attempts().saturating_mul(weights.penalty_constants.retry_instability.into());
        Self { row, reach, impact: instability.saturating_add(impact) }
    }

    fn chain(&self, standing: &Standing<'_>) -> ErrorChain {
        let readiness = &self.row.readiness;
        let downstream = standing.graph().descendants(self.row.ordinal());
        ErrorChain {
            error_step_id: self.row.name(),
            error_step_name: self.row.name(),
            error_attempts: readiness.attempts,
            retry_limit: readiness.retry_limit,
            retry_analysis: RetryAnalysis {
                exhausted: self.row.is_exhausted(),
                remaining_attempts: remaining_attempts(self.row),
                in_backoff: self.backoff_end(standing).is_some(),
                next_retry_at: readiness.next_retry_at,
                retryable: readiness.retry_eligible,
            },
            downstream_steps: standing.names(downstream.into_iter().take(MAX_LISTED_DOWNSTREAM)),
            blocked_downstream_steps: self.reach.marked.into(),
            total_downstream_steps: self.reach.all.into(),
            total_impact: self.impact,
            recovery_strategies: self.strategies(standing),
        }
    }

    fn priority(&self, standing: &Standing<'_>) -> RecoveryPriority {
        let blocked = counted(self.reach.marked.into(), "downstream step");
        let strategies = self.strategies(standing);
        RecoveryPriority {
            step_name: self.row.name(),
            priority_level: standing.grade(self.impact),
            reason: format!("Blocking {blocked}"),
            recommended_action: strategies
                .first()
                .map_or(Strategy::InvestigateRootCause, |first| first.strategy),
        }
    }

    /// When its wait ends, if it still waits and its task lets it.
    fn backoff_end(&self, standing: &Standing<'_>) -> Option<Timestamp> {
        self.row.readiness.next_retry_at.filter(|at| standing.is_open && *at > standing.now)
    }

    fn strategies(&self, standing: &Standing<'_>) -> Vec<RecoveryStrategy> {
        let with = |strategy, priority, description| RecoveryStrategy { strategy, priority, description };
        let attempts = counted(self.row.attempts(), "attempt");
        if self.row.is_exhausted() {
            let by_hand =
                format!("It failed after {attempts}; if its work is done otherwise, resolve it by hand");
            let more = "Remove the cause, then allow it more attempts".into();
            return vec![
                with(Strategy::ManualResolution, Grade::High, by_hand),
                with(Strategy::IncreaseRetryLimit, Grade::Medium, more),
            ];
        }
        if let Some(at) = self.backoff_end(standing) {
            return vec![with(Strategy::WaitForBackoff, Grade::Low, format!("It is tried again at {at}"))];
        }
        let cause = if !standing.is_open {
            format!("It is not tried again, because the task ended: {}", standing.execution.status)
        } else if self.row.readiness.retry_eligible {
            let left = counted(remaining_attempts(self.row), "attempt");
            return vec![with(
                Strategy::MonitorRetries,
                Grade::Medium,
                format!("It is due again; {left} left"),
            )];
        } else {
            "It must not be tried again by itself: remove the cause, then retry or resolve it".into()
        };
        vec![with(Strategy::InvestigateRootCause, Grade::High, cause)]
    }
}
