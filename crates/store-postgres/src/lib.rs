//! The PostgreSQL store of Tasker (15 and later): any number of nodes share a database, any of them may vanish.
//!
//! Rows are kept and decisions of `tasker-core` are applied; no rule is made here. The statements are in `sql/`, one a
//! file; a test prepares all of them (`docs/adr/0003-postgres-driver.md`). Every transaction that changes a task locks
//! its row first, ids ascending, in one statement; whatever else it reads, it reads afterwards.

mod analytics;
mod apply;
mod caches;
mod check;
mod claim;
mod columns;
mod definitions;
mod desk;
mod error;
mod heartbeat;
mod hints;
mod identities;
mod keys;
mod known;
mod lists;
mod load;
mod log;
mod marks;
mod migrate;
mod options;
#[cfg(test)]
mod plans;
mod prune;
mod repair;
mod rows;
mod save;
mod session;
mod sql;
mod submit;
mod survey;
mod swift;
mod tasks;
mod transaction;
mod verdicts;
mod whole;
mod work;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{
    AnalyticsMetrics, Census, HealthCounts, PoolUse, SlowStep, SlowTask, SlowestQuery, VitalSigns,
};
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

pub use crate::options::{Clock, PostgresOptions};
pub use crate::transaction::Within;

use crate::caches::{Contexts, Plans};
use crate::error::Trouble;
use crate::heartbeat::Pulse;
use crate::hints::Hints;
use crate::known::KnownTasks;
use crate::load::Moment;
use crate::marks::Marks;
use crate::options::{Address, Purpose};
use crate::session::{Pool, Query, Session};
use crate::swift::Told;

/// Most batches of one node that are written at once. More than two take turns at the processors of a small server, and
/// make smaller batches on a large one.
const MOST_LANES: usize = 2;

/// A Tasker database in PostgreSQL.
///
/// It connects anew by itself after restarts and fail-overs; calls fail with [`StoreError::Unavailable`] meanwhile.
pub struct PostgresStore {
    parts: Arc<Parts>,
    pulse: Pulse,
}

/// What the methods of a store share.
struct Parts {
    address: Address,
    /// Connections that submit and apply.
    hot: Arc<Pool>,
    /// Connections for everything else.
    reads: Arc<Pool>,
    plans: Plans,
    contexts: Contexts,
    known: KnownTasks,
    told: Mutex<Option<Told>>,
    marks: Marks,
    clock: Option<Clock>,
    log_patience: Duration,
    /// How many batches pay off at once: two, if that leaves connections to those who accept tasks.
    lanes: usize,
    hints: Hints,
    /// Tasks that the last claim could not get although it had slots.
    awaited: Mutex<Vec<TaskId>>,
}

impl PostgresStore {
    /// The text of all migrations: who keeps migrated databases can tell whether they are still the same.
    pub const SCHEMA: &'static str = migrate::TEXT;

