//! How long a failed step waits before it is tried again.
//!
//! The wait is computed once, when the attempt fails, and stored; nothing computes it again. Sources:
//! `spec/domain.md` 5.3 and 8.3, with one change: jitter never takes a wait above the cap.

use crate::ids::{Ordinal, TaskId};
use crate::plan::StepBackoff;

/// The engine's backoff settings (`backoff.*`).
#[derive(Clone, PartialEq, Debug)]
pub struct BackoffPolicy {
    /// `default_backoff_seconds`: seconds to wait after the first, second, ... failed execution.
    pub table: Vec<u32>,
    /// `max_backoff_seconds`: the longest wait that is computed, jitter included.
    pub max_seconds: u32,
    /// `backoff_multiplier`: beyond the table the wait is n to the power of this, truncated.
    pub multiplier: f64,
    /// `jitter_max_percentage`: share of a wait, 0 to 1, by which it may change either way. `None` is no jitter.
    pub jitter: Option<f64>,
    /// `max_server_backoff_seconds`: the longest wait that a server or an error may ask for.
    pub max_server_seconds: u32,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            table: vec![1, 2, 4, 8, 16, 32],
            max_seconds: 300,
            multiplier: 2.0,
            jitter: Some(0.1),
            max_server_seconds: 3600,
        }
    }
}

/// A backoff setting that is out of its range.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("backoff.{setting} is {value}, but must be {rule}")]
pub struct InvalidBackoff {
    /// Name of the setting, as in configuration files.
    pub setting: &'static str,
    /// What it is.
    pub value: String,
    /// What it may be.
    pub rule: &'static str,
}

/// Where a wait comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaitSource {
    /// The server (`Retry-After`) or the error asked for it.
    ServerRequested,
    /// Backoff(n) of the policy.
    Exponential,
    /// The step has exponential backoff switched off: 2, 4, 8, 16, then 30 seconds.
    Default,
}

impl WaitSource {
    /// Why a step waits for as long as it does after a failure that asks for this.
    pub fn of(step_backoff: StepBackoff, retry_after: Option<u32>) -> Self {
        match retry_after {
            Some(_) => Self::ServerRequested,
            None if step_backoff.exponential => Self::Exponential,
            None => Self::Default,
        }
    }

    /// The name in events and metadata: `server_requested`, `exponential`, `default`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerRequested => "server_requested",
            Self::Exponential => "exponential",
            Self::Default => "default",
        }
    }
}

/// The wait in whole seconds, at least 1, after the `n`-th execution (counted from 1) of a step failed.
///
/// `retry_after` is what the failure asks for, see [`crate::outcome::FailureKind::Retryable`]. The answer depends on
/// its arguments alone: jitter is drawn from task, step and `n`.
pub fn wait_after_failure(
    policy: &BackoffPolicy,
    step_backoff: StepBackoff,
    retry_after: Option<u32>,
    task: TaskId,
    step: Ordinal,
    n: u32,
) -> u32 {
    match retry_after {
        Some(seconds) => policy.requested(seconds),
        None if step_backoff.exponential => policy.step_backoff(n, step_backoff, Seed { task, step }),
        None => default_wait(n),
    }
}

/// What jitter is drawn from, besides the number of the execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed {
    /// The task.
    pub task: TaskId,
    /// The step.
    pub step: Ordinal,
}

impl BackoffPolicy {
    /// Checks all ranges.
    ///
    /// # Errors
    /// Every setting that is out of its range, not only the first.
    pub fn validate(&self) -> Result<(), Vec<InvalidBackoff>> {
        let share = self.jitter.unwrap_or(0.0);
        let checks = [
            (!self.table.is_empty(), "default_backoff_seconds", "[]".into(), "a list of one or more seconds"),
            (self.max_seconds >= 1, "max_backoff_seconds", self.max_seconds.to_string(), "at least 1"),
            (
                self.multiplier.is_finite() && self.multiplier >= 1.0,
                "backoff_multiplier",
                self.multiplier.to_string(),
                "at least 1",
            ),
            ((0.0..=1.0).contains(&share), "jitter_max_percentage", share.to_string(), "between 0 and 1"),
            (
                self.max_server_seconds >= 1,
                "max_server_backoff_seconds",
                self.max_server_seconds.to_string(),
                "at least 1",
            ),
        ];
        let broken: Vec<_> = checks
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, setting, value, rule)| InvalidBackoff { setting, value, rule })
            .collect();
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// Backoff(n): the wait in seconds after the `n`-th failed execution under this policy alone. 0 for `n` = 0, else
    /// at least 1 and at most the cap.
    pub fn backoff(&self, n: u32, seed: Seed) -> u32 {
        self.step_backoff(n, StepBackoff { exponential: true, factor: 1.0, jitter: None }, seed)
    }

    /// The wait that a server or an error asked for: at least 1 second, capped.
    pub fn requested(&self, seconds: u32) -> u32 {
        seconds.min(self.max_server_seconds).max(1)
    }

    fn step_backoff(&self, n: u32, step: StepBackoff, seed: Seed) -> u32 {
        if n == 0 {
            return 0;
        }
        let scaled = (f64::from(self.base(n)) * step.factor).ceil() as u32;
        let value = scaled.min(self.max_seconds);
        let jittered = match step.jitter.or(self.jitter) {
            Some(share) => jitter(value, share, seed, n),
            None => value,
        };
        jittered.min(self.max_seconds).max(1)
    }

    /// The table entry of `n`, beyond the table the power of `n`; capped.
    fn base(&self, n: u32) -> u32 {
        let entry = self.table.get(n as usize - 1).copied();
        entry.unwrap_or_else(|| f64::from(n).powf(self.multiplier) as u32).min(self.max_seconds)
    }
}

