//! What can be said of a task as it stands: which paths matter most, what could run beside each other, what failed and
//! what waits for it, what hinders it (`spec/authoring.md` 4.2 and 4.3; steps by name).
//!
//! Everything takes time and memory linear in steps and dependencies, but for counting who waits for whom
//! ([`Graph::count_descendants`](crate::graph::Graph::count_descendants)), which only tasks with bottlenecks need. What
//! would grow faster is bounded, each bound a constant of its part: paths are counted up to a million and never listed
//! but for the five best; of failures and of the steps that wait for them a part is listed. Counts and sums are exact.
//!
//! Nothing is remembered between two analyses: each tells of the rows it is given.

mod bottlenecks;
mod critical_paths;
mod dependency_graph;
mod error_chains;
mod parallelism;
mod standing;
mod summary;
mod weights;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use bottlenecks::{Bottleneck, Bottlenecks, MAX_BOTTLENECKS};
pub use critical_paths::{
    CriticalPath, CriticalPaths, MAX_COUNTED_PATHS, MAX_PATH_BOTTLENECKS, MAX_PATHS, PathBottleneck,
};
pub use dependency_graph::{DependencyGraph, GraphEdge, GraphNode};
pub use error_chains::{
    ErrorChain, ErrorChains, MAX_ERROR_CHAINS, MAX_LISTED_DOWNSTREAM, MAX_PRIORITIES, RecoveryPriority,
    RecoveryStrategy, RetryAnalysis,
};
pub use parallelism::{Level, Parallelism};
pub use summary::{ExecutionSummary, OverallHealth, Recommendation, RecommendationCode};
pub use weights::{
    AnalysisWeights, DurationEstimates, ImpactMultipliers, InvalidWeight, MAX_MULTIPLIER, MAX_WEIGHT,
    PenaltyConstants, SeverityMultipliers, SeverityThresholds,
};
pub use words::{BottleneckType, Grade, OverallImpact, Strategy};

use self::standing::{Row, Standing};
use crate::graph::Reach;
use crate::ids::TaskId;
use crate::plan::Plan;
use crate::record::{StepRecord, TaskRecord};
use crate::time::Timestamp;

/// The analysis of a task. Whoever reads one that another process wrote chooses what the graph is read as.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskAnalysis<G = DependencyGraph> {
    /// The task.
    pub task_id: TaskId,
    /// When it stood like this, by the store's clock.
    pub analysis_timestamp: Timestamp,
    /// Its steps and who waits for whom.
    pub dependency_graph: G,
    /// The paths that matter most.
    pub critical_paths: CriticalPaths,
    /// What could run beside each other.
    pub parallelism_opportunities: Parallelism,
    /// What failed, and what waits for it.
    pub error_chains: ErrorChains,
    /// What hinders it.
    pub bottlenecks: Bottlenecks,
    /// All of this in a few figures.
    pub task_execution_summary: ExecutionSummary,
}

impl<G> TaskAnalysis<G> {
    /// The same with the graph as something else.
    pub fn with_graph<H>(self, make: impl FnOnce(G) -> H) -> TaskAnalysis<H> {
        TaskAnalysis {
            task_id: self.task_id,
            analysis_timestamp: self.analysis_timestamp,
            dependency_graph: make(self.dependency_graph),
            critical_paths: self.critical_paths,
            parallelism_opportunities: self.parallelism_opportunities,
            error_chains: self.error_chains,
            bottlenecks: self.bottlenecks,
            task_execution_summary: self.task_execution_summary,
        }
    }
}

/// Analyses a task from its row and those of all its steps.
pub fn analyze_task<'a>(
    plan: &Arc<Plan>,
    task: &TaskRecord,
    steps: impl IntoIterator<Item = &'a StepRecord>,
    weights: &AnalysisWeights,
    now: Timestamp,
) -> TaskAnalysis {
    let records: Vec<&StepRecord> = steps.into_iter().collect();
    let standing = Standing::new(plan, task, &records, weights, now);
    let reach = reach(&standing);
    let critical_paths = CriticalPaths::of(&standing);
    let parallelism = Parallelism::of(&standing);
    let error_chains = ErrorChains::of(&standing, &reach);
    let bottlenecks = Bottlenecks::of(&standing, &reach);
    TaskAnalysis {
        task_id: task.id,
        analysis_timestamp: now,
        dependency_graph: DependencyGraph::of(&standing),
        task_execution_summary: ExecutionSummary::of(
            &standing,
            &critical_paths,
            &parallelism,
            &error_chains,
            &bottlenecks,
        ),
        critical_paths,
        parallelism_opportunities: parallelism,
        error_chains,
        bottlenecks,
    }
}

/// Per step: how many steps wait for it, and how many of these have a parent that is not done. Nobody asks for it where
/// there is no bottleneck.
fn reach(standing: &Standing<'_>) -> Vec<Reach> {
    if !standing.rows.iter().any(bottlenecks::is_candidate) {
        return vec![Reach::default(); standing.graph().n_steps()];
    }
    standing.graph().count_descendants(|step| standing.row(step).is_some_and(Row::is_blocked))
}

#[cfg(test)]
mod tests;
