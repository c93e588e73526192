//! A look into the database of a test, through the store's own reads: while no process works on it, or beside one.

use std::collections::BTreeSet;
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
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_store::Store;
use tasker_store::read::LogEntry;
use tasker_store::workers::WorkerRow;
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_torture::history::whole_log;

/// An engine without a worker: it submits and reads, and runs nothing.
pub struct Database {
    engine: Engine,
}

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

    /// All workers, newest first.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>> {
        Ok(self.engine.workers().await?)
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
        Ok(whole_log(&self.engine, None).await?)
    }

    /// Ends what this value runs in the background.
    pub async fn close(self) {
        self.engine.shutdown().await;
    }
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