    /// Connects to a database that has been migrated. With `pooled=true` in the URL, nothing is expected to last from one
    /// transaction to the next, as behind a proxy that pools transactions.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the URL or the schema cannot be used, naming what mends it;
    /// [`StoreError::Unavailable`] if the server does not answer.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let hot = Pool::new(&address, Purpose::Write, options.connections, options.patience);
        let reads = Pool::new(&address, Purpose::Read, options.readers, options.patience);
        let required = migrate::require(&reads, &address).await;
        required.map_err(|trouble| {
            trouble.while_trying(&format!("opening the database {}", address.location()))
        })?;
        let listens = match &options.hint_url {
            Some(url) => Some(Address::parse(url)?),
            None => Some(address.clone()),
        };
        let listens =
            listens.filter(|address| !address.pooled).map(|address| address.options_for(Purpose::Hint));
        let parts = Parts {
            hot,
            reads,
            plans: Plans::default(),
            contexts: Contexts::default(),
            known: KnownTasks::default(),
            told: Mutex::default(),
            marks: Marks::default(),
            clock: options.clock,
            log_patience: options.log_patience,
            lanes: options.connections.div_ceil(2).clamp(1, MOST_LANES),
            hints: Hints::new(listens),
            awaited: Mutex::default(),
            address,
        };
        Ok(Self { parts: Arc::new(parts), pulse: Pulse::default() })
    }

    /// Checks a URL without connecting.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn check_url(url: &str) -> Result<(), String> {
        Address::read(url).map(drop)
    }

    /// Brings the schema of a database up to date; an empty database gets its first. Safe to be called from many nodes at
    /// once, while others work.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the URL cannot be used or the schema is too new; [`StoreError::Unavailable`].
    pub async fn migrate(url: &str) -> Result<SchemaStatus, StoreError> {
        migrate::migrate(&Address::parse(url)?).await
    }

    /// What the schema of a database is, without changing anything.
    ///
    /// # Errors
    /// As [`PostgresStore::migrate`].
    pub async fn status(url: &str) -> Result<SchemaStatus, StoreError> {
        let address = Address::parse(url)?;
        let pool = Pool::new(&address, Purpose::Read, 1, PostgresOptions::default().patience);
        let status = migrate::status(&pool, &address).await;
        pool.close().await;
        let trying = format!("reading the schema of {}", address.location());
        status.map_err(|trouble| trouble.while_trying(&trying))
    }

    /// Ends the connections that are not in use. Dropping the store does so too, less politely.
    pub async fn close(&self) {
        self.parts.hot.close().await;
        self.parts.reads.close().await;
    }
}

impl Parts {
    /// The store's time.
    async fn now(&self) -> Result<Timestamp, Trouble> {
        if let Some(clock) = &self.clock {
            return Ok(clock());
        }
        let row = self.read_once(|session| session.query(sql::CLOCK)).await?;
        let row = row.ok_or_else(|| Trouble::Corrupt("the clock was answered without a row".into()))?;
        Ok(rows::instant(&row, 0)?)
    }

    /// The time of tests; otherwise the server's clock counts.
    fn given_time(&self) -> Option<rows::At> {
        self.clock.as_ref().map(|clock| rows::At(clock()))
    }

    /// The first row of one statement that reads, asked again if the connection had died before.
    async fn read_once(&self, query: impl Fn(&Session) -> Query) -> Result<Option<PgRow>, Trouble> {
        loop {
            let mut session = self.reads.once().await?;
            let row = session.row(query(&session)).await;
            if !session.was_dead(&row) {
                return session.end(row).await;
            }
        }
    }

    /// What the database told about the time and the stream when it was last asked.
    fn told(&self) -> Option<Told> {
        *self.told.lock().expect("nothing panics while it holds this lock")
    }

    fn tell(&self, moment: &Moment) {
        self.marks.tell(moment.now, moment.xid);
        *self.told.lock().expect("nothing panics while it holds this lock") = Some(Told::new(moment));
    }

    fn take_awaited(&self) -> Vec<TaskId> {
        std::mem::take(&mut *self.awaited.lock().expect("nothing panics while it holds this lock"))
    }

    fn await_tasks(&self, tasks: Vec<TaskId>) {
        *self.awaited.lock().expect("nothing panics while it holds this lock") = tasks;
    }
}

/// Tells the caller what was tried.
trait Trying<T> {
    fn trying(self, what: &str) -> Result<T, StoreError>;
}

impl<T> Trying<T> for Result<T, Trouble> {
    fn trying(self, what: &str) -> Result<T, StoreError> {
        self.map_err(|trouble| trouble.while_trying(what))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        submit::submit(&self.parts, batch).await.trying("submitting tasks")
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        apply::apply(&self.parts, batch).await.trying("changing tasks")
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        self.pulse.beat(&self.parts, beat).await.trying("sending a heartbeat")
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        heartbeat::stopped(&self.parts, worker).await.trying("stopping a worker")
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        prune::prune(&self.parts, &request).await.trying("pruning")
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        definitions::register(&self.parts, registration).await.trying("registering a definition")
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        definitions::retire(&self.parts, selector, retired).await.trying("retiring a definition")
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        definitions::delete_namespace(&self.parts, name.to_owned()).await.trying("deleting a namespace")
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        definitions::namespaces(&self.parts).await.trying("listing namespaces")
    }

