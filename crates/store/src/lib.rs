//! The storage port of Tasker: one write path, and the reads that people and the engine need.
//!
//! A store keeps rows and applies decisions of `tasker-core`; it makes none. Every write takes many items and is one
//! transaction.
//!
//! [`memory::MemoryStore`] is the reference that the other stores are compared with.

pub mod analytics;
pub mod definitions;
pub mod error;
pub mod integrity;
pub mod keys;
pub mod list;
pub mod memory;
pub mod query;
pub mod read;
pub mod survey;
pub mod workers;
pub mod wrapper;
pub mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;

pub use crate::error::StoreError;

use crate::analytics::{
    AnalyticsMetrics, Census, HealthCounts, PoolUse, SlowStep, SlowTask, SlowestQuery, VitalSigns,
};
use crate::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use crate::integrity::{CheckPart, Checked, Finding, RepairRequest, Repaired, WholeCheck};
use crate::keys::KeyStore;
use crate::read::{
    Cursor, LogEntry, LogQuery, LogReader, QueueDepth, SchemaStatus, TaskDetail, TaskFilter, TaskPage,
    TaskView,
};
use crate::survey::SurveyStore;
use crate::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use crate::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted};

/// A place where tasks live.
///
/// Methods that write are atomic: all of a batch or, on [`StoreError`], nothing of it (after
/// [`StoreError::OutcomeUnknown`]: either). A batch is decided item by item: one item that a rule refuses does not
/// keep the others from being written.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Accepts tasks.
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError>;

    /// Changes tasks: outcomes, claims, operators' actions.
    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError>;

    /// Tells that a worker lives, and what it holds; answers what it should know.
    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError>;

    /// Tells that a worker stopped. Whatever it still holds may be rescued at once.
    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Deletes ended tasks and old workers, one small batch; call again while [`Pruned::more`].
    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError>;

    /// Stores a definition.
    async fn register(&self, registration: Registration) -> Result<Registered, StoreError>;

    /// Lets no new task use a version (`true`), or allows it again. `false` if there is no such version.
    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError>;

    /// Deletes an empty namespace. `in_use` is a [`StoreError::Refused`].
    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError>;

    /// All namespaces, sorted.
    async fn namespaces(&self) -> Result<Vec<String>, StoreError>;

    /// The types of the annotations there are, sorted. One whose tasks were all deleted may be told all the same.
    async fn annotation_types(&self) -> Result<Vec<String>, StoreError>;

    /// The definitions of a namespace (of all, if `None`), every version, sorted by namespace, name, version.
    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError>;

    /// Finds the definition that a request means, or says which versions there are.
    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError>;

    /// The plan of a revision.
    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError>;

    /// One task.
    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError>;

    /// The state of one task, and nothing else of it: what somebody who waits for its end asks for.
    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError>;

    /// The steps of a task, in document order; empty if there is no such task.
    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError>;

    /// Tasks with their steps, all as they were at one moment, in the order of the ids, of which none stands twice; those that
    /// there are not are left out.
    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError>;

    /// The result of one step, if it is done.
    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError>;

    /// A page of tasks, in the order asked for. Every task that keeps its sort key is on exactly one page of a list, whatever
    /// comes, goes or changes meanwhile; one whose key changes may be missed or told again.
    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError>;

    /// Log entries after a cursor, oldest first. If entries after the cursor of a query for all tasks were deleted since it
    /// was given out, this is a [`StoreError::Refused`] with code `position_gone`, never a gap that nobody is told of.
    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError>;

    /// The position before the last `back` entries that can be told, of all tasks or of one.
    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError>;

    /// How long entries of the log may have been committed already and still cannot be told: as long as the oldest write in
    /// the database, anybody's, is under way. Zero if nothing holds the log up.
    async fn log_lag(&self) -> Result<Duration, StoreError>;

    /// Notes how far a reader of the log has come. What it has not read yet is not pruned, for as long as it is heard of
    /// ([`read::READER_MEMORY`]).
    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError>;

    /// Forgets a reader. `false` if there is none of this name.
    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError>;

    /// The readers that were noted, by name.
    async fn readers(&self) -> Result<Vec<LogReader>, StoreError>;

    /// What is scheduled and running, per handler that has queue rows, sorted by handler.
    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError>;

    /// All workers known, newest first.
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError>;

    /// How many tasks and steps of each namespace there are in each state. Reads every step.
    async fn census(&self) -> Result<Census, StoreError>;

    /// How many tasks and steps there are in each state. Reads every step.
    async fn health_counts(&self) -> Result<HealthCounts, StoreError> {
        Ok(self.census().await?.totals())
    }

    /// What says whether all goes well, and went well since an instant.
    async fn vital_signs(&self, since: tasker_core::time::Timestamp) -> Result<VitalSigns, StoreError>;

    /// How it went since an instant.
    async fn analytics(&self, since: tasker_core::time::Timestamp) -> Result<AnalyticsMetrics, StoreError>;

    /// The tasks that took longest.
    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError>;

    /// The steps that took longest.
    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError>;

    /// Looks for broken invariants in a few tasks. A finding was true at one moment.
    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError>;

    /// Looks for broken invariants everywhere, part by part. `limit` bounds the findings.
    async fn check(&self, limit: usize) -> Result<Vec<Finding>, StoreError> {
        let mut check = WholeCheck::new(limit);
        while let Some(part) = check.next_part() {
            check.add(self.check_part(part).await?);
        }
        Ok(check.findings)
    }

    /// Mends what follows from the rest of a task ([`tasker_core::repair`]), under its lock, or deletes rows that belong to
    /// no task, a bounded number of each kind. Says what it leaves and why.
    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError>;

    /// What counts many tasks together.
    fn survey_store(&self) -> &dyn SurveyStore;

    /// Where API keys are kept.
    fn key_store(&self) -> &dyn KeyStore;

    /// The schema of the database and what this binary makes of it.
    async fn schema(&self) -> Result<SchemaStatus, StoreError>;

    /// Finds or creates the link between two objects in two external systems, in either order. The pair is returned
    /// in the order it is stored.
    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError>;

    /// The time of this store.
    async fn now(&self) -> Result<tasker_core::time::Timestamp, StoreError>;

    /// Resolves when another node may have made work due: a hint, which may be early, late, lost or wrong. Polling backs
    /// it up. A store that only one process uses never resolves it.
    async fn hinted(&self) {
        std::future::pending().await
    }

    /// Tells other nodes that there may be work, as [`Store::hinted`] lets them know. A store that only one process uses
    /// tells nobody.
    async fn hint(&self) {}

    /// How many calls of [`Store::apply`] at once get more done than one, if no two of them are about the same task. A
    /// store with one writer is best served by one.
    fn lanes(&self) -> usize {
        1
    }

    /// How the connections are used that this process keeps; `None` if it needs none.
    fn pool_use(&self) -> Option<PoolUse> {
        None
    }

    /// How long [`Store::apply`] waits for a lock at most; callers use it to size their own patience.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// A transaction of the caller's own, in the database of a store: what is submitted in it exists if it commits.
#[async_trait]
pub trait SubmitTransaction: Send {
    /// As [`Store::submit`], but in this transaction, and without claiming anything. On [`StoreError`] the transaction is
    /// as it was before, unless its connection is gone.
    async fn submit(&mut self, batch: SubmitBatch) -> Result<Submitted, StoreError>;
}

/// An object in an external system (`spec/authoring.md` 1.9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectRef {
    /// The system's name.
    pub system: String,
    /// The object's id there, 1 to 128 characters.
    pub id: String,
}
