//! `/tasks`.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tasker_http::ApiOptions;
use uuid::Uuid;

use crate::server::{Server, answer};

#[tokio::test]
async fn a_task_is_created_and_shown() {
    let server = Server::start().await;
    let body = json!({"name": "order", "context": {"order_id": 7}, "reason": "a test", "tags": ["eu"]});
    let created = server.post("/tasks", &body).await.expect(201);
    let task = &created.body["task"];
    assert_eq!((&task["status"], &task["context"]), (&json!("pending"), &json!({"order_id": 7})));
    assert_eq!((&task["initiator"], &task["tags"]), (&json!("unknown"), &json!(["eu"])));
    assert_eq!(task["correlation_id"], created.header("x-correlation-id"));
    assert_eq!(created.header("etag"), format!("\"{}\"", task["lock_version"]));
    let path = created.header("location").strip_prefix("/tasker").expect("a path below the base path");
    let shown = server.get(path).await.expect(200);
    assert_eq!(shown.body, created.body);
    let names: Vec<_> =
        shown.body["task"]["steps"].as_array().unwrap().iter().map(|step| &step["name"]).collect();
    assert_eq!(names, ["one", "two"]);
    server.stop().await;
}

#[tokio::test]
async fn api_130_what_ties_a_task_to_its_cause_is_echoed_and_stored() {
    let server = Server::start().await;
    let body = json!({"name": "order", "context": {}});
    let send = async |id: &str| {
        answer(server.request(Method::POST, "/tasks").header("X-Correlation-ID", id).json(&body)).await
    };
    let created = send("abc-1").await.expect(201);
    assert_eq!(created.header("x-correlation-id"), "abc-1");
    assert_eq!(created.body["task"]["correlation_id"], "abc-1");
    let listed = server.get("/tasks?correlation_id=abc-1").await.expect(200);
    assert_eq!(listed.body["tasks"][0]["task_id"], created.body["task"]["task_id"]);
    // A line break itself never gets here: such a request is no HTTP.
    for id in ["abc\t1", "abc%0A1", "abc\\n1", "abc 1"] {
        let replaced = send(id).await.expect(201);
        let own = replaced.header("x-request-id");
        assert_eq!(
            (replaced.header("x-correlation-id"), &replaced.body["task"]["correlation_id"]),
            (own, &json!(own))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_may_stand_in_an_object_of_its_name() {
    let server = Server::start().await;
    let created = server.post("/tasks", &json!({"task": {"name": "order", "context": {}}})).await.expect(201);
    assert_eq!(created.body["task"]["name"], "order");
    server.stop().await;
}

#[tokio::test]
async fn api_06_a_definition_that_is_not_there_is_named() {
    let server = Server::start().await;
    let refused = server.post("/tasks", &json!({"name": "ordr", "context": {}})).await;
    let refused = refused.problem(422, "HANDLER_NOT_FOUND");
    assert!(refused.body["detail"].as_str().unwrap().contains("ordr"), "{:#}", refused.body);
    server.stop().await;
}

#[tokio::test]
async fn api_24_api_25_the_same_request_with_the_same_key_is_accepted_once() {
    let server = Server::start().await;
    let send = async |key: &str, body: &Value| {
        answer(server.request(Method::POST, "/tasks").header("Idempotency-Key", key).json(body)).await
    };
    let body = json!({"name": "order", "context": {"order_id": 7}});
    let first = send("k1", &body).await.expect(201);
    assert!(!first.has_header("idempotent-replayed"));
    let again = send("k1", &body).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    let other = json!({"name": "order", "context": {"order_id": 8}});
    send("k1", &other).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    let another = send("k2", &body).await.expect(201);
    assert_ne!(another.body["task"]["task_id"], first.body["task"]["task_id"]);
    for key in ["", "x".repeat(129).as_str(), "\u{e4}", "a\tb"] {
        send(key, &body).await.problem(400, "INVALID_PARAMETER");
    }
    server.stop().await;
}

#[tokio::test]
async fn api_26_many_equal_requests_at_once_are_one() {
    let server = Server::start().await;
    let body = json!({"name": "order", "context": {"order_id": 7}});
    let one = || async {
        let request = server.request(Method::POST, "/tasks").header("Idempotency-Key", "k").json(&body);
        answer(request).await.expect(201).body
    };
    let answers = futures::future::join_all((0..20).map(|_| one())).await;
    assert!(answers.iter().all(|body| *body == answers[0]));
    let listed = server.get("/tasks?include_total=true").await.expect(200);
    assert_eq!(listed.body["pagination"]["total_count"], 1);
    server.stop().await;
}

#[tokio::test]
async fn the_same_request_under_the_same_id_is_accepted_once() {
    let server = Server::start().await;
    let id = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0007);
    let body = json!({"name": "order", "context": {}, "id": id});
    let first = server.post("/tasks", &body).await.expect(201);
    let again = server.post("/tasks", &body).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    let other = json!({"name": "order", "context": {"n": 1}, "id": id});
    server.post("/tasks", &other).await.problem(409, "TASK_ID_CONFLICT");
    server.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_a_request_is_told_at_once() {
    let server = Server::start().await;
    let body =
        json!({"name": "order", "context": 7, "tags": [1], "colour": "red", "reason": "x".repeat(129)});
    let refused = server.post("/tasks", &body).await.problem(422, "VALIDATION_FAILED");
    assert_eq!(refused.places().len(), refused.body["errors"].as_array().unwrap().len());
    for place in ["colour", "tags"] {
        assert!(refused.places().iter().any(|found| found.contains(place)), "{place}: {:#}", refused.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_objects_are_refused() {
    let server = Server::with(ApiOptions { max_body_bytes: 2_000, ..ApiOptions::default() }).await;
    let deep = format!("{}{}", "{\"a\":".repeat(70), "1".to_owned() + &"}".repeat(70));
    let large = json!({"name": "order", "context": {"text": "x".repeat(3_000)}}).to_string();
    for (media, text, status, code) in [
        ("application/json", "{", 400, "MALFORMED_JSON"),
        ("application/json", "[]", 400, "MALFORMED_JSON"),
        ("application/json", r#"{"name": "order", "name": "order", "context": {}}"#, 400, "MALFORMED_JSON"),
        ("application/json", deep.as_str(), 400, "MALFORMED_JSON"),
        ("application/json", "", 400, "MISSING_BODY"),
        ("text/plain", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", "name=order", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/json", large.as_str(), 413, "PAYLOAD_TOO_LARGE"),
    ] {
        let request =
            server.request(Method::POST, "/tasks").header(CONTENT_TYPE, media).body(text.to_owned());
        answer(request).await.problem(status, code);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_34_api_35_an_id_is_a_uuid_and_an_unknown_one_is_not_found() {
    let server = Server::start().await;
    for id in ["12abc", "999999999", "99999999999999999999", "%20"] {
        server.get(&format!("/tasks/{id}")).await.problem(400, "INVALID_ID");
    }
    server.get(&format!("/tasks/{}", Uuid::from_u128(7))).await.problem(404, "TASK_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn parts_of_a_task_are_chosen() {
    let server = Server::start().await;
    let id = server.task().await;
    let shown = server.get(&format!("/tasks/{id}?include=workflow_steps,execution")).await.expect(200);
    let task = shown.body["task"].as_object().unwrap();
    let has = |field: &str| task.contains_key(field);
    assert!(has("steps") && has("execution") && !has("context") && !has("annotations"));
    server.stop().await;
}

#[tokio::test]
async fn whoever_has_a_task_as_it_is_gets_it_once() {
    let server = Server::start().await;
    let id = server.task().await;
    let path = format!("/tasks/{id}");
    let tag = server.get(&path).await.expect(200).header("etag").to_owned();
    let known = answer(server.request(Method::GET, &path).header("if-none-match", &tag)).await.expect(304);
    assert_eq!(known.header("etag"), tag);
    answer(server.request(Method::GET, &path).header("if-none-match", "\"1\"")).await.expect(200);
    answer(server.request(Method::GET, &path).header("if-none-match", "1"))
        .await
        .problem(400, "INVALID_PARAMETER");
    server.stop().await;
}
