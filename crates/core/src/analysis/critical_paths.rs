//! The paths from roots to leaves that matter most.
//!
//! The score of a path is a sum over its steps, times a factor that all paths of a task share. So the best paths are
//! found like longest paths, in one walk down the graph, and none but those reported is ever listed.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::standing::{Row, Standing};
use super::words::percentage;
use crate::ids::Ordinal;
use crate::names::StepName;
use crate::readiness::BlockingReason;
use crate::text::counted;

/// Most paths that are reported.
pub const MAX_PATHS: usize = 5;

/// Most paths that are counted.
pub const MAX_COUNTED_PATHS: u64 = 1_000_000;

/// Most bottlenecks that are listed of one path.
pub const MAX_PATH_BOTTLENECKS: usize = 100;

/// Scores are added up in whole numbers, each this part of a point: so nothing is lost by rounding, whatever the order.
const PARTS: i64 = 60;

/// The paths of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CriticalPaths {
    /// How many paths there are, at most [`MAX_COUNTED_PATHS`].
    pub total_paths: u64,
    /// Whether there are more.
    pub total_paths_truncated: bool,
    /// Steps on the longest path.
    pub longest_path_length: u32,
    /// Those with the highest scores, at most [`MAX_PATHS`], highest first.
    pub paths: Vec<CriticalPath>,
    /// Steps that wait for none.
    pub root_nodes: Vec<StepName>,
    /// Steps that none waits for.
    pub leaf_nodes: Vec<StepName>,
}

/// A path from a root to a leaf.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CriticalPath {
    /// Its steps; the id of a step is its name.
    pub path: Vec<StepName>,
    /// How many steps that are.
    pub length: u64,
    /// Their names.
    pub step_names: Vec<StepName>,
    /// Steps that are done.
    pub completed_steps: u64,
    /// Steps with a parent that is not done.
    pub blocked_steps: u64,
    /// Steps in error.
    pub error_steps: u64,
    /// Steps in error that were executed.
    pub retry_steps: u64,
    /// Steps that may start now.
    pub ready_steps: u64,
    /// How long it is taken to last, in seconds.
    pub estimated_duration: u64,
    /// What holds it up, worst first, at most [`MAX_PATH_BOTTLENECKS`].
    pub bottlenecks: Vec<PathBottleneck>,
    /// How much it matters; two decimals.
    pub criticality_score: f64,
    /// Share of its steps that are done, 0 to 100, one decimal.
    pub completion_percentage: f64,
}

/// A step that holds up a path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PathBottleneck {
    /// Its name.
    pub step_id: StepName,
    /// Its name.
    pub step_name: StepName,
    /// Why it does not go on, in words.
    pub reason: String,
    /// How bad it is; grows without limit with the attempts.
    pub severity: u64,
    /// What it holds up, in words.
    pub impact: String,
}

impl CriticalPaths {
    pub(super) fn of(standing: &Standing<'_>) -> Self {
        let graph = standing.graph();
        let shares: Vec<i64> =
            graph.steps().map(|step| standing.row(step).map_or(0, |row| share(standing, row))).collect();
        let paths = graph.heaviest_paths(MAX_PATHS, |step| shares[step.index()]);
        let counted = graph.count_paths_up_to(MAX_COUNTED_PATHS + 1);
        Self {
            total_paths: counted.min(MAX_COUNTED_PATHS),
            total_paths_truncated: counted > MAX_COUNTED_PATHS,
            longest_path_length: standing.levels.iter().max().map_or(0, |highest| highest + 1),
            paths: paths.iter().map(|path| CriticalPath::of(standing, path, &shares)).collect(),
            root_nodes: standing.names(graph.roots()),
            leaf_nodes: standing.names(graph.leaves()),
        }
    }
}

impl CriticalPath {
    fn of(standing: &Standing<'_>, path: &[Ordinal], shares: &[i64]) -> Self {
        let rows: Vec<&Row> = path.iter().filter_map(|step| standing.row(*step)).collect();
        let count = |holds: fn(&Row) -> bool| rows.iter().filter(|row| holds(row)).count() as u64;
        let total = path.iter().fold(0_i64, |sum, step| sum.saturating_add(shares[step.index()]));
        let (length, completed) = (path.len() as u64, count(Row::is_done));
        let names = standing.names(path.iter().copied());
        Self {
            length,
            step_names: names.clone(),
            path: names,
            completed_steps: completed,
            blocked_steps: count(Row::is_blocked),
            error_steps: count(Row::in_error),
            retry_steps: count(is_retry),
            ready_steps: count(Row::is_ready),
            estimated_duration: rows.iter().map(|row| seconds(standing, row)).fold(0, u64::saturating_add),
            bottlenecks: bottlenecks(standing, &rows),
            criticality_score: score(total, standing.execution.completion_percentage),
            completion_percentage: percentage(completed, length),
        }
    }
}