    async fn annotation_types(&self) -> Result<Vec<String>, StoreError> {
        tasks::annotation_types(&self.parts).await.trying("listing types of annotations")
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        definitions::list(&self.parts, namespace.map(str::to_owned)).await.trying("listing definitions")
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        definitions::resolve(&self.parts, selector).await.trying("finding a definition")
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        definitions::plan(&self.parts, revision).await.trying("reading a definition")
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        tasks::task(&self.parts, id).await.trying("reading a task")
    }

    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        tasks::state(&self.parts, id).await.trying("reading the state of a task")
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        tasks::steps(&self.parts, id).await.trying("reading steps")
    }

    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError> {
        tasks::views(&self.parts, &ids).await.trying("reading tasks")
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        tasks::result(&self.parts, id, step).await.trying("reading a result")
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        lists::page(&self.parts, &filter).await.trying("listing tasks")
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        log::log(&self.parts, &query).await.trying("reading the log")
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        log::end(&self.parts, task, back).await.trying("reading the end of the log")
    }

    fn survey_store(&self) -> &dyn SurveyStore {
        self
    }

    async fn log_lag(&self) -> Result<Duration, StoreError> {
        log::lag(&self.parts).await.trying("reading how far the log can be told")
    }

    fn key_store(&self) -> &dyn KeyStore {
        self
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        log::note_reader(&self.parts, name.to_owned(), at).await.trying("noting a reader of the log")
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        log::forget_reader(&self.parts, name.to_owned()).await.trying("forgetting a reader of the log")
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        log::readers(&self.parts).await.trying("listing the readers of the log")
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        tasks::queue(&self.parts).await.trying("reading the queue")
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        heartbeat::workers(&self.parts).await.trying("listing workers")
    }

    async fn census(&self) -> Result<Census, StoreError> {
        analytics::census(&self.parts).await.trying("counting tasks and steps by namespace")
    }

    async fn health_counts(&self) -> Result<HealthCounts, StoreError> {
        analytics::health_counts(&self.parts).await.trying("counting tasks and steps")
    }

    async fn vital_signs(&self, since: Timestamp) -> Result<VitalSigns, StoreError> {
        analytics::vital_signs(&self.parts, since).await.trying("reading vital signs")
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        analytics::analytics(&self.parts, since).await.trying("computing metrics")
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        analytics::slowest_tasks(&self.parts, &query).await.trying("looking for slow tasks")
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        analytics::slowest_steps(&self.parts, &query).await.trying("looking for slow steps")
    }

    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError> {
        check::check_part(&self.parts, &part).await.trying("checking the database")
    }

    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError> {
        repair::mend(&self.parts, &request).await.trying("repairing")
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        migrate::status(&self.parts.reads, &self.parts.address).await.trying("reading the schema")
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        definitions::link(&self.parts, one, two).await.trying("linking objects")
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.parts.now().await.trying("reading the clock")
    }

    fn pool_use(&self) -> Option<PoolUse> {
        let (hot, reads) = (self.parts.hot.usage(), self.parts.reads.usage());
        Some(PoolUse {
            size: hot.size + reads.size,
            idle: hot.idle + reads.idle,
            in_use: hot.in_use + reads.in_use,
            waiting: hot.waiting + reads.waiting,
        })
    }

    fn lanes(&self) -> usize {
        self.parts.lanes
    }

    async fn hinted(&self) {
        self.parts.hints.arrived().await;
    }

    async fn hint(&self) {
        self.parts.hints.tell(&self.parts.hot).await;
    }
}
