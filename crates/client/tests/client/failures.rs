//! What goes wrong: refusals, servers that are busy, broken, or none at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use tasker_client::request::CancelTaskRequest;
use tasker_client::{Client, Error, TaskQuery};
use tokio::net::TcpListener;

use crate::server::{Server, order};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

const BUSY: &str = r#"{"type": "urn:tasker:problem:x", "title": "t", "status": 503, "detail": "busy",
    "code": "SERVICE_UNAVAILABLE", "request_id": "r"}"#;

/// Answers everything alike; counts.
async fn answering(
    status: StatusCode,
    retry_after: &'static str,
    body: &'static str,
) -> (String, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let answer = move |headers: HeaderMap| async move {
        count.fetch_add(1, Ordering::SeqCst);
        assert!(!headers.contains_key("cookie"));
        (status, [("retry-after", retry_after), ("location", "http://127.0.0.1:1/")], body)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, asked)
}

#[tokio::test]
async fn a_refusal_tells_everything_that_is_wrong() {
    let server = Server::start().await;
    let missing = server.client.task(ID).await.unwrap_err();
    let problem = missing.problem().unwrap();
    assert_eq!((problem.status(), problem.code()), (404, "TASK_NOT_FOUND"));
    assert!(!problem.request_id().is_empty() && missing.to_string().contains(ID));

    let mut wrong = order();
    (wrong.priority, wrong.reason) = (Some(77), Some("x".repeat(1_000)));
    let refused = server.client.create_task(wrong).await.unwrap_err();
    let problem = refused.problem().unwrap();
    let places: Vec<&str> = problem.errors().iter().filter_map(|entry| entry.pointer.as_deref()).collect();
    assert!(places.contains(&"/priority") && places.contains(&"/reason"), "{places:?}");

    let unknown = server.client.tasks(&TaskQuery::new().sort_by("age")).await.unwrap_err();
    assert_eq!(unknown.problem().unwrap().errors()[0].parameter.as_deref(), Some("sort_by"));
    server.stop().await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_where_that_is_safe() {
    let (address, asked) = answering(StatusCode::SERVICE_UNAVAILABLE, "0", BUSY).await;
    let client = Client::builder(&address).retries(2).build().unwrap();
    let error = client.task(ID).await.unwrap_err();
    assert_eq!(error.problem().unwrap().retry_after, Some(Duration::ZERO));
    assert_eq!(asked.swap(0, Ordering::SeqCst), 3);
    client.create_task(order()).await.unwrap_err();
    assert_eq!(asked.swap(0, Ordering::SeqCst), 3);
    client.cancel_task(ID, &CancelTaskRequest::default()).await.unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nothing_was_done_where_too_much_was_asked() {
    let (address, asked) = answering(StatusCode::TOO_MANY_REQUESTS, "0", BUSY).await;
    let client = Client::builder(&address).retries(2).build().unwrap();
    client.cancel_task(ID, &CancelTaskRequest::default()).await.unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_is_no_tasker_is_told_as_such() {
    for (status, body) in
        [(StatusCode::OK, "<html>"), (StatusCode::FOUND, ""), (StatusCode::BAD_GATEWAY, "bad gateway")]
    {
        let (address, asked) = answering(status, "0", body).await;
        let client = Client::builder(&address).token("secret").build().unwrap();
        let error = client.task(ID).await.unwrap_err();
        assert!(matches!(error, Error::Decoding { .. }), "{error:?}");
        assert!(error.to_string().contains(&address), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // Bound, so that nobody else is there, and then let go.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder(&address).token("secret").retries(0).build().unwrap();
    let error = client.create_task(order()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { is_unreachable: true, .. }), "{error:?}");
    assert!(error.to_string().contains(&address), "{error}");
    assert!(!format!("{error:?}").contains("secret"));
}
