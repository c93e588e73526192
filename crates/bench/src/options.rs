//! What is measured, and with what.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;
use tasker_engine::EngineOptions;
use tasker_scratch::Place;
use tasker_store::{Store, StoreError};

use crate::workload::ShapeKind;

/// Opens the database behind a URL, making its schema if need be.
pub type Opener = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Arc<dyn Store>, StoreError>> + Send + Sync>;

/// What the program brings that measures.
#[derive(Clone)]
pub struct Host {
    /// Where databases are made. Each run has one of its own.
    pub place: Place,
    /// Whether they stay afterwards.
    pub keep: bool,
    /// How they are opened.
    pub open: Opener,
    /// Settings of the engine.
    pub engine: EngineOptions,
    /// How a worker process is started.
    pub worker: WorkerCommand,
}

/// A program that calls [`crate::work`].
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// Its file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What `tasker bench` measures.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Shape of the tasks.
    pub shape: ShapeKind,
    /// About how many steps a task has; `None` is what is usual for the shape.
    pub steps: Option<usize>,
    /// How many tasks run at once.
    pub tasks: usize,
    /// Bytes of text in each task's context and in each step's result.
    pub payload_bytes: usize,
    /// Share of steps, 0 to 1, whose first attempt fails.
    pub failure_rate: f64,
    /// How tasks are submitted.
    pub submission: Submission,
    /// How long each handler waits.
    pub handler_wait: Duration,
    /// Worker processes; 0 runs the steps in this one.
    pub workers: usize,
    /// Tasks that run alone, one after the other.
    pub idle_tasks: usize,
    /// Finished steps that the database holds before the run.
    pub history_steps: usize,
    /// Tasks that wait in the queue during the run, not to start before tomorrow.
    pub waiting_tasks: usize,
    /// Whether the ceiling is measured as well, in turn with the engine.
    pub with_ceiling: bool,
    /// How often it is all done; the medians are told.
    pub runs: usize,
}

/// How tasks are submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Submission {
    /// By so many callers, each one task at a time: the next when the one before is accepted.
    Callers(usize),
    /// As many at a time as the engine takes.
    Bulk,
}

/// What `tasker bench ceiling` measures.
#[derive(Clone, Debug)]
pub struct CeilingOptions {
    /// Shape of the tasks.
    pub shape: ShapeKind,
    /// About how many steps a task has.
    pub steps: Option<usize>,
    /// How many tasks.
    pub tasks: usize,
    /// Bytes of text in each task's context and in each step's result.
    pub payload_bytes: usize,
    /// How often it is done.
    pub runs: usize,
}
