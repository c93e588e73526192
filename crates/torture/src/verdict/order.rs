//! When executions were: after what they depend on, after their own failures and the waits those bring, and one at a time
//! where that is wanted. By the clock of the ledger, as far as that knows; how slow the machine is makes no difference.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Judge;
use crate::finding::Kind;
use crate::ledger::Execution;
use crate::model::{Expectation, ExpectedEnd};
use crate::workflow::Fate;

/// A wait begins when the engine commits a failure, by the time that it was told last, which may be almost so old.
const TOLERANCE: Duration = Duration::from_millis(250);

/// Executions by the places of their steps and their numbers.
type Found<'a> = HashMap<(usize, usize), &'a Execution>;

impl Judge<'_> {
    pub(super) fn compare_order(&mut self, expected: &Expectation) {
        let case = self.case;
        let place = |execution: &Execution| case.workflow.position(&execution.step);
        let found: Found<'_> = case
            .executions
            .iter()
            .filter_map(|execution| Some(((place(execution)?, execution.attempt), execution)))
            .collect();
        for (&(place, number), execution) in &found {
            self.compare_with_parents(place, execution, expected, &found);
            self.compare_with_the_one_before(place, number, execution, expected, &found);
        }
        if let Some(turns) = &expected.turns {
            self.compare_turns(turns, expected, &found);
        }
    }

    /// Each parent was answered before, by the execution that counts.
    fn compare_with_parents(
        &mut self,
        place: usize,
        execution: &Execution,
        expected: &Expectation,
        found: &Found<'_>,
    ) {
        for &parent in &self.case.workflow.steps[place].parents {
            let last = expected.steps[parent].attempts.len();
            let answered = found.get(&(parent, last)).and_then(|parent| parent.answered);
            // One that was left out has none; one that has none though it should is found elsewhere.
            if answered.is_some_and(|answered| answered > execution.came) {
                let (step, parent) = (self.name(place), self.name(parent));
                self.find(
                    Kind::Wrong,
                    format!("step {step} was executed before its parent {parent} was done"),
                );
            }
        }
    }

    /// The execution before it was over, and its wait too.
    fn compare_with_the_one_before(
        &mut self,
        place: usize,
        number: usize,
        execution: &Execution,
        expected: &Expectation,
        found: &Found<'_>,
    ) {
        let Some(before) = number.checked_sub(1).and_then(|before| found.get(&(place, before))) else {
            return;
        };
        let end = before.attempt.checked_sub(1).and_then(|at| expected.steps[place].attempts.get(at));
        let Some(ExpectedEnd::Fate(fate)) = end else { return };
        let Some(over) = over(before, *fate) else { return };
        let wait = if self.allowance.has_steady_clock { fate.wait() } else { Duration::ZERO };
        if execution.came + TOLERANCE < over + wait {
            let (step, gap) = (self.name(place), execution.came.saturating_duration_since(over));
            self.find(
                Kind::Wrong,
                format!("execution {number} of step {step} came {gap:?} after the one before, not {wait:?}"),
            );
        }
    }

    /// One after the other, in the order in which it must be. Those that were excused ended nobody knows when.
    fn compare_turns(&mut self, turns: &[(usize, usize)], expected: &Expectation, found: &Found<'_>) {
        let mut before: Option<(Instant, &Execution)> = None;
        for &(place, number) in turns {
            let Some(execution) = found.get(&(place, number)) else { continue };
            let ExpectedEnd::Fate(fate) = expected.steps[place].attempts[number - 1] else {
                before = None;
                continue;
            };
            if let Some((over, other)) = before
                && execution.came < over
            {
                let (one, other) = (&execution.step, &other.step);
                self.find(Kind::Wrong, format!("step {one} was executed beside {other}, not after it"));
            }
            before = over(execution, fate).map(|over| (over, *execution));
        }
    }
}

/// When an execution was over at the earliest, if that is known. One that was never answered was given up some time after it
/// came, which can have been long after it began: the log tells more.
fn over(execution: &Execution, fate: Fate) -> Option<Instant> {
    if fate == Fate::Hang { Some(execution.came) } else { execution.answered }
}
