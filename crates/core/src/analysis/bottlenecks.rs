//! The steps that hinder a task: those that failed, those that run, but badly, and those that wait for a cancelled step,
//! for ever. A step that merely waits for others is none, and neither is one that is done or cancelled.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::standing::{Row, Standing};
use super::words::{BottleneckType, Grade, OverallImpact, percentage};
use crate::execution::HealthStatus;
use crate::graph::Reach;
use crate::names::StepName;
use crate::state::StepState;
use crate::text::counted;

/// Most bottlenecks that are listed.
pub const MAX_BOTTLENECKS: usize = 10;

/// Failed attempts from which on a running step is a bottleneck.
const MANY_FAILURES: u64 = 2;

/// What hinders a task. Counts and sums are of all bottlenecks, also of those that are not listed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bottlenecks {
    /// How many there are.
    pub total_bottlenecks: u64,
    /// How many of them are critical.
    pub critical_bottlenecks: u64,
    /// Steps that wait for them, added up over these.
    pub total_blocked_steps: u64,
    /// By score, highest first, at most [`MAX_BOTTLENECKS`].
    pub bottlenecks: Vec<Bottleneck>,
    /// Whether failures hinder the task.
    pub task_health: HealthStatus,
    /// Share of steps that are done, 0 to 100, two decimals.
    pub task_completion: f64,
    /// Share of steps in error, 0 to 100, one decimal.
    pub failed_steps_ratio: f64,
    /// How much they hinder it together.
    pub overall_impact: OverallImpact,
}

/// A step that hinders its task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bottleneck {
    /// Its name.
    pub step_id: StepName,
    /// Its name.
    pub step_name: StepName,
    /// Its state.
    pub current_state: StepState,
    /// Executions so far.
    pub attempts: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether every parent is done.
    pub dependencies_satisfied: bool,
    /// Steps that wait for it, directly or not.
    pub downstream_steps_count: u64,
    /// How many of these have a parent that is not done.
    pub blocked_downstream_count: u64,
    /// How much it weighs.
    pub impact_score: u64,
    /// How severe that is.
    pub severity: Grade,
    /// What kind it is.
    pub bottleneck_type: BottleneckType,
    /// What to do, in words.
    pub resolution_strategy: Cow<'static, str>,
    /// When it may be over, in words.
    pub estimated_resolution_time: String,
}

impl Bottlenecks {
    pub(super) fn of(standing: &Standing<'_>, reach: &[Reach]) -> Self {
        let mut all: Vec<Bottleneck> = standing
            .rows
            .iter()
            .filter(|row| is_candidate(row))
            .map(|row| Bottleneck::of(standing, row, reach[row.ordinal().index()]))
            .collect();
        all.sort_by_key(|bottleneck| Reverse(bottleneck.impact_score));
        let execution = &standing.execution;
        Self {
            total_bottlenecks: all.len() as u64,
            critical_bottlenecks: count(&all, Grade::Critical),
            total_blocked_steps: all.iter().map(|bottleneck| bottleneck.blocked_downstream_count).sum(),
            overall_impact: overall(&all, execution.failed_steps > execution.total_steps / 2),
            task_health: execution.health_status,
            task_completion: execution.completion_percentage,
            failed_steps_ratio: percentage(execution.failed_steps, execution.total_steps),
            bottlenecks: {
                all.truncate(MAX_BOTTLENECKS);
                all
            },
        }
    }

    /// Whether one of them is high or worse.
    pub(super) fn has_severe(&self) -> bool {
        self.bottlenecks.iter().any(|bottleneck| bottleneck.severity >= Grade::High)
    }
}

/// Whether a step hinders its task.
pub(super) fn is_candidate(row: &Row) -> bool {
    match row.readiness.current_state {
        StepState::Error => true,
        StepState::InProgress => row.is_overdue || failed_attempts(row) >= MANY_FAILURES,
        StepState::Pending => row.is_cut_off,
        StepState::Complete | StepState::Cancelled | StepState::ResolvedManually => false,
    }
}

/// A running step's last attempt has not failed yet.
fn failed_attempts(row: &Row) -> u64 {
    row.attempts().saturating_sub(1)
}

