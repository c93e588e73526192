//! The metrics of an engine that did everything once: a snapshot of all names, types and labels, which are a contract.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::names::HandlerName;
use tasker_core::outcome::Failure;
use tasker_core::request::TaskRequest;
use tasker_core::state::TaskState;
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};
use tasker_engine::observe::Observer as _;
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_http::{Answered, ApiObserver as _, Bucket, MetricsForm};
use tasker_telemetry::metrics::{Exporter, Metrics};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::{HANDLER, definition};

/// Longest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Steps named `broken` fail for good.
struct Scripted;

#[async_trait::async_trait]
impl StepHandler for Scripted {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        match step.step.as_str() {
            "broken" => Err(Failure::permanent("HttpError", "HTTP_503", "secret")),
            _ => Ok(json!({"done": true})),
        }
    }
}

/// An engine that completed one task and failed another.
async fn worked() -> (Engine, Metrics, Exporter) {
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let metrics = Metrics::new();
    let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), Scripted);
    let options = EngineOptions { observer: Arc::new(metrics.clone()), ..EngineOptions::default() };
    let engine = Engine::new(store, handlers, options);
    let worker = engine.start_worker(Scope::All).await.unwrap();
    for (name, step, state) in [("good", "fine", TaskState::Complete), ("bad", "broken", TaskState::Error)] {
        let definition = definition(name, &[(step, &[])]);
        let request = TaskRequest::new(definition.namespace.clone(), definition.name.clone());
        engine.register(definition, false).await.unwrap();
        let task = engine.submit(request).await.unwrap().task_id;
        assert_eq!(engine.wait(task, Some(PATIENCE)).await.unwrap(), Some(state));
    }
    worker.stop().await;
    let exporter = metrics.exporter(engine.clone());
    (engine, metrics, exporter)
}

async fn document(exporter: &Exporter) -> Value {
    serde_json::from_str(&exporter.render(MetricsForm::Json).await).unwrap()
}

fn value(document: &Value, name: &str, labels: &Value) -> Option<f64> {
    let families = document["families"].as_array().unwrap();
    let family = families.iter().find(|family| family["name"] == name)?;
    let series = family["series"].as_array().unwrap();
    let found = series.iter().find(|series| series["labels"] == *labels)?;
    found["value"].as_f64().or_else(|| found["count"].as_f64())
}

#[tokio::test]
async fn what_an_engine_did_is_counted_by_definition_and_step() {
    let (engine, _, exporter) = worked().await;
    let document = document(&exporter).await;
    let check = |name: &str, labels: Value, expected: f64| {
        assert_eq!(value(&document, name, &labels), Some(expected), "{name} {labels}: {document:#}");
    };
    let of_task = |task: &str| json!({"namespace": "default", "task": task, "version": "1.0.0"});
    check("tasker_tasks_created_total", of_task("good"), 1.0);
    check("tasker_task_completed_total", of_task("good"), 1.0);
    check("tasker_task_failed_total", of_task("bad"), 1.0);
    let fine = json!({"namespace": "default", "step": "fine", "task": "good", "version": "1.0.0"});
    check("tasker_step_started_total", fine.clone(), 1.0);
    check("tasker_step_completed_total", fine.clone(), 1.0);
    let failed = json!({
        "error_type": "server_error", "namespace": "default", "retryable": "false", "step": "broken", "task": "bad",
        "version": "1.0.0",
    });
    check("tasker_step_failed_total", failed, 1.0);
    check("tasker_step_wait_seconds", fine, 1.0);
    let ending = |task: &str, outcome: &str| json!({"namespace": "default", "outcome": outcome, "task": task, "version": "1.0.0"});
    check("tasker_task_duration_seconds", ending("good", "complete"), 1.0);
    check("tasker_task_duration_seconds", ending("bad", "error"), 1.0);
    check("tasker_workflow_concurrency", json!({"kind": "in_use"}), 0.0);
    check("tasker_handlers_overrunning", json!({}), 0.0);
    check("tasker_tasks", json!({"state": "complete"}), 1.0);
    check("tasker_tasks", json!({"state": "error"}), 1.0);
    check("tasker_database_up", json!({}), 1.0);
    assert!(!document.to_string().contains("secret"));
    engine.shutdown().await;
}

#[tokio::test]
async fn every_name_type_and_label_is_known() {
    let (engine, metrics, exporter) = worked().await;
    let took = Duration::from_millis(3);
    let mut unserved = definition("unserved", &[("waits", &[])]);
    unserved.steps[0].handler = HandlerName::new("nobody").unwrap();
    let request = TaskRequest::new(unserved.namespace.clone(), unserved.name.clone());
    engine.register(unserved, false).await.unwrap();
    engine.submit(request).await.unwrap();
    let status = axum::http::StatusCode::OK;
    metrics.answered(Answered { method: "GET", route: "/tasks", status, took });
    metrics.not_authenticated("missing");
    metrics.not_authorized("tasker.task:index");
    metrics.rate_limited(Bucket::Principal("somebody"));
    metrics.outcome_stale();
    let failure = Failure::retryable("StepTimeout", "step_timeout", "too slow");
    let plan = tasker_testkit::definitions::plan("worn", &[("out", &[])]);
    let (step, outcome) = (tasker_core::ids::Ordinal(0), tasker_core::outcome::Outcome::Failure(failure));
    metrics.outcome_settled(&plan, step, &outcome, tasker_core::state::StepState::Error, Some(took));
    metrics.outcome_settled(&plan, step, &outcome, tasker_core::state::StepState::Error, None);
    let document = document(&exporter).await;
    assert!(!document.to_string().contains("somebody"));
    let mut catalogue = String::new();
    for family in document["families"].as_array().unwrap() {
        let series = family["series"].as_array().unwrap();
        let labels: BTreeSet<&str> = series
            .iter()
            .flat_map(|one| one["labels"].as_object().unwrap().keys())
            .map(String::as_str)
            .collect();
        let text = |key: &str| family[key].as_str().unwrap();
        let labels = labels.into_iter().collect::<Vec<_>>().join(",");
        writeln!(catalogue, "{} {} {{{labels}}} {}", text("name"), text("type"), text("help")).unwrap();
    }
    insta::assert_snapshot!(catalogue);
    let page = include_str!("../../../docs/observability.md");
    for family in document["families"].as_array().unwrap() {
        let name = family["name"].as_str().unwrap();
        assert!(page.contains(&format!("`{name}`")), "docs/observability.md says nothing about {name}");
    }
    engine.shutdown().await;
}
