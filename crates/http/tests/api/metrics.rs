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
}

fn on() -> ApiOptions {
    let metrics = MetricsOptions { source: Some(Arc::new(Fixed)), is_public: false };
    ApiOptions { metrics, ..ApiOptions::default() }
}

#[tokio::test]
async fn api_121_metrics_come_in_the_form_that_is_asked_for() {
    let server = Server::with(on()).await;
    let accepting =
        |media: &'static str| answer(server.request(Method::GET, "/metrics").header(ACCEPT, media));
    let text = server.get("/metrics").await.expect(200);
    assert_eq!((text.body.as_str().unwrap(), text.header("cache-control")), ("Text", "no-store"));
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
async fn api_122_metrics_that_are_off_are_not_there_now() {
    let server = Server::start().await;
    server.get("/metrics").await.problem(503, "SERVICE_UNAVAILABLE");
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
