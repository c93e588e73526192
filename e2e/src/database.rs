//! A look into the database of a test, through the store's own reads: while no process works on it, or beside one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tasker_core::definition::{LoadOptions, load};
use tasker_core::ids::TaskId;
use tasker_core::names::DefinitionName;
use tasker_core::payload::{DEFAULT_MAX_BYTES, Payload};
use tasker_core::record::{Change, StepDetail};
use tasker_core::request::TaskRequest;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions, ErrorKind};
use tasker_store::Store;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tasker_store::workers::WorkerRow;
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};

/// Log entries that are read at once.
const PAGE: usize = 5_000;

/// An engine without a worker: it submits and reads, and runs nothing.
pub struct Database {
    engine: Engine,
}

/// A step as the log leaves it.
pub type StepKey = (TaskId, String);

impl Database {
    /// Opens a database file, making it if need be.
    pub fn open(path: &Path) -> Result<Self> {
        let store = SqliteStore::open(path, OpenOptions::default()).context("opening the test's database")?;
        Ok(Self::over(Arc::new(store)))
    }

    /// Opens a migrated PostgreSQL database.
    pub async fn on_server(url: &str) -> Result<Self> {
        // The whole log is told even if an older transaction is still under way when it is read.
        let options = PostgresOptions { log_patience: Duration::from_secs(20), ..PostgresOptions::default() };
        let store = PostgresStore::connect(url, options).await.context("opening the test's database")?;
        Ok(Self::over(Arc::new(store)))
    }

    fn over(store: Arc<dyn Store>) -> Self {
        Self { engine: Engine::new(store, Handlers::new(), EngineOptions::default()) }
    }

    /// Registers a definition.
    pub async fn register(&self, text: &str) -> Result<()> {
        let loaded = load(text, &LoadOptions::default());
        let Some(definition) = loaded.definition else { bail!("a test's definition: {:?}", loaded.problems) };
        self.engine.register(definition, false).await?;
        Ok(())
    }

    /// Submits one task per context, many at a time.
    pub async fn submit(&self, name: &str, contexts: impl IntoIterator<Item = Value>) -> Result<Vec<TaskId>> {
        let mut answers = Vec::new();
        for context in contexts {
            let request = TaskRequest {
                context: Payload::from_value(&context, DEFAULT_MAX_BYTES)?,
                ..TaskRequest::new(Default::default(), DefinitionName::new(name).context("a name")?)
            };
            let engine = self.engine.clone();
            answers.push(tokio::spawn(async move { engine.submit(request).await }));
        }
        let mut ids = Vec::new();
        for answer in answers {
            ids.push(answer.await??.task_id);
        }
        Ok(ids)
    }

