//! `/health`.

use serde_json::json;
use tasker_http::ApiOptions;

use crate::server::Server;

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
    let server = Server::start().await;
    let ready = server.get("/health/ready").await.expect(200);
    assert_eq!(ready.body["ready"], true);
    for (name, check) in ready.body["checks"].as_object().unwrap() {
        assert_eq!(check["status"], "healthy", "{name}");
    }
    assert_eq!(ready.header("cache-control"), "no-store");
    server.stop().await;
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

#[tokio::test]
async fn a_server_that_is_full_says_so_and_its_probes_are_answered() {
    let server = Server::with(ApiOptions { max_requests: 0, ..ApiOptions::default() }).await;
    let refused = server.post("/tasks", &json!({"name": "order", "context": {}})).await;
    assert_eq!(refused.problem(503, "SERVICE_UNAVAILABLE").header("retry-after"), "1");
    server.get("/health/live").await.expect(200);
    server.stop().await;
}