/// The wait of steps without exponential backoff: min(2^min(n, 5), 30).
fn default_wait(n: u32) -> u32 {
    2_u32.pow(n.min(5)).min(30)
}

/// The value moved by a whole number drawn evenly from -r to r, r being the rounded share of the value.
fn jitter(value: u32, share: f64, seed: Seed, n: u32) -> u32 {
    let reach = u64::from((f64::from(value) * share).round() as u32);
    let choices = 2 * reach + 1;
    let drawn = ((u128::from(draw(seed, n)) * u128::from(choices)) >> 64) as u64;
    u32::try_from((u64::from(value) + drawn).saturating_sub(reach)).unwrap_or(u32::MAX)
}

/// 64 evenly spread bits for one execution of one step.
fn draw(seed: Seed, n: u32) -> u64 {
    let (high, low) = seed.task.0.as_u64_pair();
    let place = (u64::from(seed.step.0) << 32) | u64::from(n);
    [high, low, place].into_iter().fold(0, |state, word| split_mix(state ^ word))
}

/// One round of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the input changes half of the output.
fn split_mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::time::Timestamp;

    const ORDINARY: StepBackoff = StepBackoff { exponential: true, factor: 1.0, jitter: None };

    fn seed(task: u128) -> Seed {
        Seed { task: TaskId(Uuid::from_u128(task)), step: Ordinal(3) }
    }

    fn steady() -> BackoffPolicy {
        BackoffPolicy { jitter: None, ..BackoffPolicy::default() }
    }

    fn wait(
        policy: &BackoffPolicy,
        step: StepBackoff,
        retry_after: Option<u32>,
        n: u32,
    ) -> (u32, WaitSource) {
        let seconds = wait_after_failure(policy, step, retry_after, seed(1).task, Ordinal(0), n);
        (seconds, WaitSource::of(step, retry_after))
    }

    fn values_over_tasks(policy: &BackoffPolicy, n: u32) -> BTreeSet<u32> {
        (0..2_000).map(|task| policy.backoff(n, seed(task))).collect()
    }

    #[test]
    fn dom_97_obs_80_waits_follow_the_table_then_the_power_of_n() {
        let waits: Vec<_> = (0..=8).map(|n| steady().backoff(n, seed(1))).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 49, 64]);
        assert_eq!(steady().backoff(20, seed(1)), 300);
        assert_eq!(steady().backoff(100, seed(1)), 300);
        assert_eq!(steady().backoff(u32::MAX, seed(1)), 300);
    }

    #[test]
    fn dom_97_jitter_moves_a_wait_either_way_but_never_below_1_or_above_the_cap() {
        let half = BackoffPolicy { jitter: Some(0.5), ..BackoffPolicy::default() };
        assert_eq!(values_over_tasks(&half, 1), BTreeSet::from([1, 2]));
        assert_eq!(values_over_tasks(&half, 3), BTreeSet::from([2, 3, 4, 5, 6]));
        let capped = values_over_tasks(&half, 100);
        assert_eq!((capped.first(), capped.last()), (Some(&150), Some(&300)));
    }

    #[test]
    fn obs_80_jitter_stays_within_its_share() {
        for (n, wait) in [1_i64, 2, 4, 8, 16, 32, 49].into_iter().enumerate() {
            let share = (wait as f64 * 0.1).round() as i64;
            for found in values_over_tasks(&BackoffPolicy::default(), n as u32 + 1) {
                assert!(
                    (i64::from(found) - wait).abs() <= share && found >= 1,
                    "{found} s instead of {wait} s"
                );
            }
        }
        let capped = values_over_tasks(&BackoffPolicy::default(), 20);
        assert_eq!((capped.first(), capped.last()), (Some(&270), Some(&300)));
    }

    #[test]
    fn ten_percent_leaves_short_waits_alone() {
        let policy = BackoffPolicy::default();
        for (n, expected) in [(1, 1..=1), (2, 2..=2), (3, 4..=4), (4, 7..=9), (5, 14..=18), (6, 29..=35)] {
            assert_eq!(values_over_tasks(&policy, n), expected.collect(), "n = {n}");
        }
    }

    #[test]
    fn dom_98_a_list_and_a_multiplier_of_ones_own() {
        let policy =
            BackoffPolicy { table: vec![5, 10], multiplier: 1.5, max_seconds: 60, jitter: None, ..steady() };
        let waits = [1, 2, 3, 100].map(|n| policy.backoff(n, seed(1)));
        assert_eq!(waits, [5, 10, 5, 60]);
    }

    #[test]
    fn dom_102_without_a_request_the_wait_is_computed_or_the_default() {
        let off = StepBackoff { exponential: false, ..ORDINARY };
        assert_eq!(wait(&steady(), ORDINARY, None, 1), (1, WaitSource::Exponential));
        assert_eq!(wait(&steady(), ORDINARY, None, 3), (4, WaitSource::Exponential));
        let defaults = [1, 2, 3, 4, 5, 6, 90].map(|n| wait(&steady(), off, None, n));
        assert_eq!(defaults, [2, 4, 8, 16, 30, 30, 30].map(|s| (s, WaitSource::Default)));
    }

    #[test]
    fn dom_101_a_requested_wait_comes_first_and_is_capped_by_its_own_limit() {
        for (asked, expected) in [(30, 30), (900, 900), (0, 1), (7200, 3600), (u32::MAX, 3600)] {
            let off = StepBackoff { exponential: false, ..ORDINARY };
            assert_eq!(wait(&steady(), ORDINARY, Some(asked), 2), (expected, WaitSource::ServerRequested));
            assert_eq!(wait(&steady(), off, Some(asked), 2), (expected, WaitSource::ServerRequested));
        }
    }

    #[test]
    fn dom_56_a_requested_wait_is_over_to_the_second() {
        let failed_at = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        for asked in [60, 1] {
            let due = failed_at.plus_seconds(i64::from(wait(&steady(), ORDINARY, Some(asked), 1).0));
            assert!(failed_at.plus_seconds(i64::from(asked) - 1) < due);
            assert_eq!(failed_at.plus_seconds(i64::from(asked)), due);
        }
    }

    #[test]
    fn dom_92_a_requested_wait_leaves_no_trace_in_later_ones() {
        assert_eq!(wait(&steady(), ORDINARY, Some(300), 1), (300, WaitSource::ServerRequested));
        assert_eq!(wait(&steady(), ORDINARY, None, 2), (2, WaitSource::Exponential));
    }

    #[test]
    fn as_42_a_step_that_always_fails_waits_1_second_then_2() {
        let policy = BackoffPolicy::default();
        assert_eq!([1, 2].map(|n| wait(&policy, ORDINARY, None, n).0), [1, 2]);
    }

    #[test]
    fn a_step_may_stretch_its_waits_and_choose_its_jitter() {
        let stretched = StepBackoff { factor: 2.5, ..ORDINARY };
        assert_eq!([1, 2, 3, 100].map(|n| wait(&steady(), stretched, None, n).0), [3, 5, 10, 300]);
        let shortened = StepBackoff { factor: 0.1, ..ORDINARY };
        assert_eq!([1, 4, 6, 100].map(|n| wait(&steady(), shortened, None, n).0), [1, 1, 4, 30]);
        let none = StepBackoff { jitter: Some(0.0), ..ORDINARY };
        assert_eq!(wait(&BackoffPolicy::default(), none, None, 6).0, 32);
        let own = StepBackoff { jitter: Some(1.0), ..ORDINARY };
        let drawn: BTreeSet<_> = (0..2_000).map(|t| steady().step_backoff(2, own, seed(t))).collect();
        assert_eq!(drawn, BTreeSet::from([1, 2, 3, 4]));
    }

    #[test]
    fn every_setting_out_of_range_is_named() {
        assert_eq!(BackoffPolicy::default().validate(), Ok(()));
        let broken = BackoffPolicy {
            table: Vec::new(),
            max_seconds: 0,
            multiplier: f64::NAN,
            jitter: Some(1.5),
            max_server_seconds: 0,
        };
        let problems = broken.validate().unwrap_err();
        assert_eq!(problems.len(), 5);
        assert_eq!(
            problems[3].to_string(),
            "backoff.jitter_max_percentage is 1.5, but must be between 0 and 1"
        );
    }

    proptest! {
        #[test]
        fn a_wait_stays_between_1_and_the_cap(
            task: u128,
            n in 1_u32..,
            table in prop::collection::vec(any::<u32>(), 0..5),
            max_seconds in 1_u32..100_000,
            multiplier in 1.0..100.0_f64,
            share in prop::option::of(0.0..=1.0_f64),
            factor in 0.0..1e12_f64,
        ) {
            let policy = BackoffPolicy { table, max_seconds, multiplier, jitter: share, max_server_seconds: 3600 };
            let step = StepBackoff { factor, ..ORDINARY };
            let wait = wait_after_failure(&policy, step, None, seed(task).task, Ordinal(0), n);
            prop_assert!((1..=max_seconds).contains(&wait), "{wait} s");
        }

        #[test]
        fn the_same_execution_always_gets_the_same_wait(task: u128, n in 0_u32..50) {
            let policy = BackoffPolicy { jitter: Some(0.5), ..BackoffPolicy::default() };
            prop_assert_eq!(policy.backoff(n, seed(task)), policy.backoff(n, seed(task)));
        }
    }
}