    /// Submits one task, again and again while the database cannot be used: the same task each time.
    pub async fn submit_surely(
        &self,
        id: TaskId,
        name: &str,
        context: &Value,
        patience: Duration,
    ) -> Result<()> {
        let request = TaskRequest {
            context: Payload::from_value(context, DEFAULT_MAX_BYTES)?,
            id: Some(id),
            ..TaskRequest::new(Default::default(), DefinitionName::new(name).context("a name")?)
        };
        let deadline = Instant::now() + patience;
        loop {
            match self.engine.submit(request.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Unavailable && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error).context("submitting a task"),
            }
        }
    }

    /// The state of a task.
    pub async fn state(&self, id: TaskId) -> Result<TaskState> {
        Ok(self.engine.task(id).await?.detail.record.state)
    }

    /// The steps of a task.
    pub async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>> {
        Ok(self.engine.task(id).await?.steps)
    }

    /// Waits for the end of a task that another process works on.
    pub async fn ended(&self, id: TaskId, patience: Duration) -> Result<TaskState> {
        let state = self.engine.wait(id, Some(patience)).await?;
        state.with_context(|| format!("task {id} did not end in {patience:?}"))
    }

    /// How many tasks have not ended.
    pub async fn open_tasks(&self) -> Result<u64> {
        let counts = self.engine.health_counts().await?;
        Ok(counts.pending_tasks + counts.in_progress_tasks)
    }

    /// Steps that are claimed or due: what nodes are busy with.
    pub async fn busy_steps(&self) -> Result<u64> {
        Ok(self.engine.queue().await?.iter().map(|depth| depth.due + depth.running).sum())
    }

    /// Waits until every task has ended, through whatever happens to the database meanwhile.
    pub async fn all_ended(&self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let open = self.open_tasks().await;
            if matches!(open, Ok(0)) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "tasks are open after {patience:?}: {open:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All workers, newest first.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>> {
        Ok(self.engine.workers().await?)
    }

    /// The database's time.
    pub async fn now(&self) -> Result<Timestamp> {
        Ok(self.engine.now().await?)
    }

    /// Waits until so many workers are at work.
    pub async fn live_workers(&self, count: usize, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let workers = self.workers().await;
            if workers.as_ref().is_ok_and(|all| all.iter().filter(|worker| worker.is_live()).count() >= count)
            {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "there were no {count} workers within {patience:?}: {workers:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The whole log.
    pub async fn log(&self) -> Result<Vec<LogEntry>> {
        let (mut log, mut after) = (Vec::new(), Cursor::START);
        loop {
            let page = self.engine.log(LogQuery { task: None, after, limit: PAGE }).await?;
            let Some(last) = page.last() else { return Ok(log) };
            after = last.cursor;
            log.extend(page);
        }
    }

    /// Ends what this value runs in the background.
    pub async fn close(self) {
        self.engine.shutdown().await;
    }
}

/// The steps that a log says are done.
pub fn done_steps(log: &[LogEntry]) -> BTreeSet<StepKey> {
    log.iter()
        .filter(|entry| matches!(entry.transition.change, Change::Step { to, .. } if to.is_done()))
        .filter_map(|entry| Some((entry.task, entry.step.as_ref()?.to_string())))
        .collect()
}

/// Who executed steps, according to a log.
pub fn workers(log: &[LogEntry]) -> BTreeSet<String> {
    let claimed = log.iter().filter(|entry| {
        matches!(
            entry.transition.change,
            Change::Step { from: Some(StepState::InProgress), to: StepState::Complete, .. }
        )
    });
    claimed.map(|entry| entry.transition.actor.clone()).collect()
}

/// Checks each task's part of a log: numbers without a gap, every change from the state before, every change legal,
/// nothing after a step is done.
pub fn check_log(log: &[LogEntry]) -> Result<()> {
    let mut tasks: BTreeMap<TaskId, Vec<&LogEntry>> = BTreeMap::new();
    for entry in log {
        tasks.entry(entry.task).or_default().push(entry);
    }
    for (task, entries) in &mut tasks {
        entries.sort_by_key(|entry| entry.transition.seq);
        check_task(entries).with_context(|| format!("the log of task {task}"))?;
    }
    Ok(())
}

fn check_task(entries: &[&LogEntry]) -> Result<()> {
    let mut task_state = None;
    let mut step_states: BTreeMap<u32, StepState> = BTreeMap::new();
    for (entry, number) in entries.iter().zip(1..) {
        ensure!(entry.transition.seq == number, "entry {number} has number {}", entry.transition.seq);
        match entry.transition.change {
            Change::Task { from, to } => {
                ensure!(from == task_state, "entry {number}: from {from:?}, but the task was {task_state:?}");
                ensure!(TaskState::allows(from, to), "entry {number}: {from:?} to {to} is not legal");
                task_state = Some(to);
            }
            Change::Step { ordinal, from, to } => {
                let before = step_states.insert(ordinal.0, to);
                ensure!(from == before, "entry {number}: from {from:?}, but step {ordinal} was {before:?}");
                ensure!(StepState::allows(from, to), "entry {number}: {from:?} to {to} is not legal");
            }
        }
    }
    Ok(())
}
