//! When the queue is asked for due steps.
//!
//! Continuation keeps a chain on its worker without asking the queue. So that a busy worker's own chains starve
//! nobody, the queue comes first after 16 continuations or 100 ms without a question (`engine.md` 3).

use std::time::Duration;

use tasker_store::write::FromQueue;
use tokio::time::Instant;

const MOST_CONTINUATIONS: usize = 16;
const LONGEST_SILENCE: Duration = Duration::from_millis(100);

/// What is known about the queue.
#[derive(Debug)]
pub(crate) struct Claimer {
    poll_interval: Duration,
    may_have_more: bool,
    asked_at: Instant,
    continuations: usize,
    next_look: Instant,
}

impl Claimer {
    /// Nothing is known: the first batch asks.
    pub(crate) fn new(poll_interval: Duration, now: Instant) -> Self {
        Self { poll_interval, may_have_more: true, asked_at: now, continuations: 0, next_look: now }
    }

    /// There may be due steps.
    pub(crate) fn hint(&mut self) {
        self.may_have_more = true;
    }

    /// Whether the queue should be asked even if nothing else is to be written.
    pub(crate) fn wants_to_ask(&self, now: Instant) -> bool {
        self.may_have_more || now >= self.next_look
    }

    /// When to look although no hint came.
    pub(crate) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// How a batch that is written anyway should claim.
    pub(crate) fn how_to_claim(&self, now: Instant) -> FromQueue {
        let overdue = self.continuations >= MOST_CONTINUATIONS || now - self.asked_at >= LONGEST_SILENCE;
        match (overdue, self.wants_to_ask(now)) {
            (true, _) => FromQueue::First,
            (false, true) => FromQueue::Last,
            (false, false) => FromQueue::Never,
        }
    }

    /// Learns from a committed batch: how it claimed, how many slots it could use and used, and when (from now) the
    /// next step is due, if the store said so. `jitter` is 0 to 1.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        how: FromQueue,
        slots: u32,
        claimed: usize,
        next_due: Option<Duration>,
        jitter: f64,
    ) {
        if how == FromQueue::Never {
            self.continuations += claimed;
            return;
        }
        self.continuations = 0;
        self.asked_at = now;
        self.may_have_more = claimed >= slots as usize;
        let poll = self.poll_interval.mul_f64(0.9 + 0.2 * jitter);
        self.next_look = now + next_due.map_or(poll, |due| due.min(poll));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(1);

    #[test]
    fn an_empty_queue_is_asked_once_a_second() {
        let start = Instant::now();
        let mut claimer = Claimer::new(POLL, start);
        assert_eq!(claimer.how_to_claim(start), FromQueue::Last);
        claimer.learn(start, FromQueue::Last, 8, 0, None, 0.5);
        assert!(!claimer.wants_to_ask(start));
        assert_eq!(claimer.next_look(), start + POLL);
        assert!(claimer.wants_to_ask(start + POLL));
    }

    #[test]
    fn a_full_claim_and_a_hint_ask_again() {
        let start = Instant::now();
        let mut claimer = Claimer::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 8, None, 0.5);
        assert!(claimer.wants_to_ask(start));
        claimer.learn(start, FromQueue::Last, 8, 3, None, 0.5);
        assert!(!claimer.wants_to_ask(start));
        claimer.hint();
        assert!(claimer.wants_to_ask(start));
    }

    #[test]
    fn the_queue_comes_first_after_16_continuations_or_100_ms() {
        let start = Instant::now();
        let mut claimer = Claimer::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 0, None, 0.5);
        for _ in 0..15 {
            claimer.learn(start, FromQueue::Never, 8, 1, None, 0.5);
        }
        assert_eq!(claimer.how_to_claim(start), FromQueue::Never);
        claimer.learn(start, FromQueue::Never, 8, 1, None, 0.5);
        assert_eq!(claimer.how_to_claim(start), FromQueue::First);
        claimer.learn(start, FromQueue::First, 8, 0, None, 0.5);
        assert_eq!(claimer.how_to_claim(start), FromQueue::Never);
        assert_eq!(claimer.how_to_claim(start + LONGEST_SILENCE), FromQueue::First);
    }

    #[test]
    fn a_step_due_sooner_than_the_poll_is_looked_for_in_time() {
        let start = Instant::now();
        let mut claimer = Claimer::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 0, Some(Duration::from_millis(300)), 0.5);
        assert_eq!(claimer.next_look(), start + Duration::from_millis(300));
    }
}
