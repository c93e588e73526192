//! What the log tells of a task, compared with what must have come of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Judge;
use crate::finding::Kind;
use crate::history::{Attempt, End, LEASE_EXPIRED};
use crate::model::{Expectation, ExpectedEnd};
use crate::workflow::Fate;

/// Beginnings and ends are committed by a time that was told up to a tenth of a second before.
const TOLERANCE: Duration = Duration::from_millis(250);

/// Codes of executions whose time was up.
const TIMEOUTS: [&str; 2] = ["step_timeout", "http_timeout"];

impl Judge<'_> {
    /// Executions that ended otherwise than by their fate, where that is accounted for: place of the step, number.
    pub(super) fn account_for_log(&mut self) -> BTreeSet<(usize, usize)> {
        let mut excused = BTreeSet::new();
        for attempt in &self.case.attempts {
            let Some(place) = self.case.workflow.position(&attempt.step) else { continue };
            let End::Failed(code, _) = &attempt.end else { continue };
            let is_excused = match code.as_str() {
                LEASE_EXPIRED => self.was_taken_from_a_victim(attempt),
                code if TIMEOUTS.contains(&code) => self.was_too_slow(place, attempt),
                _ => false,
            };
            if is_excused {
                excused.insert((place, attempt.number));
            }
        }
        excused
    }

    fn was_taken_from_a_victim(&mut self, attempt: &Attempt) -> bool {
        let name = self.allowance.names.get(&attempt.worker).unwrap_or(&attempt.worker);
        let is_victim = self.allowance.victims.contains(name);
        if !is_victim {
            let (number, step) = (attempt.number, &attempt.step);
            self.find(
                Kind::Wrong,
                format!("execution {number} of step {step} was taken from {name}, which lives"),
            );
        }
        // Already found; what follows from it is not.
        true
    }

    /// Not by its fate, but because the machine was slow.
    fn was_too_slow(&self, place: usize, attempt: &Attempt) -> bool {
        let is_fate = self.case.workflow.steps[place].fates.get(attempt.number - 1) == Some(&Fate::Hang);
        !is_fate && self.was_time_up(place, attempt)
    }

    /// Whether an execution lasted as long as it may, as far as the clock can tell.
    fn was_time_up(&self, place: usize, attempt: &Attempt) -> bool {
        let limit = Duration::from_secs(u64::from(self.case.workflow.steps[place].timeout_seconds));
        !self.allowance.has_steady_clock || attempt.lasted() + TOLERANCE >= limit
    }

    /// Every execution that is told ended as it must, and none is left out.
    pub(super) fn compare_log(&mut self, expected: &Expectation) {
        let mut told: Vec<Vec<&Attempt>> = vec![Vec::new(); expected.steps.len()];
        for attempt in self.case.attempts.iter().filter(|attempt| attempt.end != End::Released) {
            match self.case.workflow.position(&attempt.step) {
                Some(place) => told[place].push(attempt),
                None => self.find(Kind::Wrong, format!("the log tells of a step {}", attempt.step)),
            }
        }
        for (place, (told, expected)) in told.iter().zip(&expected.steps).enumerate() {
            let ends_are_right = told.len() == expected.attempts.len()
                && told.iter().zip(&expected.attempts).all(|(attempt, end)| is_right(&attempt.end, *end));
            if !ends_are_right {
                let name = self.name(place).to_owned();
                let told: Vec<&End> = told.iter().map(|attempt| &attempt.end).collect();
                let should = &expected.attempts;
                self.find(
                    Kind::Wrong,
                    format!("the log tells of executions of step {name}: {told:?}, not {should:?}"),
                );
            }
            self.compare_limits(place, told, &expected.attempts);
        }
        if let Some(turns) = &expected.turns {
            self.compare_logged_turns(turns, &told);
        }
    }

    /// Those that hung were given up when their time was up, and not before.
    fn compare_limits(&mut self, place: usize, told: &[&Attempt], expected: &[ExpectedEnd]) {
        let hung = told.iter().zip(expected).filter(|(_, end)| **end == ExpectedEnd::Fate(Fate::Hang));
        for (attempt, _) in hung {
            if !self.was_time_up(place, attempt) {
                let (number, step, lasted) = (attempt.number, &attempt.step, attempt.lasted());
                self.find(
                    Kind::Wrong,
                    format!("the time of execution {number} of step {step} was up after {lasted:?}"),
                );
            }
        }
    }

    /// One at a time. A task's time never goes back, whatever clocks do.
    fn compare_logged_turns(&mut self, turns: &[(usize, usize)], told: &[Vec<&Attempt>]) {
        let attempt = |&(place, number): &(usize, usize)| told[place].get(number - 1).copied();
        for pair in turns.windows(2) {
            let (Some(before), Some(after)) = (attempt(&pair[0]), attempt(&pair[1])) else { continue };
            if after.began < before.ended {
                let (one, other) = (&after.step, &before.step);
                self.find(Kind::Wrong, format!("by the log, step {one} was claimed while {other} ran"));
            }
        }
    }
}

fn is_right(told: &End, expected: ExpectedEnd) -> bool {
    match (told, expected) {
        (End::Complete, ExpectedEnd::Fate(Fate::Succeed(_))) => true,
        (End::Failed(code, _), ExpectedEnd::Fate(fate)) => fate.codes().contains(&code.as_str()),
        (End::Failed(..), ExpectedEnd::Excused) => true,
        _ => false,
    }
}
