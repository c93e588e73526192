//! The SQLite store of Tasker: one file, no server, shared by every process of the machine that opens it.
//!
//! One thread owns the connection that writes and takes whole batches from a channel; those that wait at the same time
//! share a transaction. A few threads read. Rows are kept and decisions of `tasker-core` are applied; no rule is made
//! here. The statements are in `sql/`.

mod analytics;
mod apply;
mod caches;
mod check;
mod claim;
mod definitions;
mod error;
mod functions;
mod group;
mod heartbeat;
mod keys;
mod lists;
mod load;
mod locks;
mod log;
mod migrate;
mod open;
mod prune;
mod recent;
mod repair;
mod rows;
mod save;
mod sql;
mod submit;
mod survey;
mod tasks;
mod threads;
mod turn;
mod whole;
mod work;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{AnalyticsMetrics, Census, SlowStep, SlowTask, SlowestQuery, VitalSigns};
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use tasker_store::integrity::{CheckPart, Checked, RepairRequest, Repaired};
use tasker_store::keys::KeyStore;
use tasker_store::read::{
    Cursor, LogEntry, LogQuery, LogReader, QueueDepth, SchemaStatus, TaskDetail, TaskFilter, TaskPage,
    TaskView,
};
use tasker_store::survey::SurveyStore;
use tasker_store::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted};
use tasker_store::{ObjectRef, Store, StoreError};

pub use crate::open::{Clock, OpenOptions};

use crate::threads::Threads;

/// A Tasker database in a SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    clock: Clock,
    /// How many connections are open: those that read, and the one that writes.
    connections: u64,
    threads: Threads,
    /// The directory of a store that lives no longer than this value; deleted after the threads have ended.
    _temporary: Option<tempfile::TempDir>,
}

