//! Methods and paths, headers that every answer has, parameters.

use reqwest::Method;
use tasker_http::ApiOptions;

use crate::server::{Server, answer};

#[tokio::test]
async fn api_63_what_has_no_route_is_refused_as_json() {
    let server = Server::start().await;
    let id = server.task().await;
    for (method, path) in [(Method::PUT, "/health/live".to_owned()), (Method::POST, format!("/tasks/{id}"))] {
        let refused = answer(server.request(method, &path)).await.problem(405, "METHOD_NOT_ALLOWED");
        assert!(refused.header("allow").contains("GET"), "{path}");
    }
    server.get("/nope").await.problem(404, "ROUTE_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn routes_stand_below_their_version_too() {
    let server = Server::start().await;
    let id = server.task().await;
    server.get(&format!("/v1/tasks/{id}")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with() {
    let server = Server::start().await;
    let told =
        answer(server.request(Method::GET, "/health/live").header("x-correlation-id", "order-7")).await;
    assert_eq!(told.header("x-correlation-id"), "order-7");
    let replaced =
        answer(server.request(Method::GET, "/health/live").header("x-correlation-id", "no good")).await;
    assert_eq!(replaced.header("x-correlation-id"), replaced.header("x-request-id"));
    server.stop().await;
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name() {
    let server = Server::start().await;
    let id = server.task().await;
    let refused = server.get(&format!("/tasks/{id}?inclde=steps&include=all")).await;
    assert_eq!(refused.problem(400, "INVALID_PARAMETER").places(), ["inclde", "include"]);
    server.stop().await;
}

#[tokio::test]
async fn nobody_listens_where_others_can_reach_it_unless_that_is_meant() {
    let options = ApiOptions::default();
    assert!(options.check_address("0.0.0.0:0".parse().unwrap()).is_err());
    let server = Server::with(options).await;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = server.api.serve(listener, Default::default()).await.unwrap_err().to_string();
    assert!(refused.contains("auth.allow_unauthenticated"), "{refused}");
    server.stop().await;
}
