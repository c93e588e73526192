//! Which failed or cancelled step keeps others from ever running.

use std::collections::VecDeque;

use super::Facts;
use crate::ids::Ordinal;
use crate::record::{StepRecord, TaskRecord};
use crate::state::StepState;

/// Per step: the nearest step above it that will not run again by itself.
pub(super) struct Culprits {
    above: Vec<Option<Ordinal>>,
}

impl Culprits {
    /// One pass down the graph from all such steps at once: as long as the graph is large.
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let mut above = vec![None; facts.plan.graph.n_steps()];
        let stuck =
            facts.steps.iter().map(|detail| &detail.record).filter(|record| is_stuck(facts.task, record));
        let mut reached: VecDeque<(Ordinal, Ordinal)> =
            stuck.map(|record| (record.ordinal, record.ordinal)).collect();
        while let Some((step, culprit)) = reached.pop_front() {
            for &child in facts.plan.graph.children(step) {
                let seen = &mut above[child.index()];
                if seen.is_none() {
                    *seen = Some(culprit);
                    reached.push_back((child, culprit));
                }
            }
        }
        Self { above }
    }

    pub(super) fn above(&self, step: Ordinal) -> Option<Ordinal> {
        self.above.get(step.index()).copied().flatten()
    }
}

fn is_stuck(task: &TaskRecord, record: &StepRecord) -> bool {
    match record.state {
        StepState::Cancelled => true,
        StepState::Error => !task.state.is_open() || !record.wants_queue_row(),
        _ => false,
    }
}