/// What a step adds to the score of its paths, in parts of a point.
fn share(standing: &Standing<'_>, row: &Row) -> i64 {
    let weights = &standing.weights.impact_multipliers;
    let points = |weight: u32| i64::from(weight) * PARTS;
    // Troubles weigh half as much again in a task that is not healthy.
    let trouble = |weight: u32| points(weight) * if standing.execution.is_healthy() { 2 } else { 3 } / 2;
    let mut share = points(weights.path_length_weight);
    share -= i64::from(row.is_done()) * points(weights.completed_penalty);
    share += i64::from(row.is_blocked()) * trouble(weights.blocked_penalty);
    share += i64::from(row.in_error()) * trouble(weights.error_penalty);
    share += i64::from(is_retry(row)) * points(weights.retry_penalty);
    // Two points a minute.
    share.saturating_add(
        i64::try_from(seconds(standing, row)).unwrap_or(i64::MAX).saturating_mul(2 * PARTS / 60),
    )
}

/// How long a step is taken to last.
fn seconds(standing: &Standing<'_>, row: &Row) -> u64 {
    let estimates = &standing.weights.duration_estimates;
    let penalty = u64::from(row.in_error()) * u64::from(estimates.error_penalty_seconds);
    let retries = row.attempts().saturating_mul(estimates.retry_penalty_seconds.into());
    retries.saturating_add(u64::from(estimates.base_step_seconds) + penalty)
}

/// The nearer the task is to its end, the less its paths matter.
fn score(total: i64, completion_percentage: f64) -> f64 {
    let points = (total.max(0)) as f64 / PARTS as f64 * (1.0 - 0.3 * completion_percentage / 100.0);
    (points * 100.0).round() / 100.0
}

fn is_retry(row: &Row) -> bool {
    row.in_error() && row.attempts() > 0
}

fn bottlenecks(standing: &Standing<'_>, rows: &[&Row]) -> Vec<PathBottleneck> {
    let holds_up = |(_, row): &(usize, &&Row)| row.in_error() || row.is_blocked();
    let mut found: Vec<_> = rows.iter().enumerate().filter(holds_up).collect();
    found.sort_by_key(|(_, row)| Reverse(severity(row)));
    found.truncate(MAX_PATH_BOTTLENECKS);
    let bottleneck = |(place, row): (usize, &&Row)| PathBottleneck {
        step_id: row.name(),
        step_name: row.name(),
        reason: reason(standing, row),
        severity: severity(row),
        impact: format!("Blocks {}", counted((rows.len() - place - 1) as u64, "downstream step")),
    };
    found.into_iter().map(bottleneck).collect()
}

fn severity(row: &Row) -> u64 {
    let failed = u64::from(row.in_error()) * 10;
    let spent = u64::from(row.is_exhausted()) * 20;
    failed + 5 * row.attempts() + spent + u64::from(row.is_blocked()) * 5
}

fn reason(standing: &Standing<'_>, row: &Row) -> String {
    let readiness = &row.readiness;
    match (readiness.blocking_reason, readiness.next_retry_at) {
        (Some(BlockingReason::DependenciesNotSatisfied), _) => "Dependencies not satisfied".into(),
        (Some(BlockingReason::RetryNotEligible), _) if row.is_exhausted() => "Exhausted retries".into(),
        (Some(BlockingReason::RetryNotEligible), _) => "Not retryable".into(),
        (Some(BlockingReason::InvalidState), _) => format!("Invalid state: {}", readiness.current_state),
        (Some(BlockingReason::InBackoff), Some(at)) => format!("In backoff until {at}"),
        (Some(BlockingReason::InBackoff), None) => "In backoff".into(),
        (Some(BlockingReason::Unknown), _) => format!("The task ended: {}", standing.execution.status),
        (None, _) => format!("Retry pending, {} left", counted(remaining_attempts(row), "attempt")),
    }
}

/// Attempts that are left of the limit.
pub(super) fn remaining_attempts(row: &Row) -> u64 {
    row.readiness.retry_limit.saturating_sub(row.readiness.attempts).into()
}
