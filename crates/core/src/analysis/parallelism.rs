//! What could run beside each other: the steps by level.

use serde::{Deserialize, Serialize};

use super::standing::{Row, Standing};
use super::words::{Grade, percentage};
use crate::names::StepName;

/// What could run beside each other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Parallelism {
    /// All steps.
    pub total_steps: u64,
    /// Levels of the graph.
    pub total_levels: u64,
    /// Steps of the widest level.
    pub max_parallel_steps: u64,
    /// Steps that may start now.
    pub current_parallel_opportunities: u64,
    /// Steps with a parent that is not done.
    pub blocked_parallel_opportunities: u64,
    /// Share of steps that are done, 0 to 100, two decimals.
    pub overall_completion: f64,
    /// The levels, roots first.
    pub levels: Vec<Level>,
    /// Share of levels on which more than one step may start now, 0 to 100, one decimal.
    pub parallelism_efficiency: f64,
}

/// The steps that are equally far from the roots.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Level {
    /// Longest distance from a root.
    pub level: u32,
    /// Its steps.
    pub total_steps: u64,
    /// Those that may start now.
    pub ready_steps: u64,
    /// Those with a parent that is not done.
    pub blocked_steps: u64,
    /// Those in error.
    pub error_steps: u64,
    /// Those that are done.
    pub completed_steps: u64,
    /// Names of all, in document order.
    pub step_names: Vec<StepName>,
    /// High if more than one may start now, medium if one may.
    pub parallelism_potential: Grade,
    /// High if more than half of them have a parent that is not done.
    pub bottleneck_risk: Grade,
}

impl Parallelism {
    pub(super) fn of(standing: &Standing<'_>) -> Self {
        let levels = levels(standing);
        let n_wide = levels.iter().filter(|level| level.ready_steps > 1).count() as u64;
        Self {
            total_steps: standing.execution.total_steps,
            total_levels: levels.len() as u64,
            max_parallel_steps: levels.iter().map(|level| level.total_steps).max().unwrap_or(0),
            current_parallel_opportunities: standing.execution.ready_steps,
            blocked_parallel_opportunities: levels.iter().map(|level| level.blocked_steps).sum(),
            overall_completion: standing.execution.completion_percentage,
            parallelism_efficiency: percentage(n_wide, levels.len() as u64),
            levels,
        }
    }
}

fn levels(standing: &Standing<'_>) -> Vec<Level> {
    let n_levels = standing.levels.iter().max().map_or(0, |highest| *highest as usize + 1);
    let mut by_level: Vec<Vec<&Row>> = vec![Vec::new(); n_levels];
    for row in &standing.rows {
        by_level[standing.levels[row.ordinal().index()] as usize].push(row);
    }
    by_level.iter().zip(0..).map(|(rows, level)| Level::of(level, rows)).collect()
}

impl Level {
    fn of(level: u32, rows: &[&Row]) -> Self {
        let count = |holds: fn(&Row) -> bool| rows.iter().filter(|row| holds(row)).count() as u64;
        let (total, ready, blocked) = (rows.len() as u64, count(Row::is_ready), count(Row::is_blocked));
        Self {
            level,
            total_steps: total,
            ready_steps: ready,
            blocked_steps: blocked,
            error_steps: count(Row::in_error),
            completed_steps: count(Row::is_done),
            step_names: rows.iter().map(|row| row.name()).collect(),
            parallelism_potential: match ready {
                0 => Grade::Low,
                1 => Grade::Medium,
                _ => Grade::High,
            },
            bottleneck_risk: if blocked > total / 2 { Grade::High } else { Grade::Low },
        }
    }
}
