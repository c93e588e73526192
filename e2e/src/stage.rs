//! A PostgreSQL database with nodes, tasks of all shapes whose steps fail now and then, and the proof at the end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;

use crate::database::Database;
use crate::history::{End, History};
use crate::nodes::Nodes;
use crate::recorder::{Call, Recorder, Reply};
use crate::shapes;

/// Longest wait for anything that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Steps that are due or run at once while tasks are submitted: more than nodes can hold would be a queue in which the
/// steps of a killed node have to wait like all others.
const BUSY: u64 = 60;

/// Calls of a task, at least: the mean of steps of the shapes, repeats not counted.
const CALLS: usize = 7;

/// Few steps at once, so that all nodes take part; short waits, so that the last steps are not waited for.
const SETTINGS: &str = "[execution]\nmax_concurrent_steps = 64\n\
    [backoff]\ndefault_backoff_seconds = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";

/// A number that an environment variable gives.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Answers the same call always the same way: one in ten fails, one in a thousand for good; every one takes a while, some
/// a long one.
pub fn answer(call: &Call) -> Reply {
    let dice = dice(call);
    let status = match dice % 1_000 {
        0 => 422,
        1..=100 => 500,
        _ => 200,
    };
    let millis = if (dice / 1_000).is_multiple_of(20) { 1_500 } else { 20 + dice / 1_000 % 80 };
    Reply::status(status).after(Duration::from_millis(millis))
}

fn dice(call: &Call) -> u64 {
    let text = format!("{}{}", call.path, call.body);
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

/// The stage.
pub struct Stage {
    /// What the steps call.
    pub server: Recorder,
    /// A look from outside.
    pub database: Database,
    /// Who works.
    pub nodes: Nodes,
    /// The tasks, by their numbers.
    pub tasks: Vec<TaskId>,
}

impl Stage {
    /// Opens a migrated database for so many nodes; waits until they are at work.
    pub async fn open(
        url: &str,
        nodes: usize,
        answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let server = Recorder::open(answer).await?;
        let database = Database::on_server(url).await?;
        for (name, shape) in shapes::all() {
            database.register(&shapes::definition(name, &shape)).await?;
        }
        let nodes = Nodes::start(url, nodes, SETTINGS)?;
        database.live_workers(nodes.running.len(), PATIENCE).await?;
        Ok(Self { server, database, nodes, tasks: Vec::new() })
    }

    /// Submits tasks of all shapes at once.
    pub async fn submit(&mut self, count: usize) -> Result<()> {
        let ids = new_ids(count);
        let first = self.tasks.len();
        submit_all(&self.database, &self.server, first, &ids).await?;
        self.tasks.extend(ids);
        Ok(())
    }

    /// Submits tasks of all shapes as fast as the nodes take them, while something else goes on; both must succeed.
    pub async fn submit_during<T>(
        &mut self,
        count: usize,
        meanwhile: impl AsyncFnOnce(&mut Nodes, &Database, &Recorder) -> Result<T>,
    ) -> Result<T> {
        let ids = new_ids(count);
        let first = self.tasks.len();
        let Self { server, database, nodes, .. } = self;
        let submitting = submit_paced(database, server, first, &ids);
        let ((), told) = tokio::try_join!(submitting, meanwhile(nodes, database, server))?;
        self.tasks.extend(ids);
        Ok(told)
    }

    /// Waits until all tasks have ended, and proves that nothing was lost and nothing done twice.
    pub async fn all_is_well(&self) -> Result<History> {
        self.database.all_ended(PATIENCE).await?;
        let history = History::read(&self.database.log().await?)?;
        ensure!(history.tasks.len() == self.tasks.len(), "{} tasks in the log", history.tasks.len());
        history.agrees_with(&self.server.calls(), &self.tasks)?;
        self.ends_are_right(&history)?;
        Ok(history)
    }

    /// Waits for part `n` of `parts` of the calls that so many tasks need at least.
    pub async fn part_is_done(server: &Recorder, tasks: usize, n: usize, parts: usize) -> Result<()> {
        server.wait_for(n * CALLS * tasks / parts, 10 * PATIENCE).await
    }

    /// Stops the nodes and has the database checked.
    pub async fn close(self) -> Result<()> {
        self.database.close().await;
        self.nodes.stop()
    }

    /// A task is complete if each of its steps completed once, and in error if one of them was refused for good.
    fn ends_are_right(&self, history: &History) -> Result<()> {
        let mut completed: HashMap<TaskId, usize> = HashMap::new();
        let mut refused: HashMap<TaskId, usize> = HashMap::new();
        for attempt in &history.attempts {
            if attempt.end == End::Complete {
                *completed.entry(attempt.task).or_default() += 1;
            } else if attempt.failed_as("HTTP_422") {
                *refused.entry(attempt.task).or_default() += 1;
            }
        }
        let shapes = shapes::all();
        for (number, task) in self.tasks.iter().enumerate() {
            let state = *history.tasks.get(task).with_context(|| format!("task {task} is lost"))?;
            let (name, shape) = &shapes[number % shapes.len()];
            let (completed, steps) = (completed.get(task).copied().unwrap_or(0), shape.names.len());
            let is_right = match state {
                TaskState::Complete => completed == steps && !refused.contains_key(task),
                TaskState::Error => completed < steps && refused.contains_key(task),
                _ => false,
            };
            ensure!(is_right, "{name} {task} ended as {state} with {completed} of {steps} steps complete");
        }
        Ok(())
    }
}

fn new_ids(count: usize) -> Vec<TaskId> {
    (0..count).map(|_| TaskId(uuid::Uuid::now_v7())).collect()
}

async fn submit_all(database: &Database, server: &Recorder, first: usize, ids: &[TaskId]) -> Result<()> {
    let shapes = shapes::all();
    let numbered = ids.iter().zip(first..);
    let submissions = numbered.map(|(id, number)| {
        let context = json!({ "number": number, "url": server.url() });
        let name = shapes[number % shapes.len()].0;
        async move { database.submit_surely(*id, name, &context, PATIENCE).await }
    });
    futures::future::try_join_all(submissions).await.map(drop)
}

async fn submit_paced(database: &Database, server: &Recorder, first: usize, ids: &[TaskId]) -> Result<()> {
    let deadline = Instant::now() + 10 * PATIENCE;
    for (part, ids) in ids.chunks(10).enumerate() {
        // While the database cannot be used it is not asked for more.
        while !database.busy_steps().await.is_ok_and(|busy| busy < BUSY) {
            ensure!(Instant::now() < deadline, "the nodes do not take the tasks that they are given");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        submit_all(database, server, first + 10 * part, ids).await?;
    }
    Ok(())
}
