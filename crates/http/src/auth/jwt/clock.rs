//! What time it is, for tokens.

use std::time::{Duration, Instant};

use tasker_core::time::Timestamp;

use crate::state::host_time;

/// What time it is.
pub trait JwtClock: Send + Sync + 'static {
    /// The time of day, which tokens are judged by.
    fn time(&self) -> Timestamp;

    /// Time since some start; it never goes back. The age of keys is measured with it.
    fn uptime(&self) -> Duration;
}

/// The clock of this host.
#[derive(Clone, Copy, Debug)]
pub struct HostClock(Instant);

impl Default for HostClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl JwtClock for HostClock {
    fn time(&self) -> Timestamp {
        host_time()
    }

    fn uptime(&self) -> Duration {
        self.0.elapsed()
    }
}
