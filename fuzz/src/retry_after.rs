//! `Retry-After`: whatever a server writes, the wait is at least a second and at most what is allowed.
//!
//! An input is the time (8 bytes: microseconds, little-endian) and the header.

use tasker_core::backoff::{BackoffPolicy, WaitSource, wait_after_failure};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::plan::StepBackoff;
use tasker_core::retry_after::parse;
use tasker_core::time::Timestamp;

use crate::text;

/// Checks a header at a time.
pub fn check(input: &[u8]) {
    let Some((now, header)) = input.split_first_chunk() else { return };
    let Some(header) = text(header) else { return };
    let now = Timestamp::from_micros(i64::from_le_bytes(*now));
    let asked = parse(header, now);
    assert_eq!(asked, parse(&format!(" {header}\t"), now), "white space around it does not count");
    if let Some(seconds) = asked {
        assert!(seconds >= 1, "a wait of nothing");
        is_no_longer_later(header, now, seconds);
    }
    if let Ok(seconds) = header.trim().parse::<u32>()
        && !header.trim().starts_with('+')
    {
        assert_eq!(asked, Some(seconds.max(1)), "digits are seconds");
    }
    wait_is_within_bounds(asked);
}

/// A date comes nearer; seconds stay as they are.
fn is_no_longer_later(header: &str, now: Timestamp, seconds: u32) {
    for passed in [1, 60, 86_400] {
        let later = parse(header, now.plus_seconds(passed));
        let expected = i64::from(seconds) - passed;
        let is_date = later.is_some_and(|later| i64::from(later) == expected.max(1));
        let is_far = seconds == u32::MAX && later.is_some();
        assert!(is_date || is_far || later == Some(seconds), "{seconds} s, {passed} s later {later:?}");
    }
}

fn wait_is_within_bounds(asked: Option<u32>) {
    let policy = BackoffPolicy::default();
    let step = StepBackoff { exponential: true, factor: 1.0, jitter: None };
    let wait = wait_after_failure(&policy, step, asked, TaskId(uuid::Uuid::nil()), Ordinal(0), 1);
    assert!((1..=policy.max_server_seconds).contains(&wait), "{wait} s");
    assert_eq!(WaitSource::of(step, asked) == WaitSource::ServerRequested, asked.is_some());
}
