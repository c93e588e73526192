//! Live events: nothing is missed, nothing comes twice, and nobody hears what is not for them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::request::Parts;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tasker_core::access::{Claims, PrincipalKind};
use tasker_http::auth::{Authentication, AuthenticationFailure, Authenticator};
use tasker_http::{ApiOptions, EventStreamOptions};
use tasker_store::read::{Cursor, LogQuery};
use tasker_store::write::Prune;

use crate::roles::believing;
use crate::server::{Server, answer};

/// Longer than anything here takes, however busy the machine is.
const LONG: Duration = Duration::from_secs(30);

/// Somebody who listens.
struct Listener {
    response: Response,
    text: String,
}

/// One event as it came.
#[derive(Clone, PartialEq, Debug, Default)]
struct Told {
    id: Option<String>,
    event: String,
    data: Value,
}

impl Listener {
    async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, text: String::new() }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let told = told(block);
                self.text = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            let chunk =
                tokio::time::timeout(LONG, self.response.chunk()).await.expect("something comes in time");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).expect("UTF-8"));
        }
    }

    async fn take(&mut self, n: usize) -> Vec<Told> {
        let mut all = Vec::new();
        while all.len() < n {
            all.push(self.next().await.expect("the stream goes on"));
        }
        all
    }
}

/// An event, if the block is one.
fn told(block: &str) -> Option<Told> {
    let mut told = Told::default();
    for line in block.lines() {
        match line.split_once(": ").expect("a name and a value") {
            ("id", id) => told.id = Some(id.to_owned()),
            ("event", event) => event.clone_into(&mut told.event),
            ("data", data) => told.data = serde_json::from_str(data).expect("JSON"),
            ("" | "retry", _) => {}
            other => panic!("{other:?}"),
        }
    }
    (!told.event.is_empty()).then_some(told)
}

impl Server {
    async fn listen(&self, path: &str) -> Listener {
        Listener::to(self.request(Method::GET, path)).await
    }

    /// Goes on after an event.
    async fn listen_after(&self, path: &str, told: &Told) -> Listener {
        let id = told.id.as_deref().expect("events have ids");
        Listener::to(self.request(Method::GET, path).header("last-event-id", id)).await
    }

    /// The ids of all events that the log holds, in its order.
    async fn logged(&self) -> Vec<String> {
        let query = LogQuery { task: None, after: Cursor::START, limit: usize::MAX };
        let log = self.store.log(query).await.expect("a log");
        log.iter().map(|entry| format!("{}:{}", entry.task, entry.transition.seq)).collect()
    }

    /// Works until nothing is left to do.
    async fn work(&self) {
        self.driver().drive(|_, _| tasker_testkit::driver::success("{}")).await;
    }
}

fn ids(told: &[Told]) -> Vec<String> {
    told.iter().map(|told| told.data["id"].as_str().expect("an id").to_owned()).collect()
}

fn names(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.event.as_str()).collect()
}

#[tokio::test]
async fn a_task_is_told_of_from_its_creation_to_its_end() {
    let server = Server::start().await;
    let id = server.task().await;
    let mut listener = server.listen(&format!("/tasks/{id}/events")).await;
    let created = listener.take(3).await;
    assert_eq!(
        names(&created),
        ["task.initialize_requested", "step.initialize_requested", "step.initialize_requested"]
    );
    server.work().await;
    let worked = listener.take(6).await;
    let expected = [
        "task.start_requested",
        "step.execution_requested",
        "step.completed",
        "step.execution_requested",
        "step.completed",
        "task.completed",
    ];
    assert_eq!(names(&worked), expected);
    let completed = &worked[2].data;
    assert_eq!(completed["event"], "step.completed");
    assert_eq!(
        (&completed["namespace"], &completed["name"], &completed["version"]),
        (&json!("default"), &json!("order"), &json!("1.0.0"))
    );
    assert_eq!((&completed["task_id"], &completed["step_name"]), (&json!(id), &json!("one")));
    assert_eq!((&completed["from"], &completed["to"]), (&json!("in_progress"), &json!("complete")));
    server.stop().await;
}

