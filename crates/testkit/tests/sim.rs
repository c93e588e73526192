//! Simulated worlds: the seeds that found something once, more seeds in every run, and that a seed repeats itself.

use std::ops::Range;

use tasker_testkit::sim::{self, Counts, Summary};

/// Environment variable with the number of seeds to run.
const SEEDS_VARIABLE: &str = "TASKER_SIM_SEEDS";

/// How many there are otherwise.
const SEEDS: u64 = 200;

/// Tests that share the seeds, so that they run beside each other.
const SHARES: u64 = 4;

fn check(seeds: impl IntoIterator<Item = u64>) -> Summary {
    let mut sum = Summary::default();
    for seed in seeds {
        let report = sim::run_watched(seed);
        if let Some(failure) = report.failure() {
            let kept = sim::keep(seed, report.violation.as_deref().unwrap_or_default());
            panic!("{failure}\nkept in seeds/sim.txt: {kept:?}");
        }
        sum.add(&report);
    }
    sum
}

fn share(number: u64) -> Range<u64> {
    let text = std::env::var(SEEDS_VARIABLE).unwrap_or_else(|_| SEEDS.to_string());
    let seeds: u64 = text.parse().unwrap_or_else(|_| panic!("{SEEDS_VARIABLE}={text:?} is no number"));
    1 + number * seeds / SHARES..1 + (number + 1) * seeds / SHARES
}

#[test]
fn seeds_that_found_something_once_find_nothing_any_more() {
    check(sim::kept());
}

#[test]
fn the_first_quarter_of_the_seeds_breaks_no_invariant() {
    let sum = check(share(0));
    assert!(sum.seeds > 0);
    let Counts { tasks, executions, settled, stale, actions, failed_calls, kills, freezes, .. } = sum.counts;
    let Counts { stops, lost_workers, rescues, taken_up, lost_hints, .. } = sum.counts;
    let happened = [tasks, executions, settled, stale, actions, failed_calls, kills, freezes];
    let happened = happened.into_iter().chain([stops, lost_workers, rescues, taken_up, lost_hints]);
    assert!(happened.into_iter().all(|n| n > 0), "chance left something out: {:?}", sum.counts);
}

#[test]
fn the_second_quarter_of_the_seeds_breaks_no_invariant() {
    check(share(1));
}

#[test]
fn the_third_quarter_of_the_seeds_breaks_no_invariant() {
    check(share(2));
}

#[test]
fn the_fourth_quarter_of_the_seeds_breaks_no_invariant() {
    check(share(3));
}

#[test]
fn a_seed_tells_the_same_story_byte_for_byte() {
    for seed in [2, 7, 19, 23] {
        let (once, again) = (sim::run(seed), sim::run(seed));
        let same = once.story.lines().zip(again.story.lines()).take_while(|(a, b)| a == b).count();
        assert_eq!(once.story.lines().nth(same), again.story.lines().nth(same), "seed {seed}, line {same}");
        assert_eq!(once, again);
        assert!(once.story.lines().count() > 50, "seed {seed} tells little:\n{}", once.story);
    }
    assert_ne!(sim::run(2).story, sim::run(3).story);
}
