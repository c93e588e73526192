//! Small runs on both kinds of databases: what is told, and that nothing stays behind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tasker_bench::{
    BenchOptions, CeilingOptions, Host, Opener, Place, ShapeKind, Submission, WorkerCommand, measure,
    measure_ceiling,
};
use tasker_engine::EngineOptions;
use tasker_store::Store;
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::postgres::Server;

fn options(shape: ShapeKind, tasks: usize) -> BenchOptions {
    BenchOptions {
        shape,
        steps: None,
        tasks,
        payload_bytes: 10,
        failure_rate: 0.0,
        submission: Submission::Callers(4),
        handler_wait: Duration::ZERO,
        workers: 0,
        idle_tasks: 3,
        history_steps: 0,
        waiting_tasks: 0,
        with_ceiling: false,
        runs: 1,
    }
}

fn host(place: Place, open: Opener) -> Host {
    let worker = WorkerCommand { program: "false".into(), arguments: Vec::new() };
    Host { place, keep: false, open, engine: EngineOptions::default(), worker }
}

fn on_sqlite(folder: &Path) -> Host {
    let open = |url: String| async move {
        let path = url.strip_prefix("sqlite:").unwrap().to_owned();
        Ok(Arc::new(SqliteStore::open(Path::new(&path), OpenOptions::default())?) as Arc<dyn Store>)
    };
    host(Place::Sqlite { folder: folder.to_owned() }, Arc::new(move |url| Box::pin(open(url))))
}

fn on_postgres(url: String) -> Host {
    let open = |url: String| async move {
        PostgresStore::migrate(&url).await?;
        Ok(Arc::new(PostgresStore::connect(&url, PostgresOptions::default()).await?) as Arc<dyn Store>)
    };
    host(Place::Postgres { url }, Arc::new(move |url| Box::pin(open(url))))
}

/// The numbers at these places are there, and more than nothing.
fn assert_positive(report: &Value, pointers: &[&str]) {
    for pointer in pointers {
        let number = report.pointer(pointer).and_then(Value::as_f64);
        assert!(number.is_some_and(|number| number > 0.0), "{pointer}: {report:#}");
    }
}

const ALWAYS: &[&str] = &[
    "/seconds",
    "/steps_per_second",
    "/tasks_per_second",
    "/submissions_per_second",
    "/latency_ms/p50",
    "/latency_ms/p99",
    "/hop_ms/p50",
    "/hop_ms/p99",
    "/commit_ms/p50",
    "/latency_in_floors",
    "/commits_per_step",
    "/log_bytes_per_step",
    "/cpu_seconds_per_1000_steps/engine",
    "/memory_bytes/resident",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_sqlite_with_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let options = BenchOptions {
        history_steps: 100,
        waiting_tasks: 7,
        with_ceiling: true,
        runs: 2,
        submission: Submission::Bulk,
        ..options(ShapeKind::FanOut, 5)
    };
    let report = measure(&options, &on_sqlite(&data), &|_| {}).await.unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_positive(&json, ALWAYS);
    assert_positive(&json, &["/ratio", "/ceiling/steps_per_second", "/waiting_submissions_per_second"]);
    assert_eq!((&json["steps_per_task"], &json["database"]), (&22.into(), &"sqlite".into()));
    assert_eq!(json["executions"], (5 + 3 + 10) * 22);
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
    assert!(json.get("statements_per_step").is_none(), "nobody counts them on SQLite");
    assert!(report.text().contains("verified:"));
    assert!(!data.exists(), "what was made is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ceiling_of_every_shape_writes_rows_that_are_sound() {
    let folder = tempfile::tempdir().unwrap();
    for shape in ShapeKind::ALL {
        let options = CeilingOptions { shape, steps: None, tasks: 12, payload_bytes: 10, runs: 1 };
        let report = measure_ceiling(&options, &on_sqlite(folder.path()), &|_| {}).await.unwrap();
        let json = serde_json::to_value(&report).unwrap();
        assert_positive(
            &json,
            &["/steps_per_second", "/single_row_commits_per_second", "/log_bytes_per_step"],
        );
        assert_eq!(json["verified"], true);
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_postgres_with_everything() {
    let server = Server::for_tests();
    let database = server.empty_database().await;
    let options = BenchOptions {
        history_steps: 100,
        waiting_tasks: 7,
        with_ceiling: true,
        ..options(ShapeKind::Tree, 5)
    };
    let report = measure(&options, &on_postgres(database.url().to_owned()), &|_| {}).await.unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_positive(&json, ALWAYS);
    assert_positive(&json, &["/ratio", "/ceiling/steps_per_second", "/ceiling/log_bytes_per_step"]);
    assert_eq!(json["database"], "postgres");
}
