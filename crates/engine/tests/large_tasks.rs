//! Tasks of thousands of steps on SQLite: they end, and a step costs what a step of a small task costs.
//!
//! The ratio that counts is measured with `cargo test --release -p tasker-engine --test large_tasks -- --nocapture`;
//! the bound here is wide, so that a busy machine does not fail it and only a cost that grows with the task does.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Script, request};
use tasker_core::graph::shapes::{self, Shape};
use tasker_core::names::HandlerName;
use tasker_core::state::TaskState;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_store::Store;
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::definitions::{HANDLER, definition_of};

/// Most that a step and edge of a large task may cost, as a multiple of that of small tasks.
const MOST: f64 = 4.0;

const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `n` tasks of a shape; the time per step and edge.
async fn cost(shape: &Shape, n: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Arc::new(SqliteStore::open(&folder.path().join("tasker.db"), OpenOptions::default()).unwrap());
    let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), Script::default());
    let engine = Engine::new(store.clone(), handlers, EngineOptions::default());
    let worker = engine.start_worker(Scope::All).await.unwrap();
    let definition = definition_of("large", shape);
    let request = request(&definition.name, &json!({}));
    engine.register(definition, false).await.unwrap();
    let start = Instant::now();
    for _ in 0..n {
        let task = engine.submit(request.clone()).await.unwrap().task_id;
        assert_eq!(engine.wait(task, Some(PATIENCE)).await.unwrap(), Some(TaskState::Complete));
    }
    let took = start.elapsed();
    worker.stop().await;
    assert_eq!(store.check(10).await.unwrap(), vec![]);
    let graph = shape.graph();
    took / u32::try_from(n * (graph.n_steps() + graph.n_edges())).unwrap()
}

async fn compare(name: &str, large: Shape, small: Shape) {
    let n_small = (large.names.len() / small.names.len()).min(10);
    let (large, small) = (cost(&large, 1).await, cost(&small, n_small).await);
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("{name}: {large:?} per step and edge, {small:?} in small tasks, ratio {ratio:.2}");
    assert!(ratio < MOST, "{name}: {ratio}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wide_task_of_10_000_steps() {
    compare("wide", shapes::fan_out(9_998), shapes::fan_out(98)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deep_task_of_10_000_steps() {
    compare("deep", shapes::chain(10_000), shapes::chain(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layered_task_of_10_000_steps() {
    compare("layered", shapes::layered(100, 100, 3), shapes::layered(10, 10, 3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fully_connected_task() {
    compare("fully connected", shapes::dense(30, 30), shapes::dense(10, 10)).await;
}