impl SqliteStore {
    /// Opens (and, unless told otherwise, creates and migrates) the database in a file. Blocks for as long as that
    /// takes.
    ///
    /// # Errors
    /// The directory or the file cannot be used ([`StoreError::Unavailable`]), is no database
    /// ([`StoreError::Corrupt`]), or has a schema that this program cannot use ([`StoreError::Schema`]).
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        Self::start(path, options, None)
    }

    /// A store for tests: a file of its own that vanishes with this value and is never synced to disk.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn in_memory(options: OpenOptions) -> Result<Self, StoreError> {
        let directory = tempfile::Builder::new().prefix("tasker-").tempdir();
        let directory = directory
            .map_err(|error| error::unavailable("creating a directory for a temporary database", error))?;
        let path = directory.path().join("tasker.db");
        Self::start(&path, options, Some(directory))
    }

    /// What the schema of a file is, without changing anything; the file need not exist.
    ///
    /// # Errors
    /// The file cannot be read, or is no database.
    pub fn status(path: &Path) -> Result<SchemaStatus, StoreError> {
        open::status(path)
    }

    fn start(
        path: &Path,
        options: OpenOptions,
        temporary: Option<tempfile::TempDir>,
    ) -> Result<Self, StoreError> {
        let clock = options.clock.clone();
        let opened = open::open(path, options, temporary.is_some())?;
        let connections = opened.readers.len() as u64 + 1;
        let threads = Threads::start(opened, clock.clone())?;
        Ok(Self { path: path.to_owned(), clock, connections, threads, _temporary: temporary })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.threads.share("submitting tasks", batch, submit::submit).await
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        self.threads.share("changing tasks", batch, apply::apply).await
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        self.threads.write("sending a heartbeat", move |writer| heartbeat::heartbeat(writer, &beat)).await
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.threads.write("stopping a worker", move |writer| heartbeat::stopped(writer, worker)).await
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        self.threads.write("pruning", move |writer| prune::prune(writer, &request)).await
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        let job = move |writer: &mut writer::Writer| definitions::register(writer, &registration);
        self.threads.write("registering a definition", job).await
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        let job = move |writer: &mut writer::Writer| definitions::retire(writer, &selector, retired);
        self.threads.write("retiring a definition", job).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        let job = move |writer: &mut writer::Writer| definitions::delete_namespace(writer, &name);
        self.threads.write("deleting a namespace", job).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        self.threads.read("listing namespaces", |reader| definitions::namespaces(reader)).await
    }

    async fn annotation_types(&self) -> Result<Vec<String>, StoreError> {
        self.threads.read("listing types of annotations", |reader| tasks::annotation_types(reader)).await
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        let namespace = namespace.map(str::to_owned);
        let job = move |reader: &mut threads::Reader| definitions::list(reader, namespace.as_deref());
        self.threads.read("listing definitions", job).await
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        self.threads.read("finding a definition", move |reader| definitions::resolve(reader, &selector)).await
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        self.threads.read("reading a definition", move |reader| definitions::plan(reader, revision)).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        self.threads.read("reading a task", move |reader| tasks::task(reader, id)).await
    }

    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        self.threads.read("reading the state of a task", move |reader| tasks::state(reader, id)).await
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        self.threads.read("reading steps", move |reader| tasks::steps(reader, id)).await
    }

    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError> {
        self.threads.read("reading tasks", move |reader| tasks::views(reader, &ids)).await
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        self.threads.read("reading a result", move |reader| tasks::result(reader, id, step)).await
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        self.threads.read("listing tasks", move |reader| lists::page(reader, &filter)).await
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        self.threads.read("reading the log", move |reader| log::log(reader, &query)).await
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        self.threads.read("reading the end of the log", move |reader| log::end(reader, task, back)).await
    }

    fn survey_store(&self) -> &dyn SurveyStore {
        self
    }

    async fn log_lag(&self) -> Result<Duration, StoreError> {
        // There is one writer, and entries can be told once they are committed.
        Ok(Duration::ZERO)
    }

    fn key_store(&self) -> &dyn KeyStore {
        self
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        let name = name.to_owned();
        let job = move |writer: &mut writer::Writer| log::note_reader(writer, &name, at);
        self.threads.write("noting a reader of the log", job).await
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let job = move |writer: &mut writer::Writer| log::forget_reader(writer, &name);
        self.threads.write("forgetting a reader of the log", job).await
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        let now = (self.clock)();
        self.threads.read("listing the readers of the log", move |reader| log::readers(reader, now)).await
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        let now = (self.clock)();
        self.threads.read("reading the queue", move |reader| tasks::queue(reader, now)).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        self.threads.read("listing workers", |reader| heartbeat::workers(reader)).await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        let (now, connections) = ((self.clock)(), self.connections);
        let job = move |reader: &mut threads::Reader| analytics::census(reader, now, connections);
        self.threads.read("counting tasks and steps", job).await
    }

    async fn vital_signs(&self, since: Timestamp) -> Result<VitalSigns, StoreError> {
        let job = move |reader: &mut threads::Reader| analytics::vital_signs(reader, since);
        self.threads.read("reading vital signs", job).await
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        let now = (self.clock)();
        self.threads.read("computing metrics", move |reader| analytics::analytics(reader, since, now)).await
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        let job = move |reader: &mut threads::Reader| analytics::slowest_tasks(reader, &query);
        self.threads.read("looking for slow tasks", job).await
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        let job = move |reader: &mut threads::Reader| analytics::slowest_steps(reader, &query);
        self.threads.read("looking for slow steps", job).await
    }

    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError> {
        let now = (self.clock)();
        self.threads.read("checking the database", move |reader| check::check_part(reader, &part, now)).await
    }

    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError> {
        let (task, now) = (request.task, (self.clock)());
        if request.dry_run {
            return self
                .threads
                .read("planning a repair", move |reader| repair::dry_run(reader, task, now))
                .await;
        }
        self.threads.write("repairing", move |writer| repair::mend(writer, task)).await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        let location = self.path.display().to_string();
        self.threads
            .read("reading the schema", move |reader| migrate::status(&reader.connection, location))
            .await
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        self.threads.write("linking objects", move |writer| definitions::link_objects(writer, one, two)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok((self.clock)())
    }
}
