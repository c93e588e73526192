//! A store that counts the transactions that wrote something, and fails calls on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{AnalyticsMetrics, HealthCounts, SlowStep, SlowTask, SlowestQuery};
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use tasker_store::read::{
    Cursor, Finding, LogEntry, LogQuery, LogReader, QueueDepth, SchemaStatus, TaskDetail, TaskFilter,
    TaskPage,
};
use tasker_store::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted};
use tasker_store::{ObjectRef, Store, StoreError};

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
impl Store for Counting {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.submit(batch).await
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
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

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        self.inner.heartbeat(beat).await
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.inner.worker_stopped(worker).await
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        self.inner.prune(request).await
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        self.inner.register(registration).await
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        self.inner.retire(selector, retired).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        self.inner.delete_namespace(name).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        self.inner.namespaces().await
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        self.inner.definitions(namespace).await
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        self.inner.resolve(selector).await
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        self.inner.plan(revision).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        self.inner.task(id).await
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        self.inner.steps(id).await
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        self.inner.result(id, step).await
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        self.inner.tasks(filter).await
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        self.inner.log(query).await
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        self.inner.log_end(task, back).await
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        self.inner.note_reader(name, at).await
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        self.inner.forget_reader(name).await
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        self.inner.readers().await
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.inner.queue().await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        self.inner.workers().await
    }

    async fn health_counts(&self) -> Result<HealthCounts, StoreError> {
        self.inner.health_counts().await
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        self.inner.analytics(since).await
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        self.inner.slowest_tasks(query).await
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        self.inner.slowest_steps(query).await
    }

    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.inner.check(limit).await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        self.inner.schema().await
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        self.inner.link_objects(one, two).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }
}
