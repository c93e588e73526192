//! Counting everything: once however many ask, told again for a while, and for a small share of the time only.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::time::Timestamp;
use tasker_store::analytics::Census;
use tasker_store::read::QueueDepth;
use tasker_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::error::UseCaseError;

/// Counting reads every step. It takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// What a database held at about one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Counted {
    /// The store's time when counting began.
    pub at: Timestamp,
    /// Tasks and steps.
    pub census: Census,
    /// What is scheduled and running, per handler.
    pub queue: Vec<QueueDepth>,
    /// How long the log has not been told to its end, because a write in the database is under way.
    pub log_lag: Duration,
}

/// What was counted the last time.
#[derive(Default)]
pub(crate) struct LastCount(Mutex<Option<Kept>>);

struct Kept {
    since: Instant,
    took: Duration,
    counted: Arc<Counted>,
}

impl Engine {
    /// Everything counted, not longer ago than `max_age`, or than twenty times as long as counting took. Whoever asks while it
    /// is counted gets the same. A failure is not kept.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn counted(&self, max_age: Duration) -> Result<Arc<Counted>, UseCaseError> {
        let parts = self.parts.clone();
        // What was begun is finished, or those who do not wait for long would have it begun again and again.
        let counting = tokio::spawn(async move { parts.last_count.get(&*parts.store, max_age).await });
        Ok(counting.await.map_err(|_| UseCaseError::Stopped)??)
    }
}

impl LastCount {
    async fn get(&self, store: &dyn Store, max_age: Duration) -> Result<Arc<Counted>, StoreError> {
        let mut last = self.0.lock().await;
        if let Some(kept) = last.as_ref().filter(|kept| kept.is_fresh(max_age)) {
            return Ok(kept.counted.clone());
        }
        let begin = Instant::now();
        let counted = Arc::new(count(store).await?);
        *last = Some(Kept { since: Instant::now(), took: begin.elapsed(), counted: counted.clone() });
        Ok(counted)
    }
}

impl Kept {
    fn is_fresh(&self, max_age: Duration) -> bool {
        self.since.elapsed() < max_age.max(self.took * SHARE)
    }
}

async fn count(store: &dyn Store) -> Result<Counted, StoreError> {
    Ok(Counted {
        at: store.now().await?,
        census: store.census().await?,
        queue: store.queue().await?,
        log_lag: store.log_lag().await?,
    })
}
