//! Where each step of a task stands, as all parts of its analysis see it.

use std::sync::Arc;
use std::time::Duration;

use super::AnalysisWeights;
use super::words::Grade;
use crate::execution::{TaskExecution, task_execution};
use crate::graph::Graph;
use crate::ids::Ordinal;
use crate::names::StepName;
use crate::plan::Plan;
use crate::readiness::{StepReadiness, step_readiness};
use crate::record::{StepRecord, TaskRecord};
use crate::state::StepState;
use crate::time::Timestamp;

/// A task and its steps at one moment.
pub(super) struct Standing<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) weights: &'a AnalysisWeights,
    pub(super) execution: TaskExecution,
    pub(super) now: Timestamp,
    /// Whether anything of the task still happens by itself.
    pub(super) is_open: bool,
    /// The steps, in document order.
    pub(super) rows: Vec<Row>,
    /// Level of each step.
    pub(super) levels: Vec<u32>,
}

/// A step at that moment.
pub(super) struct Row {
    pub(super) readiness: StepReadiness,
    /// Whether it runs, longer than it may.
    pub(super) is_overdue: bool,
    /// Whether a step that it waits for was cancelled, so that it can never run.
    pub(super) is_cut_off: bool,
}

impl<'a> Standing<'a> {
    pub(super) fn new(
        plan: &'a Arc<Plan>,
        task: &TaskRecord,
        records: &[&StepRecord],
        weights: &'a AnalysisWeights,
        now: Timestamp,
    ) -> Self {
        let mut records = records.to_vec();
        records.sort_by_key(|record| record.ordinal);
        let readiness = step_readiness(plan, task, records.iter().copied(), None, now);
        let cut_off = cut_off(plan, &records);
        let row = |(readiness, record): (StepReadiness, &&StepRecord)| Row {
            is_cut_off: record.state == StepState::Pending && cut_off[record.ordinal.index()],
            is_overdue: is_overdue(plan, record, now),
            readiness,
        };
        Self {
            plan,
            weights,
            execution: task_execution(task, records.iter().copied(), now),
            now,
            is_open: task.state.is_open(),
            rows: readiness.into_iter().zip(&records).map(row).collect(),
            levels: plan.graph.levels(),
        }
    }

    pub(super) fn graph(&self) -> &'a Graph {
        &self.plan.graph
    }

    /// A step; `None` if its row is lost.
    pub(super) fn row(&self, step: Ordinal) -> Option<&Row> {
        let place = self.rows.binary_search_by_key(&step, Row::ordinal).ok()?;
        self.rows.get(place)
    }

    pub(super) fn name(&self, step: Ordinal) -> StepName {
        self.plan.name(step).clone()
    }

    pub(super) fn names(&self, steps: impl IntoIterator<Item = Ordinal>) -> Vec<StepName> {
        steps.into_iter().map(|step| self.name(step)).collect()
    }

    /// How severe a score is.
    pub(super) fn grade(&self, score: u64) -> Grade {
        let limits = &self.weights.severity_thresholds;
        match score {
            n if n >= limits.critical.into() => Grade::Critical,
            n if n >= limits.high.into() => Grade::High,
            n if n >= limits.medium.into() => Grade::Medium,
            _ => Grade::Low,
        }
    }
}

impl Row {
    pub(super) fn ordinal(&self) -> Ordinal {
        self.readiness.ordinal
    }

    pub(super) fn name(&self) -> StepName {
        self.readiness.step_name.clone()
    }

    pub(super) fn is_done(&self) -> bool {
        self.readiness.current_state.is_done()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.readiness.ready_for_execution
    }

    pub(super) fn in_error(&self) -> bool {
        self.readiness.current_state == StepState::Error
    }

    /// Whether a parent is not done.
    pub(super) fn is_blocked(&self) -> bool {
        !self.readiness.dependencies_satisfied
    }

    /// Whether it used up its attempts.
    pub(super) fn is_exhausted(&self) -> bool {
        self.readiness.predicates.exhausted
    }

    /// Whether it failed for good: nothing but an operator lets it run again.
    pub(super) fn failed_for_good(&self) -> bool {
        self.in_error() && !self.readiness.retry_eligible
    }

    pub(super) fn attempts(&self) -> u64 {
        self.readiness.attempts.into()
    }
}

fn is_overdue(plan: &Plan, record: &StepRecord, now: Timestamp) -> bool {
    let limit = Duration::from_secs(plan.step(record.ordinal).timeout_seconds.into());
    record.state == StepState::InProgress && record.started_at.is_some_and(|start| now > start.plus(limit))
}

/// Per step: whether a step that it waits for was cancelled.
fn cut_off(plan: &Plan, records: &[&StepRecord]) -> Vec<bool> {
    let mut found = vec![false; plan.graph.n_steps()];
    for record in records.iter().filter(|record| record.state == StepState::Cancelled) {
        plan.graph.children(record.ordinal).iter().for_each(|child| found[child.index()] = true);
    }
    found
}
