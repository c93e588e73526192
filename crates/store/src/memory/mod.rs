//! The reference store: plain maps behind one lock, and everything that other stores keep counters for is counted
//! anew before each decision.
//!
//! It is the naive interpreter that the other stores are compared with, so it trades speed for being obviously right:
//! every task is decided on all of its steps as well as on those that [`tasker_core::decide::needs`] names, both must
//! agree, and what was decided is audited. A disagreement is a panic that names both sides. It keeps nothing on disk.

mod analytics;
mod apply;
mod definitions;
mod integrity;
mod keys;
mod lists;
mod log;
mod prune;
mod survey;
mod tasks;
mod workers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::access::ApiKey;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use crate::analytics::{AnalyticsMetrics, Census, SlowStep, SlowTask, SlowestQuery, VitalSigns};
use crate::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use crate::integrity::{CheckPart, Checked, RepairRequest, Repaired};
use crate::keys::KeyStore;
use crate::read::{
    Cursor, LogEntry, LogQuery, LogReader, Pruning, QueueDepth, SchemaStatus, TaskDetail, TaskFilter,
    TaskPage, TaskView,
};
use crate::survey::SurveyStore;
use crate::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use crate::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted};
use crate::{ObjectRef, Store, StoreError};

use self::definitions::Version as StoredVersion;
use self::tasks::Task;

/// What a store asks for the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The in-memory store.
pub struct MemoryStore {
    clock: Clock,
    tables: Mutex<Tables>,
}

/// Everything it keeps.
#[derive(Default)]
struct Tables {
    namespaces: BTreeSet<Namespace>,
    definitions: BTreeMap<(Namespace, DefinitionName, Version), StoredVersion>,
    plans: HashMap<Digest, Arc<Plan>>,
    tasks: BTreeMap<TaskId, Task>,
    /// Position in the log of all tasks -> task and number in its own log.
    log: BTreeMap<u64, (TaskId, u64)>,
    last_cursor: u64,
    /// Every deletion from the log.
    prunings: Vec<Pruning>,
    /// How far readers of the log have come, and when that was noted.
    readers: BTreeMap<String, (Cursor, Timestamp)>,
    n_accepted: u64,
    workers: BTreeMap<WorkerId, WorkerRow>,
    keys: BTreeMap<String, ApiKey>,
    links: Vec<(ObjectRef, ObjectRef)>,
}

impl MemoryStore {
    /// An empty store that lives by this clock.
    pub fn new(clock: Clock) -> Self {
        let tables = Tables { namespaces: BTreeSet::from([Namespace::default()]), ..Tables::default() };
        Self { clock, tables: Mutex::new(tables) }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("an earlier call panicked: its message says what is wrong")
    }

    fn time(&self) -> Timestamp {
        (self.clock)()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.tables().submit(&batch, self.time())
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        Ok(self.tables().apply(batch, self.time()))
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        Ok(self.tables().heartbeat(beat, self.time()))
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.tables().worker_stopped(worker, self.time());
        Ok(())
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        Ok(self.tables().prune(&request, self.time()))
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        Ok(self.tables().register(registration, self.time()))
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        Ok(self.tables().retire(&selector, retired))
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        Ok(self.tables().delete_namespace(name)?)
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.tables().namespaces.iter().map(ToString::to_string).collect())
    }

    async fn annotation_types(&self) -> Result<Vec<String>, StoreError> {
        let tables = self.tables();
        let annotations = tables.tasks.values().flat_map(|task| &task.annotations);
        let types: BTreeSet<&String> = annotations.map(|annotation| &annotation.kind).collect();
        Ok(types.into_iter().cloned().collect())
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        Ok(self.tables().definition_rows(namespace))
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        Ok(self.tables().resolve(&selector))
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        Ok(self.tables().plans.get(&revision).cloned())
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        Ok(self.tables().task_detail(id))
    }

    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        Ok(self.tables().tasks.get(&id).map(|task| task.record.state))
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        Ok(self.tables().tasks.get(&id).map(|task| task.steps.clone()).unwrap_or_default())
    }

    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError> {
        let tables = self.tables();
        let view = |id| {
            let detail = tables.task_detail(id)?;
            Some(TaskView { detail, steps: tables.tasks[&id].steps.clone() })
        };
        Ok(ids.into_iter().filter_map(view).collect())
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        Ok(self.tables().tasks.get(&id).and_then(|task| task.result(step)))
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        Ok(self.tables().task_page(&filter))
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        Ok(self.tables().log_page(&query)?)
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        Ok(self.tables().log_end(task, back))
    }

    fn survey_store(&self) -> &dyn SurveyStore {
        self
    }

    async fn log_lag(&self) -> Result<Duration, StoreError> {
        Ok(Duration::ZERO)
    }

    fn key_store(&self) -> &dyn KeyStore {
        self
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        self.tables().readers.insert(name.to_owned(), (at, self.time()));
        Ok(())
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.tables().readers.remove(name).is_some())
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        Ok(self.tables().reader_rows(self.time()))
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        Ok(self.tables().queue_depths(self.time()))
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        Ok(self.tables().worker_rows())
    }

    async fn census(&self) -> Result<Census, StoreError> {
        Ok(self.tables().census(self.time()))
    }

    async fn vital_signs(&self, since: Timestamp) -> Result<VitalSigns, StoreError> {
        Ok(self.tables().vital_signs(since))
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        Ok(self.tables().analytics(since, self.time()))
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        Ok(self.tables().slowest_tasks(&query))
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        Ok(self.tables().slowest_steps(&query))
    }

    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError> {
        Ok(self.tables().check_part(&part, self.time()))
    }

    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError> {
        Ok(self.tables().repair(&request, self.time()))
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        Ok(SchemaStatus {
            store: "memory",
            location: "memory".into(),
            version: Some(1),
            expected: 1,
            readable_from: Some(1),
        })
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        Ok(self.tables().link(one, two)?)
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.time())
    }
}
