//! `/metrics`, and what is told of requests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use reqwest::Method;
use reqwest::header::ACCEPT;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_http::{Answered, Api, ApiObserver, ApiOptions, MetricsForm, MetricsOptions, MetricsSource};
use tasker_testkit::StoreUnderTest;
use tower_service::Service as _;

use crate::roles::believing;
use crate::server::{Server, answer};

struct Fixed;

#[async_trait]
impl MetricsSource for Fixed {
    async fn metrics(&self, form: MetricsForm) -> String {
        format!("{form:?}")
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl ApiObserver for Notes {
    fn answered(&self, answered: Answered<'_>) {
        let Answered { method, route, status, .. } = answered;
        self.0.lock().unwrap().push(format!("{method} {route} {}", status.as_u16()));
    }

    fn not_authenticated(&self, strategy: &str, reason: &str) {
        self.0.lock().unwrap().push(format!("{strategy} {reason}"));
    }
}

fn on() -> ApiOptions {
    let metrics = MetricsOptions { source: Some(Arc::new(Fixed)), is_public: false };
    ApiOptions { metrics, ..ApiOptions::default() }
}

#[tokio::test]
async fn api_121_obs_46_metrics_come_in_the_form_that_is_asked_for_and_are_not_kept() {
    let server = Server::with(on()).await;
    let accepting =
        |media: &'static str| answer(server.request(Method::GET, "/metrics").header(ACCEPT, media));
    let text = server.get("/metrics").await.expect(200);
    assert_eq!(text.body.as_str().unwrap(), "Text");
    assert_eq!(text.header("cache-control"), "no-cache, no-store, must-revalidate");
    assert_eq!((text.header("pragma"), text.header("expires")), ("no-cache", "0"));
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let open = accepting("application/openmetrics-text; version=1.0.0").await.expect(200);
    assert_eq!(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(accepting("application/json").await.expect(200).body, "Json");
    assert_eq!(server.get("/metrics?format=json").await.expect(200).body, "Json");
    server.get("/metrics?format=xml").await.problem(406, "NOT_ACCEPTABLE");
    accepting("text/html").await.problem(406, "NOT_ACCEPTABLE");
    server.stop().await;
}

#[tokio::test]
async fn api_122_obs_44_metrics_that_are_off_are_not_there_now() {
    let server = Server::start().await;
    let off = server.get("/metrics").await.problem(503, "SERVICE_UNAVAILABLE");
    assert_eq!(off.body["detail"], "metrics are turned off");
    server.stop().await;
}

#[tokio::test]
async fn obs_45_who_may_read_metrics_is_a_setting_of_its_own() {
    for is_public in [false, true] {
        let metrics = MetricsOptions { is_public, ..on().metrics };
        let server = Server::with(ApiOptions { metrics, ..believing() }).await;
        for (claims, status) in
            [(None, 401), (Some("tasker.task:index"), 403), (Some("tasker.metrics:index"), 200)]
        {
            let told = match claims {
                None => server.get("/metrics").await,
                Some(claims) => server.get_as(claims, "/metrics").await,
            };
            told.expect(if is_public { 200 } else { status });
        }
        server.get("/tasks").await.problem(401, "AUTHENTICATION_FAILED");
        server.stop().await;
    }
}

#[tokio::test]
async fn who_could_not_say_who_they_are_is_told_with_the_strategy() {
    let notes = Arc::new(Notes::default());
    let server = Server::with(ApiOptions { observer: notes.clone(), ..believing() }).await;
    server.get("/tasks").await.problem(401, "AUTHENTICATION_FAILED");
    server.get_as("=refused", "/tasks").await.problem(401, "AUTHENTICATION_FAILED");
    let told = notes.0.lock().unwrap().clone();
    assert_eq!(told, ["none missing", "GET /tasks 401", "believer unknown_key", "GET /tasks 401"]);
    server.stop().await;
}

#[tokio::test]
async fn a_listener_for_those_who_watch_has_nothing_else() {
    let StoreUnderTest { store, .. } = StoreUnderTest::memory();
    let engine = Engine::new(store, Handlers::new(), EngineOptions::default());
    let options = ApiOptions { base_path: String::new(), ..on() };
    let router = Api::monitoring(engine, options).expect("options that can be used").router();
    for (path, status) in
        [("/metrics", 200), ("/health/live", 200), ("/health/ready", 200), ("/tasks", 404), ("/me", 404)]
    {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answered = router.clone().call(request).await.unwrap();
        assert_eq!(answered.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn requests_are_told_by_their_route_and_never_by_what_the_caller_wrote() {
    let notes = Arc::new(Notes::default());
    let server = Server::with(ApiOptions { observer: notes.clone(), ..on() }).await;
    let task = server.task().await;
    server.get(&format!("/tasks/{task}")).await.expect(200);
    server.get(&format!("/v1/tasks/{task}")).await.expect(200);
    server.get("/secret/path").await.expect(404);
    let odd = Method::from_bytes(b"SECRET").unwrap();
    answer(server.request(odd, "/tasks")).await.expect(405);
    let told = notes.0.lock().unwrap().clone();
    let expected = [
        "POST /tasks 201",
        "GET /tasks/{task_id} 200",
        "GET /tasks/{task_id} 200",
        "GET other 404",
        "other /tasks 405",
    ];
    assert_eq!(told, expected);
    server.stop().await;
}
