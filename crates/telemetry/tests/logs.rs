//! What log lines say of requests and steps, and what they never say.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tasker_core::masking::Masking;
use tasker_core::names::HandlerName;
use tasker_core::outcome::Failure;
use tasker_core::state::TaskState;
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};
use tasker_engine::observe::Observer as _;
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_http::{Api, ApiOptions, MetricsForm};
use tasker_telemetry::metrics::Metrics;
use tasker_telemetry::{Format, LogOptions, subscriber};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::{HANDLER, definition, plan};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Longest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// What no line may hold.
const SECRET: &str = "hunter2-hunter2";

/// The lines that were written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn documents(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs everything that this thread does.
fn logging(format: Format) -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let options =
        LogOptions { directives: "tasker=trace".into(), format, color: false, masking: Masking::default() };
    let written = lines.clone();
    let subscriber = subscriber(&options, move || written.clone()).unwrap();
    (lines, tracing::subscriber::set_default(subscriber))
}

/// Fails with a secret in every part of its failure that is its own.
struct Careless;

#[async_trait::async_trait]
impl StepHandler for Careless {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let text = format!("{SECRET} {:?}", step.context.as_str());
        match step.step.as_str() {
            "broken" => {
                Err(Failure { context: Some(json!({"a": text})), ..Failure::permanent("Bad", "bad", &text) })
            }
            _ => Ok(json!({"text": text})),
        }
    }
}

/// Asks for a task through the API, and waits for its end; secrets stand wherever a caller can write something.
async fn asked_for_a_task(engine: &Engine) {
    let api = Api::new(engine.clone(), ApiOptions::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { api.serve(listener, stop).await }
    });
    let body = json!({
        "name": "order", "reason": SECRET, "initiator": SECRET, "tags": [SECRET],
        "context": {"password": SECRET, "note": SECRET},
    })
    .to_string();
    let headers = format!(
        "Host: localhost\r\nAuthorization: Bearer {SECRET}\r\nCookie: {SECRET}\r\nX-Correlation-ID: abc-1\r\nContent-Type: \
         application/json\r\nConnection: close\r\n"
    );
    let requests = [
        format!("POST /tasker/tasks HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()),
        format!("GET /tasker/{SECRET}?token={SECRET} HTTP/1.1\r\n{headers}\r\n"),
        format!("GET /tasker/tasks?token={SECRET} HTTP/1.1\r\n{headers}\r\n"),
        format!("{SECRET} /tasker/tasks HTTP/1.1\r\n{headers}\r\n"),
        format!("POST /tasker/tasks HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{SECRET}", SECRET.len()),
    ];
    for (request, status) in requests.iter().zip([" 201 ", " 404 ", " 400 ", " 405 ", " 400 "]) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        assert!(told.lines().next().unwrap().contains(status), "{told}");
        if status == " 201 " {
            let body = told.split_once("\r\n\r\n").unwrap().1;
            let task: Value = serde_json::from_str(body).unwrap();
            let id = task["task"]["task_id"].as_str().unwrap().parse().unwrap();
            assert_eq!(engine.wait(id, Some(PATIENCE)).await.unwrap(), Some(TaskState::Error));
        }
    }
    stop.cancel();
    serving.await.unwrap().unwrap();
}

/// An engine whose tasks have a step that succeeds and one that fails.
async fn engine() -> Engine {
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), Careless);
    let engine = Engine::new(store, handlers, EngineOptions::default());
    let mut definition = definition("order", &[("fine", &[]), ("broken", &["fine"])]);
    definition.steps[0].handler_config =
        json!({"password": SECRET, "url": format!("https://me:{SECRET}@host")});
    engine.register(definition, false).await.unwrap();
    engine
}

#[tokio::test]
async fn api_130_obs_53_lines_of_requests_and_steps_say_what_ties_them_together() {
    let (lines, _guard) = logging(Format::Json);
    let engine = engine().await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    asked_for_a_task(&engine).await;
    worker.stop().await;
    engine.shutdown().await;
    let documents = lines.documents();
    for (message, span) in [
        ("served", "request"),
        ("a handler is called", "step"),
        ("a step succeeded", "step"),
        ("a step failed", "step"),
    ] {
        let found = documents.iter().filter(|line| line["message"] == message);
        let spans: Vec<_> = found.map(|line| &line["span"]).collect();
        assert!(!spans.is_empty(), "no line says {message:?}: {documents:#?}");
        for told in spans {
            assert_eq!(
                (&told["name"], &told["correlation.id"]),
                (&json!(span), &json!("abc-1")),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn no_line_holds_what_callers_and_handlers_wrote() {
    for format in [Format::Text, Format::Json] {
        let (lines, _guard) = logging(format);
        let engine = engine().await;
        let worker = engine.start_worker(Scope::All).await.unwrap();
        asked_for_a_task(&engine).await;
        worker.stop().await;
        engine.shutdown().await;
        let text = lines.text();
        assert!(text.contains("a step failed"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn secrets_that_are_logged_by_mistake_are_masked() {
    for format in [Format::Text, Format::Json] {
        let (lines, _guard) = logging(format);
        let span = tracing::info_span!(target: "tasker", "asking", api_key = SECRET, step = "a");
        span.in_scope(|| {
            tracing::info!(target: "tasker", password = SECRET, n = 1, "one");
            tracing::info!(target: "tasker", url = format!("postgres://me:{SECRET}@db/x"), "two");
            tracing::info!(target: "tasker", "three: Bearer {SECRET}, password={SECRET}");
            tracing::info!(target: "tasker", context = ?json!({"token": SECRET}).to_string(), "four");
        });
        let text = lines.text();
        assert!(!text.contains(SECRET), "{text}");
        for told in ["one", "two", "three", "four", "postgres://me:[FILTERED]@db/x"] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
}

#[tokio::test]
async fn obs_47_the_step_beyond_the_last_series_is_counted_as_other_and_that_is_said_once() {
    const MOST: usize = 10_000;
    let names: Vec<String> = (0..MOST + 3).map(|n| format!("s{n}")).collect();
    let steps: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    let plan = plan("wide", &steps);
    let metrics = Metrics::new();
    let (lines, guard) = logging(Format::Json);
    for step in plan.graph.steps() {
        metrics.attempt_started(&plan, step, 1, Duration::ZERO);
    }
    drop(guard);
    let text = lines.text();
    assert_eq!(text.matches("too many series").count(), 1, "{text}");
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let engine = Engine::new(store, Handlers::new(), EngineOptions::default());
    let told = metrics.exporter(engine.clone()).render(MetricsForm::Text).await;
    let of = |labels: &str, n: usize| {
        let line = format!("tasker_step_started_total{{{labels}}} {n}\n");
        assert!(told.contains(&line), "{line}");
    };
    of(r#"namespace="other",step="other",task="other",version="other""#, 3);
    of(r#"namespace="default",step="s9999",task="wide",version="1.0.0""#, 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_slow_call_of_the_database_is_a_warning() {
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let (lines, _guard) = logging(Format::Json);
    let options = EngineOptions { slow_after: Duration::ZERO, ..EngineOptions::default() };
    let engine = Engine::new(store, Handlers::new(), options);
    engine.now().await.unwrap();
    let slow = lines.documents().into_iter().find(|line| line["operation"] == "now").unwrap();
    assert_eq!((&slow["level"], &slow["message"]), (&json!("WARN"), &json!("the database was slow")));
    engine.shutdown().await;
}