#[tokio::test]
async fn api_129_whoever_is_cut_off_goes_on_without_missing_or_repeating_anything() {
    let server = Server::start().await;
    let other = server.beside(ApiOptions::default()).await;
    let mut told: Vec<Told> = Vec::new();
    let mut listener = server.listen("/events?after=start").await;
    for round in 0..30 {
        for _ in 0..3 {
            server.task().await;
        }
        if round % 3 == 0 {
            server.work().await;
        }
        // Cut off at another place each time, between two events or within one.
        for _ in 0..round % 5 {
            told.push(listener.next().await.expect("the stream goes on"));
        }
        let to = if round % 2 == 0 { &other } else { &server };
        listener = match told.last() {
            Some(last) => to.listen_after("/events", last).await,
            None => to.listen("/events?after=start").await,
        };
    }
    server.work().await;
    let expected = server.logged().await;
    told.extend(listener.take(expected.len() - told.len()).await);
    assert_eq!(ids(&told), expected);
    other.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_task_s_events_go_on_too_after_any_of_them() {
    let server = Server::start().await;
    let id = server.task().await;
    let path = format!("/tasks/{id}/events");
    server.work().await;
    server.task().await;
    let all = server.listen(&path).await.take(9).await;
    for (n, last) in all.iter().enumerate() {
        let rest = server.listen_after(&path, last).await.take(all.len() - n - 1).await;
        assert_eq!(rest, all[n + 1..]);
    }
    // The other events are not lost for it: it is told of its own only.
    let mut listener = server.listen_after(&path, &all[8]).await;
    server.task().await;
    server.post(&format!("/tasks/{id}/cancel"), &json!({"force": true})).await.expect(200);
    assert_eq!(names(&listener.take(1).await), ["task.cancelled"]);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_begins_now_unless_it_is_said_where() {
    let server = Server::start().await;
    server.task().await;
    let mut listener = server.listen("/events?event=task.initialize_requested").await;
    let id = server.task().await;
    assert_eq!(listener.next().await.expect("an event").data["task_id"], id);
    server.stop().await;
}

#[tokio::test]
async fn what_another_server_does_is_told_too() {
    let server = Server::start().await;
    let other = server.beside(ApiOptions::default()).await;
    let mut listener = server.listen("/events").await;
    let id = other.task().await;
    assert_eq!(listener.next().await.expect("an event").data["task_id"], id);
    other.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn only_what_is_wanted_comes() {
    let server = Server::start().await;
    server.register("bill", |bill| bill.namespace = "payments".parse().expect("a namespace")).await;
    let bill = json!({"name": "bill", "namespace": "payments", "context": {}});
    let mut of_payments =
        server.listen("/events?namespace=payments&event=task.completed,task.start_requested").await;
    let mut of_orders = server.listen("/events?name=order&event=step.completed").await;
    server.task().await;
    server.post("/tasks", &bill).await.expect(201);
    server.work().await;
    assert_eq!(names(&of_payments.take(2).await), ["task.start_requested", "task.completed"]);
    let steps = of_orders.take(2).await;
    assert!(steps.iter().all(|told| told.data["name"] == "order"), "{steps:?}");
    server.stop().await;
}

#[tokio::test]
async fn nobody_hears_of_what_they_may_not_see() {
    let server = Server::with(believing()).await;
    server.register("bill", |bill| bill.namespace = "payments".parse().expect("a namespace")).await;
    let hear =
        |claims: &str, path: &str| server.request(Method::GET, path).header("x-claims", claims.to_owned());
    let mut of_payments = Listener::to(hear("tasker.event:index@payments", "/events?after=start")).await;
    let create =
        |body: Value| answer(server.request(Method::POST, "/tasks").header("x-claims", "admin").json(&body));
    let order = create(json!({"name": "order", "context": {}})).await.expect(201);
    create(json!({"name": "bill", "namespace": "payments", "context": {}})).await.expect(201);
    let told = of_payments.take(3).await;
    assert!(told.iter().all(|told| told.data["namespace"] == "payments"), "{told:?}");

    let id = order.body["task"]["task_id"].as_str().expect("an id");
    let path = format!("/tasks/{id}/events");
    answer(hear("tasker.event:index@payments", &path)).await.problem(404, "TASK_NOT_FOUND");
    answer(hear("tasker.task:show", &path)).await.problem(403, "AUTHORIZATION_FAILED");
    answer(hear("tasker.task:show", "/events")).await.problem(403, "AUTHORIZATION_FAILED");
    // Whose tasks they are is not looked up for each event of all.
    answer(hear("tasker.event:index#own", "/events")).await.problem(403, "AUTHORIZATION_FAILED");
    server.stop().await;
}

/// Lets everybody in, as long as it is open.
struct Door(Arc<AtomicBool>);

#[async_trait]
impl Authenticator for Door {
    fn name(&self) -> &'static str {
        "door"
    }

    fn is_presented(&self, _: &Parts) -> bool {
        true
    }

    async fn authenticate(&self, _: &Parts) -> Result<Claims, AuthenticationFailure> {
        let claims = Claims { id: "somebody".into(), kind: PrincipalKind::User, ..Claims::anonymous() };
        if self.0.load(Ordering::SeqCst) {
            Ok(claims)
        } else {
            Err(AuthenticationFailure::refused("revoked", "the door is closed"))
        }
    }
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_listener_may_not_listen_any_more() {
    let door = Arc::new(AtomicBool::new(true));
    let ask_again = Duration::from_millis(20);
    let server = Server::with(ApiOptions {
        authentication: Authentication::of(vec![Arc::new(Door(door.clone()))]),
        event_streams: EventStreamOptions { ask_again, ..EventStreamOptions::default() },
        ..ApiOptions::default()
    })
    .await;
    let mut listener = server.listen("/events").await;
    server.task().await;
    listener.take(3).await;
    door.store(false, Ordering::SeqCst);
    assert_eq!(listener.next().await, None);
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_happens_the_connection_is_kept_and_the_position_moves() {
    let heartbeat = Duration::from_millis(10);
    let event_streams = EventStreamOptions { heartbeat, ..EventStreamOptions::default() };
    let server = Server::with(ApiOptions { event_streams, ..ApiOptions::default() }).await;
    let mut listener = server.listen("/events?event=task.failed").await;
    server.task().await;
    let end = server.store.log_end(None, 0).await.expect("a log").to_string();
    while !listener.text.contains(&format!(": nothing new\nid: {end}\n\n")) {
        let chunk =
            tokio::time::timeout(LONG, listener.response.chunk()).await.expect("something comes in time");
        let chunk = chunk.expect("the stream goes on").expect("the stream goes on");
        listener.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    server.stop().await;
}

#[tokio::test]
async fn where_events_were_deleted_a_gap_is_told_and_what_is_left() {
    let server = Server::start().await;
    let mut listener = server.listen("/events?after=start").await;
    server.task().await;
    let first = listener.next().await.expect("an event");
    drop(listener);
    server.work().await;
    let left = server.task().await;
    let prune = Prune { finished_before: Duration::ZERO, dry_run: false, batch: 100 };
    server.driver().clock.advance(Duration::from_secs(1));
    assert_eq!(server.store.prune(prune).await.expect("pruned").tasks, 1);
    let mut listener = server.listen_after("/events", &first).await;
    let told = listener.take(4).await;
    assert_eq!(told[0].event, "gap");
    assert_eq!(told[0].data["after"], first.id.expect("an id"));
    assert!(told[1..].iter().all(|told| told.data["task_id"] == left), "{told:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_position_that_the_log_never_had_is_a_gap_and_not_an_endless_wait() {
    let server = Server::start().await;
    let mut listener =
        Listener::to(server.request(Method::GET, "/events").header("last-event-id", "999999")).await;
    let told = listener.next().await.expect("an event");
    assert_eq!((told.event.as_str(), &told.data["after"]), ("gap", &json!("999999")));
    let id = server.task().await;
    assert_eq!(listener.next().await.expect("an event").data["task_id"], id);
    server.stop().await;
}

#[tokio::test]
async fn a_task_that_is_silent_while_others_are_not_has_no_gap() {
    let server = Server::start().await;
    let quiet = server.task().await;
    server.task().await;
    let mut all = server.listen("/events?after=start").await;
    let mut last = None;
    for _ in 0..6 {
        last = all.next().await.expect("an event").id;
    }
    let path = format!("/tasks/{quiet}/events?follow=false");
    let request = server.request(Method::GET, &path).header("last-event-id", last.expect("an id"));
    assert_eq!(Listener::to(request).await.next().await.map(|told| told.event), None);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_position_is_refused() {
    let server = Server::start().await;
    for position in ["x", "-1", "1-2", "1.2.3", "START", "99999999999999999999"] {
        server.get(&format!("/events?after={position}")).await.problem(400, "INVALID_PARAMETER");
        let request = server.request(Method::GET, "/events").header("last-event-id", position);
        answer(request).await.problem(400, "INVALID_PARAMETER");
    }
    server.get("/events?event=task.exploded").await.problem(400, "INVALID_PARAMETER");
    server.get("/events?limit=1").await.problem(400, "INVALID_PARAMETER");
    server.stop().await;
}

#[tokio::test]
async fn more_listeners_than_there_may_be_are_told_to_come_back() {
    let event_streams = EventStreamOptions { most: 2, ..EventStreamOptions::default() };
    let server = Server::with(ApiOptions { event_streams, ..ApiOptions::default() }).await;
    let one = server.listen("/events").await;
    let _two = server.listen("/events").await;
    let refused = server.get("/events").await.problem(503, "SERVICE_UNAVAILABLE");
    assert!(refused.has_header("retry-after"));
    drop(one);
    // The server learns of it when it writes the next time.
    let taken = async {
        while server.get("/events").await.status != 200 {
            server.task().await;
        }
    };
    tokio::time::timeout(LONG, taken).await.expect("the place is free");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_when_the_server_stops() {
    let server = Server::start().await;
    let mut listener = server.listen("/events").await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(listener.next().await, None);
    tokio::time::timeout(LONG, stopping).await.expect("it waits for no listener").expect("it stops");
}

#[tokio::test]
async fn whoever_does_not_read_delays_nobody_and_gets_everything_later() {
    let server = Server::start().await;
    let mut slow = server.listen("/events").await;
    let mut quick = server.listen("/events").await;
    let bulk: Vec<Value> = (0..100).map(|_| json!({"name": "order", "context": {}})).collect();
    let mut told = Vec::new();
    // More than the connection's buffers and the events that are kept hold.
    for _ in 0..60 {
        server.post("/tasks/bulk", &json!({"tasks": bulk})).await.expect(207);
        told.extend(quick.take(300).await);
    }
    let expected = server.logged().await;
    assert_eq!(ids(&told), expected);
    assert_eq!(ids(&slow.take(expected.len()).await), expected);
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), 18_000);
    server.stop().await;
}

#[tokio::test]
async fn whoever_does_not_want_to_wait_gets_what_there_is() {
    let server = Server::start().await;
    let id = server.task().await;
    server.task().await;
    let all = |path: String| {
        let server = &server;
        async move {
            let mut listener = server.listen(&path).await;
            let mut told = Vec::new();
            while let Some(next) = listener.next().await {
                told.push(next);
            }
            ids(&told)
        }
    };
    let logged = server.logged().await;
    assert_eq!(all("/events?follow=false".into()).await, Vec::<String>::new());
    assert_eq!(all("/events?follow=false&after=start".into()).await, logged);
    assert_eq!(all("/events?follow=false&last=2".into()).await, logged[4..]);
    assert_eq!(all(format!("/tasks/{id}/events?follow=false")).await, logged[..3]);
    assert_eq!(all(format!("/tasks/{id}/events?follow=0&last=1")).await, logged[2..3]);
    server.stop().await;
}
