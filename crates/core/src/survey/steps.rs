//! What stores count of steps.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::figures::{mean, micros, percent};
use crate::ids::Ordinal;
use crate::names::StepName;
use crate::plan::Plan;
use crate::record::StepRecord;
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// How many names of steps that wait for others are told.
const MOST_BLOCKED: usize = 3;

/// The steps of a task, each at its ordinal.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// The plan of the task.
    pub plan: &'a Plan,
    /// When the task was created.
    pub created_at: Timestamp,
    /// The steps.
    pub steps: &'a [Glance],
}

/// What is looked at of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glance {
    /// Which step.
    pub ordinal: Ordinal,
    /// State.
    pub state: StepState,
    /// Parents that are not done.
    pub waits: u32,
    /// Executions so far.
    pub attempts: u32,
    /// When its last execution started.
    pub started_at: Option<Timestamp>,
    /// When it became done.
    pub processed_at: Option<Timestamp>,
}

impl From<&StepRecord> for Glance {
    fn from(step: &StepRecord) -> Self {
        let StepRecord { ordinal, state, waits, attempts, started_at, processed_at, .. } = *step;
        Self { ordinal, state, waits, attempts, started_at, processed_at }
    }
}

impl Steps<'_> {
    /// When a step could begin: when the last of those of its parents that are done became so; if none is, when the task was
    /// created.
    pub fn ready_at(&self, step: Ordinal) -> Timestamp {
        let parents =
            self.plan.graph.parents(step).iter().filter_map(|parent| self.steps.get(parent.index()));
        let done = parents.filter(|parent| parent.state.is_done()).filter_map(|parent| parent.processed_at);
        done.max().unwrap_or(self.created_at)
    }

    /// How long the execution took by which a step became complete, and how long it had waited before.
    pub fn executed(&self, step: &Glance) -> Option<(Duration, Duration)> {
        if step.state != StepState::Complete {
            return None;
        }
        let (started_at, completed_at) = (step.started_at?, step.processed_at?);
        Some((completed_at.since(started_at), started_at.since(self.ready_at(step.ordinal))))
    }
}

/// Complete steps, and how long they took together, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Executions {
    /// How many they are.
    pub count: u64,
    /// From the start of their last executions to their completion.
    pub run: u64,
    /// From when they could begin to the start of their last executions.
    pub queued: u64,
}

impl Executions {
    /// Adds the steps of a task that became complete after an instant.
    pub fn add(&mut self, task: &Steps<'_>, since: Timestamp) {
        for step in task.steps.iter().filter(|step| step.processed_at.is_some_and(|at| at > since)) {
            if let Some((run, queued)) = task.executed(step) {
                self.count += 1;
                self.run += micros(run);
                self.queued += micros(queued);
            }
        }
    }

    /// Seconds of the last execution, on average, three decimals.
    pub fn mean_run(&self) -> f64 {
        mean(self.run, self.count, 3)
    }

    /// Seconds of the wait before it, on average, three decimals.
    pub fn mean_queued(&self) -> f64 {
        mean(self.queued, self.count, 3)
    }
}

/// Steps of one name, of tasks created in a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StepTally {
    /// Those that were executed.
    pub executed: u64,
    /// Those that were executed more than once.
    pub retried: u64,
    /// Those of them that are complete.
    pub recovered: u64,
    /// Those that are pending, of tasks that are open or in error.
    pub pending: u64,
    /// How long these have waited together, in microseconds: since the last of their parents was done, or, where none is,
    /// since the task was created.
    pub waited: u64,
    /// Those of them that wait for others.
    pub blocked: u64,
}

/// Tallies of steps by their names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tallies(pub BTreeMap<StepName, StepTally>);

impl Tallies {
    /// Adds the steps of a task.
    pub fn add(&mut self, task: &Steps<'_>, state: TaskState, now: Timestamp) {
        for step in task.steps {
            let tally = self.0.entry(task.plan.name(step.ordinal).clone()).or_default();
            tally.executed += u64::from(step.attempts > 0);
            tally.retried += u64::from(step.attempts > 1);
            tally.recovered += u64::from(step.attempts > 1 && step.state == StepState::Complete);
            if step.state == StepState::Pending && (state.is_open() || state == TaskState::Error) {
                tally.pending += 1;
                tally.waited += micros(now.since(task.ready_at(step.ordinal)));
                tally.blocked += u64::from(step.waits > 0);
            }
        }
    }

