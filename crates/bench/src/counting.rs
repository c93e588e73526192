//! A store that tells what goes through it: which tasks ended and when, and how many transactions wrote something.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tasker_store::wrapper::Wrapper;
use tasker_store::write::{Applied, ApplyBatch, SubmitBatch, Submitted};
use tasker_store::{Store, StoreError};
use tokio::sync::watch;

use crate::database::Database;

/// What went through a store.
pub(crate) struct Meter {
    commits: AtomicU64,
    ended: watch::Sender<Ended>,
    database: Option<Arc<dyn Database>>,
}

/// Tasks that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// How many.
    pub(crate) count: u64,
    /// When the last of them was committed.
    pub(crate) last: Instant,
    /// The same, in microseconds since 1970: instants of other processes cannot be compared.
    pub(crate) last_micros: u64,
}

impl Meter {
    /// Of a store over this database, which is looked at after every commit, if one is given.
    pub(crate) fn new(database: Option<Arc<dyn Database>>) -> Arc<Self> {
        let none = Ended { count: 0, last: Instant::now(), last_micros: 0 };
        Arc::new(Self { commits: AtomicU64::new(0), ended: watch::Sender::new(none), database })
    }

    /// Transactions that wrote something of tasks.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Tasks that ended, and a hint whenever more do.
    pub(crate) fn ended(&self) -> watch::Receiver<Ended> {
        self.ended.subscribe()
    }

    fn committed(&self, n_ended: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        if n_ended > 0 {
            let last = Instant::now();
            self.ended.send_modify(|ended| {
                *ended = Ended { count: ended.count + n_ended as u64, last, last_micros: now_micros() };
            });
        }
        self.database.iter().for_each(|database| database.observe());
    }
}

/// Now, in microseconds since 1970.
pub(crate) fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A store with a meter.
pub(crate) struct CountingStore {
    inner: Arc<dyn Store>,
    meter: Arc<Meter>,
}

impl CountingStore {
    /// Counts what goes through `inner`.
    pub(crate) fn over(inner: Arc<dyn Store>, meter: Arc<Meter>) -> Arc<Self> {
        Arc::new(Self { inner, meter })
    }
}

#[async_trait]
impl Wrapper for CountingStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn submit_through(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        let submitted = self.inner.submit(batch).await?;
        self.meter.committed(0);
        Ok(submitted)
    }

    async fn apply_through(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        let has_inputs = !batch.inputs.is_empty();
        let applied = self.inner.apply(batch).await?;
        if has_inputs || !applied.work.is_empty() {
            self.meter.committed(applied.ended.len());
        }
        Ok(applied)
    }
}
