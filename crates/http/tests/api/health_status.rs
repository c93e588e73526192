//! `/health/status`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tasker_core::decide::Action;
use tasker_http::{ApiOptions, HealthOptions};
use tasker_store::analytics::Census;
use tasker_store::wrapper::Wrapper;
use tasker_store::{Store, StoreError};
use tasker_testkit::definitions::plan;
use tasker_testkit::driver::Driver;

use crate::roles::believing;
use crate::server::Server;

const STATUS: &str = "/health/status";

/// Options under which an answer is used only once: every question builds its own report.
fn fresh() -> ApiOptions {
    let health = HealthOptions { cache_duration: Duration::ZERO, ..HealthOptions::default() };
    ApiOptions { health, ..ApiOptions::default() }
}

/// So many tasks that end, some of them in error.
async fn end(driver: &Driver, failed: usize, complete: usize) {
    let one = plan("one", &[("a", &[])]);
    for n in 0..failed + complete {
        driver.start(&one).await;
        let claim = driver.claim_one("a").await;
        if n < failed {
            driver.fail_for_good(&claim).await
        } else {
            driver.succeed(&claim).await
        };
    }
}

fn codes(body: &Value) -> Vec<&str> {
    body["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn api_116_the_status_is_told_to_those_who_may_know_it_and_counts_everything() {
    let server = Server::with(believing()).await;
    let driver = server.driver();
    let one = plan("one", &[("a", &[])]);
    driver.start(&one).await;
    let claim = driver.claim_one("a").await;
    driver.fail(&claim).await;
    let resolved = driver.start(&one).await;
    let claim = driver.claim_one("a").await;
    driver.fail_for_good(&claim).await;
    driver.operate(resolved, Action::ResolveTask).await;
    let cancelled = driver.start(&one).await;
    driver.operate(cancelled, Action::CancelTask { force: false }).await;
    for _ in 0..3 {
        driver.start(&plan("two", &[("x", &[]), ("y", &["x"])])).await;
    }
    let told = server.get_as("viewer", STATUS).await.expect(200);
    let metrics = &told.body["metrics"];
    let direct = server.store.health_counts().await.unwrap();
    for (name, total, pending) in [
        ("tasks", direct.total_tasks, direct.pending_tasks),
        ("steps", direct.total_steps, direct.pending_steps),
    ] {
        let counts = metrics[name].as_object().unwrap();
        assert_eq!((&counts["total"], &counts["pending"]), (&json!(total), &json!(pending)), "{name}");
        let sum: u64 =
            counts.iter().filter(|(state, _)| *state != "total").map(|(_, n)| n.as_u64().unwrap()).sum();
        assert_eq!(sum, total, "{counts:?}");
    }
    assert_eq!((direct.total_tasks, direct.pending_tasks), (6, 3));
    assert_eq!([&metrics["tasks"]["cancelled"], &metrics["tasks"]["resolved_manually"]], [1, 1]);
    assert_eq!(metrics["retries"], json!({"retryable_errors": 1, "exhausted_retries": 0, "in_backoff": 1}));
    assert_eq!(told.body["queue"]["depth"], 4);
    assert_eq!((told.header("cache-control"), told.header("age")), ("no-store", "0"));
    server.get(STATUS).await.problem(401, "AUTHENTICATION_FAILED");
    server.get_as("tasker.task:index", STATUS).await.problem(403, "AUTHORIZATION_FAILED");
    server.get_as("viewer @payments", STATUS).await.problem(403, "AUTHORIZATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn the_status_is_for_everybody_only_where_that_is_said() {
    let health = HealthOptions { status_is_public: true, ..HealthOptions::default() };
    let server = Server::with(ApiOptions { health, ..believing() }).await;
    server.get(STATUS).await.expect(200);
    server.get("/tasks").await.problem(401, "AUTHENTICATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn api_117_errors_of_the_last_hour_make_it_unhealthy_and_older_ones_do_not() {
    let server = Server::with(fresh()).await;
    let driver = server.driver();
    end(&driver, 11, 8).await;
    server.get(STATUS).await.expect(200);
    end(&driver, 1, 0).await;
    let told = server.get(STATUS).await.expect(503);
    assert_eq!((&told.body["status"], &told.body["healthy"]), (&json!("unhealthy"), &json!(false)));
    assert_eq!(codes(&told.body), ["task_error_rate", "step_error_rate"]);
    let tasks = json!({"sample": 20, "errors": 12, "percent": 60.0});
    assert_eq!(told.body["error_rates"]["tasks"], tasks);
    let dashboard = server.get("/health/status?always_200=true").await.expect(200);
    assert_eq!(dashboard.body["status"], "unhealthy");
    server.advance_seconds(3_600);
    let told = server.get(STATUS).await.expect(200);
    assert_eq!((&told.body["status"], codes(&told.body)), (&json!("healthy"), vec![]));
    // This server may tell what it counted before; another one has counted nothing yet.
    let other = server.beside(fresh()).await;
    assert_eq!(other.get(STATUS).await.expect(200).body["metrics"]["tasks"]["error"], 12);
    other.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn work_that_nobody_does_makes_it_degraded_and_it_serves_on() {
    let server = Server::with(fresh()).await;
    let told = server.get(STATUS).await.expect(200);
    assert_eq!((&told.body["status"], &told.body["workers"]), (&json!("healthy"), &json!({"alive": 0})));
    server.task().await;
    server.advance_seconds(7);
    let told = server.get(STATUS).await.expect(200);
    assert_eq!((&told.body["status"], codes(&told.body)), (&json!("degraded"), vec!["no_live_worker"]));
    let queue = json!({"depth": 1, "due": 1, "running": 0, "oldest_age_seconds": 7.0});
    assert_eq!(told.body["queue"], queue);
    server.stop().await;
}

#[tokio::test]
async fn api_118_an_answer_is_used_again_and_says_how_old_it_is() {
    let server = Server::start().await;
    let first = server.get(STATUS).await.expect(200);
    let info = json!({"cached": false, "age_seconds": 0.0, "ttl_seconds": 15.0});
    assert_eq!(first.body["cache_info"], info);
    server.advance_seconds(1);
    // Ages are told in milliseconds, and the first of them may not be over.
    loop {
        let second = server.get(STATUS).await.expect(200);
        assert_eq!(second.body["cache_info"]["cached"], true);
        assert_eq!(second.body["generated_at"], first.body["generated_at"]);
        if second.body["cache_info"]["age_seconds"].as_f64() > Some(0.0) {
            break;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn that_it_is_unhealthy_is_believed_for_a_second_at_most() {
    let server = Server::start().await;
    end(&server.driver(), 20, 0).await;
    let told = server.get(STATUS).await.expect(503);
    assert_eq!(told.body["cache_info"]["ttl_seconds"], 1.0);
    server.stop().await;
}

/// A store that counts how often everything is counted, and cannot do so the first `failures` times.
struct Counting {
    inner: Arc<dyn Store>,
    counted: Arc<AtomicUsize>,
    failures: usize,
}

#[async_trait]
impl Wrapper for Counting {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn census_through(&self) -> Result<Census, StoreError> {
        let before = self.counted.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if before < self.failures {
            return Err(StoreError::Corrupt("relation \"step\" at /secret/tasker.db".into()));
        }
        self.inner.census().await
    }
}

async fn counting(failures: usize) -> (Server, Arc<AtomicUsize>) {
    let counted = Arc::new(AtomicUsize::new(0));
    let counter = counted.clone();
    let server = Server::over(
        move |inner| Arc::new(Counting { inner, counted: counter, failures }),
        ApiOptions::default(),
    )
    .await;
    (server, counted)
}

#[tokio::test]
async fn api_119_many_who_ask_at_once_have_it_counted_once() {
    let (server, counted) = counting(0).await;
    let answers = futures::future::join_all((0..50).map(|_| server.get(STATUS))).await;
    let found = answers.iter().filter(|answer| answer.body["cache_info"]["cached"] == false).count();
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!((counted.load(Ordering::SeqCst), found), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn api_132_a_failure_is_told_without_details_and_not_kept() {
    let (server, counted) = counting(1).await;
    let refused = server.get(STATUS).await.expect(500).problem(500, "INTERNAL_ERROR");
    let text = refused.body.to_string();
    for secret in ["secret", "relation", "Corrupt", ".rs", ".db"] {
        assert!(!text.contains(secret), "{text}");
    }
    server.get(STATUS).await.expect(200);
    assert_eq!(counted.load(Ordering::SeqCst), 2);
    server.stop().await;
}
