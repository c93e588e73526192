//! An analysis in a few figures, and what to do.

use serde::{Deserialize, Serialize};

use super::bottlenecks::Bottlenecks;
use super::critical_paths::CriticalPaths;
use super::error_chains::ErrorChains;
use super::parallelism::Parallelism;
use super::standing::{Row, Standing};
use crate::text::counted;

/// Below this efficiency, in per cent, more steps beside each other are recommended.
const LOW_EFFICIENCY: f64 = 50.0;

/// An analysis in a few figures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ExecutionSummary {
    /// All steps.
    pub total_steps: u64,
    /// All dependencies.
    pub total_dependencies: u64,
    /// Levels of the graph.
    pub dependency_levels: u64,
    /// Steps on the longest path.
    pub longest_path_length: u32,
    /// Bottlenecks that are critical.
    pub critical_bottlenecks_count: u64,
    /// Steps in error.
    pub error_chains_count: u64,
    /// Share of levels on which more than one step may start now, 0 to 100, one decimal.
    pub parallelism_efficiency: f64,
    /// All in one word.
    pub overall_health: OverallHealth,
    /// What to do, most urgent first; at least one.
    pub recommendations: Vec<Recommendation>,
}

/// How a task is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverallHealth {
    /// Nothing failed.
    Healthy,
    /// Something failed and will be tried again, or a bottleneck is high.
    Warning,
    /// Something failed for good, or a bottleneck is critical.
    Critical,
}

/// Something to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recommendation {
    /// Stable code.
    pub code: RecommendationCode,
    /// In words.
    pub message: String,
}

/// What is recommended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecommendationCode {
    /// Look at the critical bottlenecks.
    AddressCriticalBottlenecks,
    /// Look at the failed steps.
    ResolveErrorChains,
    /// Let more steps run beside each other.
    ImproveParallelism,
    /// Nothing.
    Healthy,
}

impl ExecutionSummary {
    pub(super) fn of(
        standing: &Standing<'_>,
        paths: &CriticalPaths,
        parallelism: &Parallelism,
        errors: &ErrorChains,
        bottlenecks: &Bottlenecks,
    ) -> Self {
        Self {
            total_steps: standing.execution.total_steps,
            total_dependencies: standing.graph().n_edges() as u64,
            dependency_levels: parallelism.total_levels,
            longest_path_length: paths.longest_path_length,
            critical_bottlenecks_count: bottlenecks.critical_bottlenecks,
            error_chains_count: errors.total_error_steps,
            parallelism_efficiency: parallelism.parallelism_efficiency,
            overall_health: health(standing, errors, bottlenecks),
            recommendations: recommendations(standing, parallelism, errors, bottlenecks),
        }
    }
}

fn health(standing: &Standing<'_>, errors: &ErrorChains, bottlenecks: &Bottlenecks) -> OverallHealth {
    let failed_for_good = standing.rows.iter().any(Row::failed_for_good);
    if bottlenecks.critical_bottlenecks > 0 || failed_for_good {
        OverallHealth::Critical
    } else if bottlenecks.has_severe() || errors.total_error_steps > 0 {
        OverallHealth::Warning
    } else {
        OverallHealth::Healthy
    }
}

fn recommendations(
    standing: &Standing<'_>,
    parallelism: &Parallelism,
    errors: &ErrorChains,
    bottlenecks: &Bottlenecks,
) -> Vec<Recommendation> {
    use RecommendationCode::*;
    let mut list = Vec::new();
    let mut recommend = |code, message| list.push(Recommendation { code, message });
    if bottlenecks.critical_bottlenecks > 0 {
        let n = counted(bottlenecks.critical_bottlenecks, "critical bottleneck");
        recommend(AddressCriticalBottlenecks, format!("Address {n}"));
    }
    if errors.total_error_steps > 0 {
        let n = counted(errors.total_error_steps, "failed step");
        recommend(ResolveErrorChains, format!("Resolve {n}"));
    }
    // An ended task has nothing left that could run beside anything.
    let efficiency = parallelism.parallelism_efficiency;
    if standing.is_open && efficiency < LOW_EFFICIENCY && parallelism.total_levels > 1 {
        recommend(
            ImproveParallelism,
            format!("Only {efficiency} % of the levels have more than one step that may start now"),
        );
    }
    if list.is_empty() {
        let message = "The task appears healthy".into();
        list.push(Recommendation { code: Healthy, message });
    }
    list
}