    /// All of them together.
    pub fn totals(&self) -> StepTotals {
        let mut totals = StepTotals::default();
        for tally in self.0.values() {
            totals.all.executed += tally.executed;
            totals.all.retried += tally.retried;
            totals.all.recovered += tally.recovered;
            totals.all.pending += tally.pending;
            totals.all.waited += tally.waited;
            totals.all.blocked += tally.blocked;
        }
        let blocked = self.0.iter().filter(|(_, tally)| tally.blocked > 0);
        totals.most_blocked = blocked.map(|(name, tally)| (name.clone(), tally.blocked)).collect();
        totals.most_blocked.sort_by_key(|(_, count)| Reverse(*count));
        totals.most_blocked.truncate(MOST_BLOCKED);
        totals
    }
}

/// Steps of tasks created in a period.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepTotals {
    /// All of them.
    pub all: StepTally,
    /// The names that most steps have that wait for others, with their number; equally many by name.
    pub most_blocked: Vec<(StepName, u64)>,
}

impl StepTotals {
    /// Complete ones in percent of those that were executed more than once, one decimal; 0 if none was.
    pub fn retry_success_rate(&self) -> f64 {
        percent(self.all.recovered, self.all.retried, 1)
    }

    /// Seconds that pending ones have waited on average, one decimal; 0 if there are none.
    pub fn mean_wait(&self) -> f64 {
        mean(self.all.waited, self.all.pending, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{plan, start};

    fn glance(ordinal: u32, state: StepState, attempts: u32) -> Glance {
        Glance { ordinal: Ordinal(ordinal), state, waits: 0, attempts, started_at: None, processed_at: None }
    }

    fn ran(ordinal: u32, from: i64, to: i64) -> Glance {
        let at = |seconds| Some(start().plus_seconds(seconds));
        Glance { started_at: at(from), processed_at: at(to), ..glance(ordinal, StepState::Complete, 1) }
    }

    #[test]
    fn a_step_waits_from_the_end_of_its_last_parent() {
        let plan = plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
        let all = [ran(0, 1, 4), ran(1, 2, 9), ran(2, 12, 20)];
        let task = Steps { plan: &plan, created_at: start(), steps: &all };
        let mut executions = Executions::default();
        executions.add(&task, start());
        assert_eq!((executions.count, executions.run, executions.queued), (3, 18_000_000, 6_000_000));
        assert_eq!((executions.mean_run(), executions.mean_queued()), (6.0, 2.0));
        let mut later = Executions::default();
        later.add(&task, start().plus_seconds(9));
        assert_eq!((later.count, later.run, later.queued), (1, 8_000_000, 3_000_000));
    }

    #[test]
    fn what_waits_is_counted_where_it_may_still_go_on() {
        let plan = plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["c"])]);
        let blocked = |ordinal, waits| Glance { waits, ..glance(ordinal, StepState::Pending, 0) };
        let all = [ran(0, 0, 30), glance(1, StepState::Error, 2), blocked(2, 1), blocked(3, 1)];
        let task = Steps { plan: &plan, created_at: start(), steps: &all };
        let totals = |state| {
            let mut tallies = Tallies::default();
            tallies.add(&task, state, start().plus_seconds(100));
            tallies.add(&task, state, start().plus_seconds(100));
            tallies.totals()
        };
        let found = totals(TaskState::Error);
        // c since the end of a, d since the task was created.
        let expected =
            StepTally { executed: 4, retried: 2, recovered: 0, pending: 4, waited: 340_000_000, blocked: 4 };
        assert_eq!((found.all, found.mean_wait(), found.retry_success_rate()), (expected, 85.0, 0.0));
        let names: Vec<(&str, u64)> =
            found.most_blocked.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(names, [("c", 2), ("d", 2)]);
        let resolved = totals(TaskState::ResolvedManually);
        assert_eq!((resolved.all.pending, resolved.all.retried, resolved.most_blocked), (0, 2, vec![]));
    }

    #[test]
    fn retries_that_helped_are_told_in_percent() {
        let plan = plan(&[("a", &[]), ("b", &[]), ("c", &[])]);
        let all = [glance(0, StepState::Complete, 2), glance(1, StepState::Error, 3), ran(2, 0, 1)];
        let mut tallies = Tallies::default();
        tallies.add(&Steps { plan: &plan, created_at: start(), steps: &all }, TaskState::Error, start());
        assert_eq!(tallies.totals().retry_success_rate(), 50.0);
        assert_eq!(StepTotals::default().retry_success_rate(), 0.0);
    }

    #[test]
    fn the_names_that_wait_most_come_first_and_only_three() {
        let tally = |blocked| StepTally { blocked, ..StepTally::default() };
        let name = |text| StepName::new(text).unwrap();
        let all = [("e", 1), ("d", 2), ("c", 0), ("b", 1), ("a", 1)];
        let tallies = Tallies(all.into_iter().map(|(text, n)| (name(text), tally(n))).collect());
        let names = [("d", 2), ("a", 1), ("b", 1)].map(|(text, n)| (name(text), n));
        assert_eq!(tallies.totals().most_blocked, names);
    }
}
