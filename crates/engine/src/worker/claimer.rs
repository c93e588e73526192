//! When the queue is asked for due steps.
//!
//! Continuation keeps a chain on its worker without asking the queue. So that a busy worker's own chains starve
//! nobody, the queue comes first after 16 continuations or 100 ms without a question (`engine.md` 3). The lanes of a node
//! take turns: while one of them asks, the others do not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasker_store::write::FromQueue;
use tokio::sync::Notify;
use tokio::time::Instant;

const MOST_CONTINUATIONS: usize = 16;
const LONGEST_SILENCE: Duration = Duration::from_millis(100);

/// How long nobody asks for the sake of asking after steps were due that could not be claimed: others work on their tasks.
const REST: Duration = Duration::from_millis(2);

/// What the lanes of a node know about the queue together.
pub(crate) struct Claimer {
    known: Mutex<Known>,
    changed: Notify,
}

impl Claimer {
    /// Nothing is known: the first batch asks.
    pub(crate) fn new(poll_interval: Duration, now: Instant) -> Self {
        Self { known: Mutex::new(Known::new(poll_interval, now)), changed: Notify::new() }
    }

    /// There may be due steps.
    pub(crate) fn hint(&self) {
        self.known().may_have_more = true;
    }

    /// Whether the queue should be asked even if nothing else is to be written.
    pub(crate) fn wants_to_ask(&self, now: Instant) -> bool {
        self.known().wants_to_ask(now)
    }

    /// When to look although no hint came; `None` while somebody looks.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let known = self.known();
        (!known.is_asking).then_some(known.next_look.max(known.rests_until))
    }

    /// Resolves when somebody has looked, or could not.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How a batch that is written now should claim. Whoever is told to ask tells afterwards what came of it:
    /// [`Claimer::learn`] or [`Claimer::give_up`].
    pub(crate) fn take_turn(&self, now: Instant) -> FromQueue {
        self.known().take_turn(now)
    }

    /// The batch that was to ask was not committed.
    pub(crate) fn give_up(&self, how: FromQueue) {
        if how != FromQueue::Never {
            self.known().is_asking = false;
            self.changed.notify_one();
        }
    }

    /// Learns from a committed batch: how it claimed, how many slots it could use and used, and when (from now) the
    /// next step is due, if the store said so. `jitter` is 0 to 1.
    pub(crate) fn learn(
        &self,
        now: Instant,
        how: FromQueue,
        slots: u32,
        claimed: usize,
        next_due: Option<Duration>,
        jitter: f64,
    ) {
        self.known().learn(now, how, slots, claimed, next_due, jitter);
        if how != FromQueue::Never {
            self.changed.notify_one();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known about the queue.
#[derive(Debug)]
struct Known {
    poll_interval: Duration,
    may_have_more: bool,
    is_asking: bool,
    asked_at: Instant,
    continuations: usize,
    next_look: Instant,
    rests_until: Instant,
}

impl Known {
    fn new(poll_interval: Duration, now: Instant) -> Self {
        Self {
            poll_interval,
            may_have_more: true,
            is_asking: false,
            asked_at: now,
            continuations: 0,
            next_look: now,
            rests_until: now,
        }
    }

    fn wants_to_ask(&self, now: Instant) -> bool {
        now >= self.rests_until && self.expects_some(now)
    }

    fn expects_some(&self, now: Instant) -> bool {
        !self.is_asking && (self.may_have_more || now >= self.next_look)
    }

    fn how_to_claim(&self, now: Instant) -> FromQueue {
        let overdue = self.continuations >= MOST_CONTINUATIONS || now - self.asked_at >= LONGEST_SILENCE;
        match (overdue, self.expects_some(now)) {
            _ if self.is_asking => FromQueue::Never,
            (true, _) => FromQueue::First,
            (false, true) => FromQueue::Last,
            (false, false) => FromQueue::Never,
        }
    }

    fn take_turn(&mut self, now: Instant) -> FromQueue {
        let how = self.how_to_claim(now);
        self.is_asking |= how != FromQueue::Never;
        how
    }

    fn learn(
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
        self.is_asking = false;
        self.continuations = 0;
        self.asked_at = now;
        let is_left = claimed < slots as usize && next_due.is_some_and(|due| due.is_zero());
        self.may_have_more = claimed >= slots as usize || is_left;
        if is_left {
            self.rests_until = now + REST;
        }
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
        let mut claimer = Known::new(POLL, start);
        assert_eq!(claimer.how_to_claim(start), FromQueue::Last);
        claimer.learn(start, FromQueue::Last, 8, 0, None, 0.5);
        assert!(!claimer.wants_to_ask(start));
        assert_eq!(claimer.next_look, start + POLL);
        assert!(claimer.wants_to_ask(start + POLL));
    }

    #[test]
    fn a_full_claim_and_a_hint_ask_again() {
        let start = Instant::now();
        let mut claimer = Known::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 8, None, 0.5);
        assert!(claimer.wants_to_ask(start));
        claimer.learn(start, FromQueue::Last, 8, 3, None, 0.5);
        assert!(!claimer.wants_to_ask(start));
        claimer.may_have_more = true;
        assert!(claimer.wants_to_ask(start));
    }

    #[test]
    fn the_queue_comes_first_after_16_continuations_or_100_ms() {
        let start = Instant::now();
        let mut claimer = Known::new(POLL, start);
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
    fn what_is_due_and_cannot_be_claimed_is_asked_for_with_the_next_batch_or_after_a_rest() {
        let start = Instant::now();
        let mut claimer = Known::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 0, Some(Duration::ZERO), 0.5);
        assert!(!claimer.wants_to_ask(start));
        assert!(claimer.wants_to_ask(start + REST));
        assert_eq!(claimer.take_turn(start), FromQueue::Last);
    }

    #[test]
    fn one_lane_asks_at_a_time() {
        let start = Instant::now();
        let claimer = Claimer::new(POLL, start);
        assert_eq!(claimer.take_turn(start), FromQueue::Last);
        assert_eq!(claimer.take_turn(start + LONGEST_SILENCE), FromQueue::Never);
        assert!(!claimer.wants_to_ask(start + POLL));
        assert_eq!(claimer.next_look(), None);
        claimer.give_up(FromQueue::Last);
        assert_eq!(claimer.take_turn(start), FromQueue::Last);
        claimer.learn(start, FromQueue::Last, 8, 8, None, 0.5);
        assert!(claimer.wants_to_ask(start));
    }

    #[test]
    fn a_step_due_sooner_than_the_poll_is_looked_for_in_time() {
        let start = Instant::now();
        let mut claimer = Known::new(POLL, start);
        claimer.learn(start, FromQueue::Last, 8, 0, Some(Duration::from_millis(300)), 0.5);
        assert_eq!(claimer.next_look, start + Duration::from_millis(300));
    }
}
