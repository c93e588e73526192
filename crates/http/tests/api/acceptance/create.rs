//! `spec/api.md` 11.1: tasks are created.

use std::convert::Infallible;

use axum::body::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::Method;
use serde_json::json;
use tasker_core::identity::IdentityStrategy;
use tasker_engine::EngineOptions;

use super::{ADMIN, OPERATOR, World, payment, with};
use crate::server::{Server, answer};

#[tokio::test]
async fn api_01_api_02_a_task_is_created_with_or_without_a_wrapper() {
    let world = World::new().await;
    for body in [payment(json!({"payment_id": 1})), json!({"task": payment(json!({"payment_id": 1}))})] {
        let created = world.post("/tasks", body).await.expect(201);
        let task = &created.body["task"];
        assert_eq!(
            created.header("location"),
            format!("/tasker/tasks/{}", task["task_id"].as_str().unwrap())
        );
        assert_eq!(
            (&task["full_name"], &task["status"]),
            (&json!("payments.process_payment@1.0.0"), &json!("pending"))
        );
        assert_eq!(task["context"], json!({"payment_id": 1, "currency": "USD"}));
        assert_eq!(task["initiator"], "olga");
        let steps = task["steps"].as_array().unwrap();
        assert!(steps.len() == 4 && steps.iter().all(|step| step["status"] == "pending"), "{steps:#?}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn api_03_api_04_the_latest_version_is_the_one_of_the_highest_number() {
    let world = World::new().await;
    let version = async |body| world.post("/tasks", body).await.expect(201).body["task"]["version"].clone();
    let context = json!({"payment_id": 1});
    for registered in ["9.0.0", "10.0.0"] {
        world.register(registered, "").await;
    }
    assert_eq!(version(with(payment(context.clone()), json!({"version": "latest"}))).await, "10.0.0");
    let mut without = payment(context);
    without.as_object_mut().unwrap().remove("version");
    assert_eq!(version(without).await, "10.0.0");
    world.server.stop().await;
}

#[tokio::test]
async fn api_05_an_unknown_name_leaves_nothing_behind() {
    let world = World::new().await;
    let before = world.get(ADMIN, "/namespaces").await.expect(200).body;
    let refused = world
        .post("/tasks", json!({"name": "nope", "namespace": "payments", "version": "3.2.1", "context": {}}));
    let refused = refused.await.problem(422, "HANDLER_NOT_FOUND");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(["nope", "payments", "3.2.1"].iter().all(|word| detail.contains(word)), "{detail}");
    assert_eq!(world.count().await, 0);
    assert_eq!(world.get(ADMIN, "/namespaces").await.expect(200).body, before);
    world.server.stop().await;
}

#[tokio::test]
async fn api_09_api_10_api_11_a_context_is_checked_against_the_schema() {
    let world = World::new().await;
    world.register("2.0.0", "context_strict: true").await;
    let refused = async |version: &str, context| {
        let body = with(payment(context), json!({"version": version}));
        let refused = world.post("/tasks", body).await.problem(422, "CONTEXT_SCHEMA_VIOLATION");
        refused.places().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused("1.0.0", json!({"payment_id": "abc"})).await, ["/context/payment_id"]);
    assert_eq!(refused("1.0.0", json!({"colour": "red"})).await.len(), 1);
    assert_eq!(refused("2.0.0", json!({"colour": "red"})).await.len(), 2);
    assert_eq!(world.count().await, 0);
    assert!(
        world
            .server
            .store
            .log(tasker_store::read::LogQuery { limit: 1, ..Default::default() })
            .await
            .unwrap()
            .is_empty()
    );
    world.server.stop().await;
}

#[tokio::test]
async fn api_12_each_tag_that_is_no_text_is_named() {
    let world = World::new().await;
    let body = with(payment(json!({"payment_id": 1})), json!({"tags": ["a", 5]}));
    let refused = world.post("/tasks", body).await.problem(422, "VALIDATION_FAILED");
    assert_eq!(refused.places(), ["/tags/1"]);
    world.server.stop().await;
}

#[tokio::test]
async fn api_18_api_19_a_body_is_there_and_says_that_it_is_json() {
    let world = World::new().await;
    let request = || world.server.request(Method::POST, "/tasks").header("x-claims", OPERATOR);
    answer(request()).await.problem(400, "MISSING_BODY");
    let text = payment(json!({"payment_id": 1})).to_string();
    answer(request().header("content-type", "text/plain").body(text))
        .await
        .problem(415, "UNSUPPORTED_MEDIA_TYPE");
    world.server.stop().await;
}

#[tokio::test]
async fn api_20_api_21_a_body_that_is_too_large_or_packed_is_refused_unread() {
    let world = World::new().await;
    let request = || {
        let request = world.server.request(Method::POST, "/tasks").header("x-claims", OPERATOR);
        request.header("content-type", "application/json")
    };
    let limit = tasker_http::ApiOptions::default().max_body_bytes;
    let large = vec![b' '; limit + 1];
    answer(request().body(large.clone())).await.problem(413, "PAYLOAD_TOO_LARGE");
    let frame = |piece: &[u8]| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece)));
    let pieces: Vec<_> = large.chunks(64 * 1024).map(frame).collect();
    let chunked = reqwest::Body::wrap(StreamBody::new(futures::stream::iter(pieces)));
    answer(request().body(chunked)).await.problem(413, "PAYLOAD_TOO_LARGE");
    let packed = request().header("content-encoding", "gzip").body(vec![0x1f, 0x8b, 8, 0]);
    answer(packed).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    world.server.stop().await;
}

