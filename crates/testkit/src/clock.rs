//! A clock that only tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tasker_core::time::Timestamp;

/// Begins at 2026-01-31T09:00:00Z and stands still until it is told otherwise. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        let start = Timestamp::parse("2026-01-31T09:00:00Z").expect("the text is RFC 3339");
        Self(Arc::new(AtomicI64::new(start.as_micros())))
    }
}

impl TestClock {
    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    /// Moves it on.
    pub fn advance(&self, span: Duration) {
        let micros = i64::try_from(span.as_micros()).expect("a test spans less than 290,000 years");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Moves it on by whole seconds.
    pub fn advance_seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Sets it, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// The clock in the form that stores take.
    pub fn source(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
