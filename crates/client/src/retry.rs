//! Whether one more attempt is safe, and after which wait.

use std::time::Duration;

/// The wait before the second attempt where the server asks for none; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// How much is put up with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Patience {
    pub(crate) retries: u32,
    pub(crate) max_wait: Duration,
}

/// How an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Attempt {
    /// No answer came.
    Unanswered,
    /// This answer came.
    Answered { status: u16, retry_after: Option<Duration> },
}

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 3, max_wait: Duration::from_secs(10) }
    }
}

impl Patience {
    /// The wait before one more attempt; `None`: there is none. `is_repeatable` is whether doing it twice is the same
    /// as doing it once, `n_before` how many attempts there were before this one.
    pub(crate) fn wait(self, attempt: Attempt, is_repeatable: bool, n_before: u32) -> Option<Duration> {
        let (is_safe, asked) = match attempt {
            Attempt::Unanswered => (is_repeatable, None),
            Attempt::Answered { status: 429, retry_after } => (true, retry_after),
            Attempt::Answered { status: 503, retry_after } => (is_repeatable, retry_after),
            Attempt::Answered { .. } => (false, None),
        };
        let usual = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_before));
        let wait = asked.unwrap_or(usual.min(self.max_wait));
        (is_safe && n_before < self.retries && wait <= self.max_wait).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { retries: 3, max_wait: Duration::from_secs(10) };

    fn answered(status: u16, seconds: Option<u64>) -> Attempt {
        Attempt::Answered { status, retry_after: seconds.map(Duration::from_secs) }
    }

    fn millis(attempt: Attempt, is_repeatable: bool, n_before: u32) -> Option<u128> {
        PATIENCE.wait(attempt, is_repeatable, n_before).map(|wait| wait.as_millis())
    }

    #[test]
    fn what_may_be_done_twice_is_tried_again_after_growing_waits() {
        let waits: Vec<_> = (0..5).map(|n| millis(Attempt::Unanswered, true, n)).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(400), None, None]);
        assert_eq!(millis(answered(503, None), true, 0), Some(100));
        assert_eq!(millis(answered(503, Some(2)), true, 0), Some(2_000));
    }

    #[test]
    fn all_else_is_tried_again_only_if_nothing_was_done() {
        assert_eq!(millis(Attempt::Unanswered, false, 0), None);
        assert_eq!(millis(answered(503, Some(1)), false, 0), None);
        assert_eq!(millis(answered(429, Some(1)), false, 0), Some(1_000));
    }

    #[test]
    fn a_server_that_asks_for_too_much_patience_is_not_waited_for() {
        assert_eq!(millis(answered(429, Some(11)), true, 0), None);
        assert_eq!(millis(answered(429, Some(10)), true, 0), Some(10_000));
    }

    #[test]
    fn refusals_and_failures_stand() {
        for status in [301, 400, 401, 404, 409, 422, 500, 502] {
            assert_eq!(millis(answered(status, Some(1)), true, 0), None, "{status}");
        }
    }
}