#[tokio::test]
async fn api_22_a_name_is_a_name_and_no_statement() {
    let world = World::new().await;
    let name = "x'); DROP TABLE tasker_tasks;--";
    let refused = world.post("/tasks", json!({"name": name, "context": {}})).await.expect(422);
    assert!(["HANDLER_NOT_FOUND", "VALIDATION_FAILED"].contains(&refused.body["code"].as_str().unwrap()));
    world.task().await;
    assert_eq!(world.count().await, 1);
    world.server.stop().await;
}

#[tokio::test]
async fn api_27_api_28_with_the_strategy_hash_an_equal_request_is_told_of_the_first() {
    let options = EngineOptions { identity: IdentityStrategy::Hash, ..EngineOptions::default() };
    let server = Server::with_engine(options).await;
    server.register("order", |order| order.namespace = "elsewhere".parse().unwrap()).await;
    let body = json!({"name": "order", "context": {"order_id": 7}});
    let first = server.post("/tasks", &body).await.expect(201);
    let second = server.post("/tasks", &body).await.problem(409, "DUPLICATE_TASK");
    assert_eq!(second.body["task_id"], first.body["task"]["task_id"]);
    let elsewhere = with(body, json!({"namespace": "elsewhere"}));
    server.post("/tasks", &elsewhere).await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn api_29_only_what_may_be_skipped_is_bypassed() {
    let world = World::new().await;
    for (step, status) in [("notify", 201), ("charge", 422), ("nope", 422)] {
        let body = with(payment(json!({"payment_id": 1})), json!({"bypass_steps": [step]}));
        let told = world.post("/tasks", body).await.expect(status);
        if status == 201 {
            assert_eq!(told.body["task"]["steps"][3]["status"], "resolved_manually");
        } else {
            assert_eq!(told.places(), ["/bypass_steps/0"]);
        }
    }
    assert_eq!(world.count().await, 1);
    world.server.stop().await;
}

#[tokio::test]
async fn api_32_what_is_wrong_with_one_of_many_concerns_it_alone() {
    let world = World::new().await;
    let good = || payment(json!({"payment_id": 1}));
    let bad = payment(json!({"payment_id": "abc"}));
    let told = world.post("/tasks/bulk", json!({"tasks": [good(), good(), bad, good()]})).await.expect(207);
    let statuses: Vec<_> =
        told.body["results"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, [201, 201, 422, 201]);
    assert_eq!(world.count().await, 3);
    world.server.stop().await;
}

#[tokio::test]
async fn api_32_of_many_that_stand_together_all_are_created_or_none() {
    let world = World::new().await;
    let good = || payment(json!({"payment_id": 1}));
    let unknown = with(good(), json!({"version": "7.0.0"}));
    let malformed = with(good(), json!({"tags": 1}));
    for (bad, places) in [
        (payment(json!({"payment_id": "abc"})), vec!["/tasks/2/context/payment_id"]),
        (unknown, vec!["/tasks/2"]),
        (malformed, vec!["/tasks/2/tags"]),
    ] {
        let body = json!({"tasks": [good(), good(), bad, good()], "atomic": true});
        let refused = world.post("/tasks/bulk", body).await.problem(422, "NOT_ALL_ACCEPTED");
        assert_eq!(refused.places(), places);
        assert_eq!(world.count().await, 0);
    }
    let same = with(good(), json!({"id": "01890a5d-ac96-774b-bcce-b302099a8058"}));
    let body = json!({"tasks": [good(), same.clone(), same], "atomic": true});
    let refused = world.post("/tasks/bulk", body).await.problem(422, "NOT_ALL_ACCEPTED");
    assert_eq!(refused.places(), ["/tasks/2"]);
    assert!(refused.body.to_string().contains("the same as request 1 of this call"), "{}", refused.body);
    assert_eq!(world.count().await, 0);
    let body = json!({"tasks": [good(), good(), good()], "atomic": true});
    let created = world.post("/tasks/bulk", body).await.expect(201).body;
    let items = created["results"].as_array().unwrap();
    assert!(
        items.iter().all(|item| item["status"] == 201 && item["task"]["status"] == "pending"),
        "{created}"
    );
    assert_eq!((items.len() as u64, world.count().await), (3, 3));
    world.work().await;
    let path = format!("/tasks/{}", items[1]["task"]["task_id"].as_str().unwrap());
    assert_eq!(world.shown(&path).await["status"], "complete");
    world.server.stop().await;
}

#[tokio::test]
async fn what_stands_together_may_be_sent_again() {
    let world = World::new().await;
    let send = async |numbers: &[i32]| {
        let tasks: Vec<_> = numbers.iter().map(|n| payment(json!({"payment_id": n}))).collect();
        let body = json!({"tasks": tasks, "atomic": true});
        let request = world.server.request(Method::POST, "/tasks/bulk").header("x-claims", OPERATOR);
        answer(request.header("idempotency-key", "k1").json(&body)).await
    };
    let ids = |answer: &crate::server::Answer| -> Vec<_> {
        let items = answer.body["results"].as_array().unwrap();
        items.iter().map(|item| item["task"]["task_id"].clone()).collect()
    };
    let first = send(&[1, 2]).await.expect(201);
    assert_eq!(ids(&send(&[1, 2]).await.expect(201)), ids(&first));
    // The first two exist: a third beside them would not be all or none.
    assert_eq!(send(&[1, 2, 3]).await.problem(422, "NOT_ALL_ACCEPTED").places(), ["/tasks/0", "/tasks/1"]);
    assert_eq!(send(&[1, 5]).await.problem(422, "NOT_ALL_ACCEPTED").places(), ["/tasks/0", "/tasks/1"]);
    assert_eq!(world.count().await, 2);
    world.server.stop().await;
}

#[tokio::test]
async fn nobody_creates_many_where_one_may_not_be_created() {
    let world = World::new().await;
    let good = payment(json!({"payment_id": 1}));
    let foreign = with(good.clone(), json!({"namespace": "shop"}));
    let body = json!({"tasks": [good, foreign], "atomic": true});
    let limited = "=olga operator @payments";
    world.ask(limited, Method::POST, "/tasks/bulk", body).await.problem(403, "AUTHORIZATION_FAILED");
    assert_eq!(world.count().await, 0);
    world.server.stop().await;
}
