//! The metrics of an engine that did everything once: a snapshot of all names, types and labels, which are a contract.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::decide::NewLimit;
use tasker_core::definition::Definition;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::record::Change;
use tasker_core::request::TaskRequest;
use tasker_core::state::{StepState, TaskState};
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};
use tasker_engine::observe::Observer as _;
use tasker_engine::use_cases::{Operation, Operator};
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_http::{Answered, ApiObserver as _, Bucket, MetricsForm};
use tasker_store::query::Query;
use tasker_telemetry::metrics::{Exporter, Metrics};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::{HANDLER, definition, plan};

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

/// An engine that runs what it gets.
async fn started() -> (Engine, Metrics) {
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let metrics = Metrics::new();
    let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), Scripted);
    let options = EngineOptions { observer: Arc::new(metrics.clone()), ..EngineOptions::default() };
    (Engine::new(store, handlers, options), metrics)
}

/// Runs a task to its end.
async fn run(engine: &Engine, request: TaskRequest, end: TaskState) -> TaskId {
    let task = engine.submit(request).await.unwrap().task_id;
    assert_eq!(engine.wait(task, Some(PATIENCE)).await.unwrap(), Some(end));
    task
}

/// A request for a task of a definition, which is registered.
async fn request(engine: &Engine, definition: Definition) -> TaskRequest {
    let request = TaskRequest::new(definition.namespace.clone(), definition.name.clone());
    engine.register(definition, false).await.unwrap();
    request
}

