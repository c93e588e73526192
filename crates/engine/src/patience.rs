//! How long requests are tried, and how long is waited in between.

use std::time::Duration;

use tokio::time::Instant;

/// How long a request is tried while the database cannot be used.
pub(crate) const REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// Shortest and longest wait before a failed commit is tried again.
pub(crate) const RETRY_WAITS: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(1));

/// What is left of the patience with one request.
pub(crate) struct Patience {
    give_up_at: Instant,
    wait: Duration,
}

impl Patience {
    /// All of it: [`REQUEST_PATIENCE`].
    pub(crate) fn new() -> Self {
        Self { give_up_at: Instant::now() + REQUEST_PATIENCE, wait: RETRY_WAITS.0 }
    }

    /// Whether there is time to wait and to try again.
    pub(crate) fn is_left(&self) -> bool {
        Instant::now() + self.wait < self.give_up_at
    }

    /// Waits before another try, twice as long as before.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(RETRY_WAITS.1);
    }
}