fn count(all: &[Bottleneck], grade: Grade) -> u64 {
    all.iter().filter(|bottleneck| bottleneck.severity == grade).count() as u64
}

fn overall(all: &[Bottleneck], most_failed: bool) -> OverallImpact {
    match (count(all, Grade::Critical), count(all, Grade::High), all.len()) {
        (_, _, 0) => OverallImpact::None,
        (3.., _, _) => OverallImpact::Severe,
        _ if most_failed => OverallImpact::Severe,
        (1.., _, _) | (_, 3.., _) => OverallImpact::High,
        (_, 1.., _) | (_, _, 5..) => OverallImpact::Medium,
        _ => OverallImpact::Low,
    }
}

impl Bottleneck {
    fn of(standing: &Standing<'_>, row: &Row, reach: Reach) -> Self {
        let impact_score = impact(standing, row, reach);
        Self {
            step_id: row.name(),
            step_name: row.name(),
            current_state: row.readiness.current_state,
            attempts: row.readiness.attempts,
            retry_limit: row.readiness.retry_limit,
            dependencies_satisfied: row.readiness.dependencies_satisfied,
            downstream_steps_count: reach.all.into(),
            blocked_downstream_count: reach.marked.into(),
            impact_score,
            severity: standing.grade(impact_score),
            bottleneck_type: kind(row),
            resolution_strategy: resolution(kind(row)).into(),
            estimated_resolution_time: resolution_time(standing, row),
        }
    }
}

fn impact(standing: &Standing<'_>, row: &Row, reach: Reach) -> u64 {
    let weights = standing.weights;
    let penalties = &weights.penalty_constants;
    let waiting = f64::from(reach.all) * f64::from(weights.impact_multipliers.downstream_weight)
        + f64::from(reach.marked) * f64::from(weights.impact_multipliers.blocked_weight);
    let penalty = row.attempts() as f64 * f64::from(penalties.retry_instability)
        + f64::from(u8::from(!row.readiness.retry_eligible)) * f64::from(penalties.non_retryable)
        + f64::from(u8::from(row.is_exhausted())) * f64::from(penalties.exhausted_retry);
    (waiting * multiplier(standing, row) + penalty).round() as u64
}

fn multiplier(standing: &Standing<'_>, row: &Row) -> f64 {
    let multipliers = &standing.weights.severity_multipliers;
    match row.readiness.current_state {
        StepState::Error if row.is_exhausted() => multipliers.error_state + multipliers.exhausted_retry_bonus,
        StepState::Error => multipliers.error_state,
        StepState::Pending => multipliers.dependency_issue,
        _ => 1.0,
    }
}

fn kind(row: &Row) -> BottleneckType {
    if row.in_error() && row.is_exhausted() {
        BottleneckType::PermanentFailure
    } else if row.failed_for_good() {
        BottleneckType::NonRetryable
    } else if row.in_error() {
        BottleneckType::ActiveError
    } else if row.is_cut_off {
        BottleneckType::DependencyBlock
    } else if failed_attempts(row) >= MANY_FAILURES {
        BottleneckType::RetryExhaustion
    } else {
        BottleneckType::Overdue
    }
}

fn resolution(kind: BottleneckType) -> &'static str {
    match kind {
        BottleneckType::PermanentFailure => "Manual intervention required",
        BottleneckType::NonRetryable | BottleneckType::ActiveError => "Investigate error cause",
        BottleneckType::DependencyBlock => "Check upstream dependencies",
        BottleneckType::RetryExhaustion => "Monitor retry attempts",
        BottleneckType::Overdue => "Check the worker that runs it",
    }
}

fn resolution_time(standing: &Standing<'_>, row: &Row) -> String {
    let wait = row.readiness.next_retry_at.map_or(Duration::ZERO, |at| at.since(standing.now));
    if row.failed_for_good() || (row.in_error() && !standing.is_open) {
        "Immediate action needed".into()
    } else if row.in_error() && !wait.is_zero() {
        counted(wait.as_secs().div_ceil(60).max(1), "minute")
    } else if row.in_error() {
        "Within next retry cycle".into()
    } else if row.is_cut_off {
        "Depends on upstream steps".into()
    } else {
        "Unknown".into()
    }
}
