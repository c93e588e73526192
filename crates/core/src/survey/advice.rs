//! What to look at, by what was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{mean, percent};
use super::steps::StepTotals;
use super::tally::Population;

/// A task takes long beyond so many seconds.
const LONG_TASK: u64 = 60;

/// So many percent of the executed steps are not yet many that are executed more than once.
const RETRIES: u64 = 10;

/// So many percent of the tasks are not yet many in error.
const ERRORS: u64 = 10;

/// So many seconds are not yet a long wait.
const WAIT: u64 = 300;

/// What may be worth a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Advice {
    /// A task took longer than a minute.
    LongTasks,
    /// More than a tenth of the executed steps were executed more than once.
    HighRetries,
    /// More than a tenth of the tasks are in error.
    HighErrorRate,
    /// Steps wait for others, and pending ones have waited longer than five minutes on average.
    DependencyWait,
}

/// Something that may be worth a look.
#[derive(Clone, PartialEq, Debug)]
pub struct Recommendation {
    /// What.
    pub code: Advice,
    /// In words.
    pub message: String,
    /// The numbers that it follows from; their names say the units.
    pub evidence: BTreeMap<&'static str, f64>,
}

/// What follows from what was found. What was not found out recommends nothing.
pub fn recommendations(population: Option<&Population>, steps: Option<&StepTotals>) -> Vec<Recommendation> {
    let found = [
        population.and_then(long_tasks),
        steps.and_then(retries),
        population.and_then(errors),
        steps.and_then(waits),
    ];
    found.into_iter().flatten().collect()
}

fn long_tasks(population: &Population) -> Option<Recommendation> {
    let complete = &population.complete;
    if complete.longest <= LONG_TASK * 1_000_000 {
        return None;
    }
    let (longest, [_, p95, _]) = (mean(complete.longest, 1, 3), complete.percentiles());
    Some(Recommendation {
        code: Advice::LongTasks,
        message: format!(
            "tasks took up to {longest} s, {} s on average: slowest_steps names the steps that take the time",
            complete.mean()
        ),
        evidence: BTreeMap::from([
            ("longest_seconds", longest),
            ("mean_seconds", complete.mean()),
            ("p95_seconds", p95),
            ("threshold_seconds", LONG_TASK as f64),
        ]),
    })
}

fn retries(steps: &StepTotals) -> Option<Recommendation> {
    let all = &steps.all;
    if !exceeds(all.retried, all.executed, RETRIES) {
        return None;
    }
    let rate = percent(all.retried, all.executed, 1);
    Some(Recommendation {
        code: Advice::HighRetries,
        message: format!(
            "{} of {} executed steps needed more than one execution ({rate} %), {} % of them in the end completed: \
             common_error_types says why they failed",
            all.retried,
            all.executed,
            steps.retry_success_rate()
        ),
        evidence: BTreeMap::from([
            ("retried_steps", all.retried as f64),
            ("executed_steps", all.executed as f64),
            ("retried_percent", rate),
            ("retry_success_percent", steps.retry_success_rate()),
            ("threshold_percent", RETRIES as f64),
        ]),
    })
}

fn errors(population: &Population) -> Option<Recommendation> {
    if !exceeds(population.in_error, population.tasks, ERRORS) {
        return None;
    }
    Some(Recommendation {
        code: Advice::HighErrorRate,
        message: format!(
            "{} of {} tasks are in error ({} %): common_error_types says why, and a retry of such a task goes on where \
             it failed",
            population.in_error,
            population.tasks,
            population.error_rate()
        ),
        evidence: BTreeMap::from([
            ("tasks_in_error", population.in_error as f64),
            ("total_tasks", population.tasks as f64),
            ("error_percent", population.error_rate()),
            ("threshold_percent", ERRORS as f64),
        ]),
    })
}

fn waits(steps: &StepTotals) -> Option<Recommendation> {
    let all = &steps.all;
    if all.blocked == 0 || all.waited <= WAIT * 1_000_000 * all.pending {
        return None;
    }
    Some(Recommendation {
        code: Advice::DependencyWait,
        message: format!(
            "{} steps wait for others, and pending steps have waited {} s on average: most_blocked_steps names them, and \
             an explanation of one of their tasks says what they wait for",
            all.blocked,
            steps.mean_wait()
        ),
        evidence: BTreeMap::from([
            ("blocked_steps", all.blocked as f64),
            ("pending_steps", all.pending as f64),
            ("mean_wait_seconds", steps.mean_wait()),
            ("threshold_seconds", WAIT as f64),
        ]),
    })
}

/// Whether a part is more than so many percent of the whole.
fn exceeds(part: u64, whole: u64, limit: u64) -> bool {
    u128::from(part) * 100 > u128::from(whole) * u128::from(limit)
}

#[cfg(test)]
mod tests {
    use super::super::spread::Spread;
    use super::super::steps::StepTally;
    use super::*;

    fn codes(population: Population, all: StepTally) -> Vec<Advice> {
        let steps = StepTotals { all, ..StepTotals::default() };
        recommendations(Some(&population), Some(&steps)).into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn where_nothing_is_wrong_nothing_is_recommended() {
        assert_eq!(recommendations(None, None), []);
        assert_eq!(codes(Population::default(), StepTally::default()), []);
        let complete = Spread { count: 1, longest: 60_000_000, ..Spread::default() };
        let population = Population { tasks: 10, in_error: 1, complete, ..Population::default() };
        let waited = 300_000_000;
        assert_eq!(
            codes(
                population,
                StepTally { executed: 10, retried: 1, pending: 1, waited, ..StepTally::default() }
            ),
            []
        );
    }

    #[test]
    fn each_code_has_a_threshold_of_its_own() {
        let complete = Spread { longest: 60_000_001, ..Spread::default() };
        let long = Population { complete, ..Population::default() };
        assert_eq!(codes(long, StepTally::default()), [Advice::LongTasks]);
        let failing = Population { tasks: 9, in_error: 1, ..Population::default() };
        assert_eq!(codes(failing, StepTally::default()), [Advice::HighErrorRate]);
        let retried = StepTally { executed: 9, retried: 1, ..StepTally::default() };
        assert_eq!(codes(Population::default(), retried), [Advice::HighRetries]);
        let waiting = StepTally { pending: 2, waited: 600_000_001, blocked: 1, ..StepTally::default() };
        assert_eq!(codes(Population::default(), waiting), [Advice::DependencyWait]);
        // Due steps that no worker takes wait for no other step.
        assert_eq!(codes(Population::default(), StepTally { blocked: 0, ..waiting }), []);
    }

    #[test]
    fn a_recommendation_tells_its_numbers() {
        let complete = Spread {
            count: 3,
            total: 125_000_000,
            p95: 100_000_000,
            longest: 100_000_000,
            ..Spread::default()
        };
        let population = Population { tasks: 3, complete, ..Population::default() };
        let found = recommendations(Some(&population), None).remove(0);
        assert!(found.message.contains("up to 100 s, 41.667 s on average"), "{}", found.message);
        assert_eq!(found.evidence["mean_seconds"], 41.667);
        assert_eq!(serde_json::to_string(&found.code).unwrap(), "\"LONG_TASKS\"");
    }
}