/// An engine that completed one task and failed another.
async fn worked() -> (Engine, Metrics, Exporter) {
    let (engine, metrics) = started().await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    for (name, step, state) in [("good", "fine", TaskState::Complete), ("bad", "broken", TaskState::Error)] {
        let request = request(&engine, definition(name, &[(step, &[])])).await;
        run(&engine, request, state).await;
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
    check("tasker_task_queue_latency_seconds", of_task("good"), 1.0);
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
    check("tasker_workflow_active_tasks", json!({}), 0.0);
    check("tasker_handlers_overrunning", json!({}), 0.0);
    check("tasker_tasks", json!({"namespace": "default", "state": "complete"}), 1.0);
    check("tasker_tasks", json!({"namespace": "default", "state": "error"}), 1.0);
    check("tasker_steps_retryable", json!({"namespace": "default"}), 0.0);
    check("tasker_database_up", json!({}), 1.0);
    assert!(!document.to_string().contains("secret"));
    engine.shutdown().await;
}

#[tokio::test]
async fn obs_37_tasks_that_completed_and_failed_are_counted_by_definition() {
    let (engine, metrics) = started().await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    let good = request(&engine, definition("good", &[("fine", &[])])).await;
    for _ in 0..3 {
        run(&engine, good.clone(), TaskState::Complete).await;
    }
    let bad = request(&engine, definition("bad", &[("broken", &[])])).await;
    run(&engine, bad, TaskState::Error).await;
    worker.stop().await;
    let text = metrics.exporter(engine.clone()).render(MetricsForm::Text).await;
    let labels = |task: &str| format!("{{namespace=\"default\",task=\"{task}\",version=\"1.0.0\"}}");
    for line in [
        format!("tasker_task_completed_total{} 3\n", labels("good")),
        format!("tasker_task_failed_total{} 1\n", labels("bad")),
        format!("tasker_task_started_total{} 3\n", labels("good")),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn waits_are_told_by_why_they_are_as_long_as_they_are() {
    let (engine, metrics) = started().await;
    let plan = plan("shop", &[("pay", &[])]);
    let busy = Failure::retryable("Busy", "busy", "try again");
    for (failure, seconds) in [(busy.clone().after(7), 7), (busy, 2)] {
        let outcome = Outcome::Failure(failure);
        let wait = Some(Duration::from_secs(seconds));
        metrics.outcome_settled(&plan, Ordinal(0), &outcome, StepState::Error, wait);
    }
    metrics.outcome_settled(
        &plan,
        Ordinal(0),
        &Outcome::LeaseExpired,
        StepState::Error,
        Some(Duration::ZERO),
    );
    let document = document(&metrics.exporter(engine.clone())).await;
    for source in ["server_requested", "exponential"] {
        let labels = json!({
            "backoff_type": source, "namespace": "default", "step": "pay", "task": "shop", "version": "1.0.0",
        });
        assert_eq!(
            value(&document, "tasker_step_backoff_seconds", &labels),
            Some(1.0),
            "{source}: {document:#}"
        );
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn what_operators_do_is_counted_by_definition_and_step() {
    let (engine, metrics) = started().await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    let steps: &[(&str, &[&str])] = &[("broken", &[]), ("after", &["broken"]), ("last", &["after"])];
    let mut refused = request(&engine, definition("mended", steps)).await;
    let task = run(&engine, refused.clone(), TaskState::Error).await;
    let does = |operation| engine.operate(task, operation, Operator::named("ops"));
    let retry = Operation::RetryTask { steps: Vec::new(), limit: NewLimit::More(1) };
    does(retry).await.unwrap();
    assert_eq!(engine.wait(task, Some(PATIENCE)).await.unwrap(), Some(TaskState::Error));
    worker.stop().await;
    does(Operation::ResolveStep { step: "broken".into(), results: None }).await.unwrap();
    does(Operation::CancelStep("last".into())).await.unwrap();
    does(Operation::CancelTask { force: false }).await.unwrap();
    refused.reason = Some("\0".into());
    engine.submit(refused.clone()).await.unwrap_err();
    refused.name = "nowhere".parse().unwrap();
    engine.submit(refused).await.unwrap_err();
    let document = document(&metrics.exporter(engine.clone())).await;
    let check = |name: &str, labels: Value, expected: f64| {
        assert_eq!(value(&document, name, &labels), Some(expected), "{name} {labels}: {document:#}");
    };
    let of_task = json!({"namespace": "default", "task": "mended", "version": "1.0.0"});
    check("tasker_task_failed_total", of_task.clone(), 2.0);
    check("tasker_task_retried_total", of_task.clone(), 2.0);
    check("tasker_task_cancelled_total", of_task, 1.0);
    let of_step =
        |step: &str| json!({"namespace": "default", "step": step, "task": "mended", "version": "1.0.0"});
    check("tasker_step_resolved_manually_total", of_step("broken"), 1.0);
    check("tasker_step_cancelled_total", of_step("after"), 1.0);
    check("tasker_step_cancelled_total", of_step("last"), 1.0);
    check("tasker_task_rejected_total", json!({"namespace": "default", "task": "mended"}), 1.0);
    check("tasker_task_rejected_total", json!({"namespace": "other", "task": "other"}), 1.0);
    check("tasker_events_published_total", json!({"event": "task.retry_requested"}), 2.0);
    check("tasker_events_published_total", json!({"event": "step.cancelled"}), 2.0);
    assert!(value(&document, "tasker_query_duration_seconds", &json!({"query": "apply"})) > Some(0.0));
    assert!(!document.to_string().contains("nowhere"));
    engine.shutdown().await;
}

#[tokio::test]
async fn a_task_that_was_resolved_by_hand_is_counted() {
    let (engine, metrics) = started().await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    let bad = request(&engine, definition("bad", &[("broken", &[])])).await;
    let task = run(&engine, bad, TaskState::Error).await;
    engine.operate(task, Operation::ResolveTask, Operator::named("ops")).await.unwrap();
    worker.stop().await;
    let document = document(&metrics.exporter(engine.clone())).await;
    let of_task = json!({"namespace": "default", "task": "bad", "version": "1.0.0"});
    assert_eq!(value(&document, "tasker_task_resolved_manually_total", &of_task), Some(1.0));
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
    metrics.not_authenticated("none", "missing");
    metrics.not_authorized("tasker.task:index");
    metrics.rate_limited(Bucket::Principal("somebody"));
    metrics.outcome_stale();
    let failure = Failure::retryable("StepTimeout", "step_timeout", "too slow");
    let plan = tasker_testkit::definitions::plan("worn", &[("out", &[])]);
    let (step, outcome) = (tasker_core::ids::Ordinal(0), tasker_core::outcome::Outcome::Failure(failure));
    metrics.outcome_settled(&plan, step, &outcome, tasker_core::state::StepState::Error, Some(took));
    metrics.outcome_settled(&plan, step, &outcome, tasker_core::state::StepState::Error, None);
    metrics.states_changed(&plan, &[Change::Step { ordinal: step, from: None, to: StepState::Cancelled }]);
    metrics.states_changed(
        &plan,
        &[Change::Step { ordinal: step, from: None, to: StepState::ResolvedManually }],
    );
    metrics.query_was_slow(Query::Apply);
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
