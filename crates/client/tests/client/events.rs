//! Events as they happen.

use std::time::Duration;

use tasker_client::{Client, Error, EventQuery, Told};

use crate::server::Server;

/// The position and the name of the next event.
async fn next(stream: &mut tasker_client::EventStream) -> (String, String) {
    let told = tokio::time::timeout(Duration::from_secs(30), stream.next()).await.expect("it comes in time");
    match told.expect("the server tells") {
        Some(Told::Event { position, event }) => (position, event.event),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_come_as_they_happen() {
    let server = Server::start().await;
    let before = server.task().await;
    let past =
        EventQuery { task: Some(before.task_id.to_string()), only_past: true, ..EventQuery::default() };
    let mut stream = server.client.events(&past);
    let (first, name) = next(&mut stream).await;
    assert_eq!(name, "task.initialize_requested");
    next(&mut stream).await;
    next(&mut stream).await;
    assert_eq!(stream.next().await.unwrap(), None);

    let all = EventQuery { after: Some(first), name: Some("order".into()), ..EventQuery::default() };
    let mut stream = server.client.events(&all);
    next(&mut stream).await;
    next(&mut stream).await;
    server.task().await;
    let (position, name) = next(&mut stream).await;
    assert_eq!(name, "task.initialize_requested");
    assert_eq!(stream.position(), Some(position.as_str()));
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_was_away_is_gone_on_with_and_one_that_refuses_is_not() {
    let server = Server::start().await;
    let query = EventQuery { after: Some("start".into()), ..EventQuery::default() };
    let mut stream = server.client.events(&query);
    server.task().await;
    let told = [next(&mut stream).await, next(&mut stream).await];
    // What is being read ends with the server; the one that comes after it has the same log.
    let server = server.restart().await;
    let last = next(&mut stream).await;
    assert!(!told.contains(&last));
    assert_eq!(last.1, "step.initialize_requested");
    let query =
        EventQuery { task: Some("00000000-0000-4000-8000-000000000007".into()), ..EventQuery::default() };
    let refused = server.client.events(&query).next().await.unwrap_err();
    assert_eq!(refused.problem().expect("a problem").code(), "TASK_NOT_FOUND");
    server.stop().await;
    let gone = Client::builder("http://127.0.0.1:1").build().unwrap();
    let error = gone.events(&EventQuery::default()).next().await.unwrap_err();
    assert!(matches!(error, Error::Transport { is_unreachable: true, .. }), "{error:?}");
}
