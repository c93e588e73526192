//! A store that counts the transactions that wrote something, and fails calls on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tasker_store::wrapper::Wrapper;
use tasker_store::write::{Applied, ApplyBatch, SubmitBatch, Submitted};
use tasker_store::{Store, StoreError};

/// How an armed failure strikes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strike {
    /// Nothing is written.
    Before,
    /// It is written, and the answer is lost.
    After,
}

/// See the module.
pub struct Counting {
    inner: Arc<dyn Store>,
    writes: AtomicUsize,
    failing: std::sync::Mutex<Vec<Strike>>,
}

impl Counting {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, writes: AtomicUsize::new(0), failing: std::sync::Mutex::default() })
    }

    /// Submissions and changes committed so far.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// The next changes (with inputs) fail like this, one after another.
    pub fn fail_next(&self, strikes: &[Strike]) {
        self.failing.lock().unwrap().extend(strikes.iter().rev());
    }
}

fn lost(trying: &str) -> StoreError {
    StoreError::OutcomeUnknown { trying: trying.into(), source: "the connection was cut".into() }
}

#[async_trait]
impl Wrapper for Counting {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn submit_through(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.submit(batch).await
    }

    async fn apply_through(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        let strike = if batch.inputs.is_empty() { None } else { self.failing.lock().unwrap().pop() };
        if strike == Some(Strike::Before) {
            return Err(StoreError::Unavailable { trying: "a test".into(), source: "refused".into() });
        }
        // Counted before it can be seen: whoever sees the last change sees the count.
        let has_inputs = !batch.inputs.is_empty();
        self.writes.fetch_add(usize::from(has_inputs), Ordering::SeqCst);
        let applied = self.inner.apply(batch).await?;
        if !has_inputs && !applied.work.is_empty() {
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        if strike == Some(Strike::After) { Err(lost("a test")) } else { Ok(applied) }
    }
}
