//! `/health`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use tasker_core::outcome::Failure;
use tasker_core::time::Timestamp;
use tasker_engine::Scope;
use tasker_engine::handler::Handlers;
use tasker_http::{ApiOptions, HealthOptions};
use tasker_store::wrapper::Wrapper;
use tasker_store::write::{SubmitBatch, Submitted};
use tasker_store::{Store, StoreError};
use tokio::sync::Notify;

use crate::server::{Server, answer};

#[tokio::test]
async fn the_process_answers() {
    let server = Server::start().await;
    let alive = server.get("/health/live").await.expect(200);
    assert_eq!((&alive.body["alive"], &alive.body["service"]), (&json!(true), &json!("tasker")));
    assert_eq!(alive.header("cache-control"), "no-store");
    server.stop().await;
}

#[tokio::test]
async fn api_113_a_server_with_a_database_is_ready() {
    let handlers = Handlers::new()
        .with_fn("echo".parse().unwrap(), |_, input: Value| async move { Ok::<_, Failure>(input) });
    let server = Server::serving(handlers).await;
    let worker = server.engine.start_worker(Scope::All).await.expect("a worker");
    let ready = server.get("/health/ready").await.expect(200);
    assert_eq!(ready.body["ready"], true);
    let checks = ready.body["checks"].as_object().unwrap();
    let names: Vec<&str> = checks.keys().map(String::as_str).collect();
    assert_eq!(names, ["database", "handlers", "migrations", "queue", "shutdown"]);
    for (name, check) in checks {
        assert_eq!(check["status"], "healthy", "{name}");
    }
    assert_eq!(ready.header("cache-control"), "no-store");
    worker.stop_now().await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_without_a_worker_is_ready() {
    let server = Server::start().await;
    let ready = server.get("/health/ready").await.expect(200);
    for name in ["queue", "handlers"] {
        assert_eq!(ready.body["checks"][name]["status"], "skipped", "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_worker_without_handlers_is_not_ready() {
    let server = Server::start().await;
    let worker = server.engine.start_worker(Scope::All).await.expect("a worker");
    let ready = server.get("/health/ready").await.expect(503);
    assert_eq!(ready.body["failed_checks"], json!(["handlers"]));
    worker.stop_now().await;
    server.stop().await;
}

/// A store whose time cannot be read: at once, or never.
struct Broken {
    inner: Arc<dyn Store>,
    hangs: bool,
}

#[async_trait]
impl Wrapper for Broken {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn now_through(&self) -> Result<Timestamp, StoreError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Err(StoreError::Unavailable {
            trying: "reading the clock of /secret/tasker.db".into(),
            source: "gone".into(),
        })
    }
}

#[tokio::test]
async fn api_114_without_its_database_a_server_is_not_ready_and_lives() {
    for hangs in [false, true] {
        let health =
            HealthOptions { readiness_timeout: Duration::from_millis(50), ..HealthOptions::default() };
        let options = ApiOptions { health, ..ApiOptions::default() };
        let server = Server::over(|inner| Arc::new(Broken { inner, hangs }), options).await;
        let ready = server.get("/health/ready").await.expect(503);
        assert_eq!(ready.body["failed_checks"], json!(["database"]));
        assert_eq!(ready.body["checks"]["migrations"]["status"], "healthy");
        assert!(!ready.body.to_string().contains("secret"), "{:#}", ready.body);
        server.get("/health/live").await.expect(200);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_takes_nothing_new() {
    let server = Server::start().await;
    server.get("/health/ready").await.expect(200);
    server.api.drain();
    let ready = server.get("/health/ready").await.expect(503);
    assert_eq!(ready.body["failed_checks"], json!(["shutdown"]));
    server.get("/health/live").await.expect(200);
    let refused = server.post("/tasks", &json!({"name": "order", "context": {}})).await;
    assert_eq!(refused.problem(503, "SERVICE_UNAVAILABLE").header("retry-after"), "1");
    server.stop().await;
}

/// A store that tells when it is given tasks, and takes them when it is let.
struct Gated {
    inner: Arc<dyn Store>,
    given: Arc<Notify>,
    let_in: Arc<Notify>,
}

#[async_trait]
impl Wrapper for Gated {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn submit_through(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.given.notify_one();
        self.let_in.notified().await;
        self.inner.submit(batch).await
    }
}

#[tokio::test]
async fn api_115_what_was_begun_is_finished_before_a_server_stops() {
    let (given, let_in) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gated = {
        let (given, let_in) = (given.clone(), let_in.clone());
        move |inner| Arc::new(Gated { inner, given, let_in }) as Arc<dyn Store>
    };
    let server = Server::over(gated, ApiOptions::default()).await;
    let begun = server.request(Method::POST, "/tasks").json(&json!({"name": "order", "context": {}}));
    let begun = tokio::spawn(answer(begun));
    given.notified().await;
    server.api.drain();
    let ready = server.get("/health/ready").await.expect(503);
    assert_eq!(ready.body["failed_checks"], json!(["shutdown"]));
    let stopped = tokio::spawn(server.stop());
    let_in.notify_one();
    begun.await.unwrap().expect(201);
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_full_says_so_and_its_probes_are_answered() {
    let server = Server::with(ApiOptions { max_requests: 0, ..ApiOptions::default() }).await;
    let refused = server.post("/tasks", &json!({"name": "order", "context": {}})).await;
    assert_eq!(refused.problem(503, "SERVICE_UNAVAILABLE").header("retry-after"), "1");
    server.get("/health/live").await.expect(200);
    server.stop().await;
}
