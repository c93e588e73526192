//! Live events: the log, told as it grows to everybody who listens (`docs/api.md`, "Events").
//!
//! One reader follows the log of all tasks while anybody listens, and keeps the newest events ([`tail`]). A stream takes
//! events from there by position; whoever is further behind reads the database itself until it has caught up
//! ([`stream`]). So a slow listener delays nobody and costs no memory, and many cost hardly more than one.

mod event;
mod ring;
mod stream;
mod tail;

use std::sync::{Arc, Weak};

use tasker_engine::{Engine, UseCaseError};
use tokio::sync::{Mutex, Semaphore};

pub(crate) use self::event::Wanted;
pub(crate) use self::stream::{Span, Start, open};
use self::tail::Tail;

/// Streams that read the database at the same time.
const CATCHING_UP: usize = 4;

/// What all streams share.
pub(crate) struct Events {
    /// The reader that follows the log, as long as there are streams.
    tail: Mutex<Weak<Tail>>,
    /// One permit for each stream.
    places: Arc<Semaphore>,
    /// One permit for each stream that reads the database.
    turns: Semaphore,
}

impl Events {
    /// For at most so many streams.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            tail: Mutex::default(),
            places: Arc::new(Semaphore::new(most)),
            turns: Semaphore::new(CATCHING_UP),
        }
    }

    /// The reader of the log: the one there is, or a new one.
    async fn tail(&self, engine: &Engine) -> Result<Arc<Tail>, UseCaseError> {
        let mut current = self.tail.lock().await;
        if let Some(tail) = current.upgrade() {
            return Ok(tail);
        }
        let tail = Tail::follow(engine).await?;
        *current = Arc::downgrade(&tail);
        Ok(tail)
    }
}
