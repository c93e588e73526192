//! A store that tells what goes through it: which tasks ended and when, and how many transactions wrote something.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
impl Store for CountingStore {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        let submitted = self.inner.submit(batch).await?;
        self.meter.committed(0);
        Ok(submitted)
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        let has_inputs = !batch.inputs.is_empty();
        let applied = self.inner.apply(batch).await?;
        if has_inputs || !applied.work.is_empty() {
            self.meter.committed(applied.ended.len());
        }
        Ok(applied)
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

    async fn hinted(&self) {
        self.inner.hinted().await;
    }

    fn patience(&self) -> std::time::Duration {
        self.inner.patience()
    }
}
