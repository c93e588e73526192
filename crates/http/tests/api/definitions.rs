//! `GET` and `POST /definitions`.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::roles::believing;
use crate::server::{Answer, Server, answer};

fn greeting(description: &str) -> Value {
    json!({
        "name": "greet", "namespace_name": "hello", "version": "1.0.0", "description": description,
        "step_templates": [
            {"name": "say", "handler": "work"},
            {"name": "wave", "handler": "work", "depends_on_steps": ["say"]},
        ],
    })
}

impl Server {
    async fn register_text(&self, media: &str, text: &str) -> Answer {
        let request = self.request(Method::POST, "/definitions").header(CONTENT_TYPE, media);
        answer(request.body(text.to_owned())).await
    }
}

#[tokio::test]
async fn a_definition_is_registered_once() {
    let server = Server::start().await;
    let created = server.post("/definitions", &greeting("Hello")).await.expect(201).body;
    assert_eq!((&created["outcome"], &created["warnings"]), (&json!("created"), &json!([])));
    assert_eq!(created["definition"]["full_name"], "hello.greet@1.0.0");
    let again = server.post("/definitions", &greeting("Hello")).await.expect(200).body;
    assert_eq!(again["outcome"], "unchanged");
    let refused = server.post("/definitions", &greeting("Hi")).await.problem(409, "VERSION_CONTENT_CHANGED");
    assert!(refused.body["help"].as_str().unwrap().contains("replace=true"));
    let replaced = server.post("/definitions?replace=true", &greeting("Hi")).await.expect(200).body;
    assert_eq!(
        (&replaced["outcome"], &replaced["definition"]["description"]),
        (&json!("replaced"), &json!("Hi"))
    );
    let task = json!({"name": "greet", "namespace": "hello", "context": {}});
    server.post("/tasks", &task).await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn a_definition_may_be_yaml() {
    let server = Server::start().await;
    let text = "name: greet\nnamespace_name: hello\nversion: 1.0.0\nstep_templates:\n  - name: say\n    handler: work\n";
    server.register_text("application/yaml", text).await.expect(201);
    server.register_text("application/json", text).await.problem(400, "MALFORMED_JSON");
    server.register_text("text/plain", text).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    server.register_text("application/yaml", "").await.problem(400, "MISSING_BODY");
    server.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_a_definition_is_told_by_its_place() {
    let server = Server::start().await;
    let mut broken = greeting("Hello");
    broken["colour"] = json!("red");
    broken["step_templates"][0]["default_retry_limit"] = json!("many");
    broken["step_templates"][1]["depends_on_steps"] = json!(["sing"]);
    let refused = server.post("/definitions", &broken).await.problem(422, "VALIDATION_FAILED");
    for place in ["/colour", "/step_templates/0", "/step_templates/1"] {
        assert!(refused.places().iter().any(|found| found.starts_with(place)), "{place}: {:#}", refused.body);
    }
    for garbage in ["[]", "7", "\u{1}", "a: [", "- - -", "&a [*a]", "name: \u{fffd}"] {
        let refused = server.register_text("application/yaml", garbage).await;
        refused.problem(422, "VALIDATION_FAILED");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_registers_needs_the_permission_there() {
    let server = Server::with(believing()).await;
    for (claims, status) in [
        ("viewer", 403),
        ("operator", 403),
        ("tasker.handler:create@default", 403),
        ("admin @default", 403),
        ("tasker.handler:create@hello", 201),
        ("admin", 200),
    ] {
        let request = answer(
            server.request(Method::POST, "/definitions").header("x-claims", claims).json(&greeting("Hello")),
        );
        assert_eq!(request.await.status.as_u16(), status, "{claims}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_retired_version_is_not_used_until_it_is_taken_back() {
    const RETIRE: &str = "/definitions/hello/greet/1.0.0/retire";
    let server = Server::start().await;
    server.post("/definitions", &greeting("Hello")).await.expect(201);
    let task = json!({"name": "greet", "namespace": "hello", "version": "1.0.0", "context": {}});
    let created = server.post("/tasks", &task).await.expect(201).body;
    for (request, retired) in
        [(json!({}), true), (json!({"retired": true}), true), (json!({"retired": false}), false)]
    {
        let done = server.post(RETIRE, &request).await.expect(200).body;
        assert_eq!(done, json!({"full_name": "hello.greet@1.0.0", "retired": retired}));
        let listed = server.get("/definitions?namespace=hello").await.expect(200).body;
        assert_eq!(listed["definitions"][0]["retired"], retired);
    }
    answer(server.request(Method::POST, RETIRE)).await.expect(200);
    server.post("/tasks", &task).await.problem(422, "HANDLER_NOT_FOUND");
    // What runs keeps its definition, and the version can be looked at.
    let id = created["task"]["task_id"].as_str().unwrap();
    server.get(&format!("/tasks/{id}")).await.expect(200);
    server.get("/definitions/hello/greet/1.0.0").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_retired_is_told() {
    let server = Server::start().await;
    server.post("/definitions", &greeting("Hello")).await.expect(201);
    for missing in ["nowhere/greet/1.0.0", "hello/sing/1.0.0", "hello/greet/9.9.9"] {
        let refused = server.post(&format!("/definitions/{missing}/retire"), &json!({})).await;
        refused.problem(404, "DEFINITION_NOT_FOUND");
    }
    for (request, place) in [(json!({"retired": "yes"}), "/retired"), (json!({"undo": true}), "/undo")] {
        let refused = server.post("/definitions/hello/greet/1.0.0/retire", &request).await;
        assert_eq!(refused.problem(422, "VALIDATION_FAILED").places(), [place]);
    }
    server.post("/definitions/hello/greet/latest/retire", &json!({})).await.problem(400, "INVALID_ID");
    server.stop().await;
}

#[tokio::test]
async fn whoever_retires_needs_the_permission_there() {
    let server = Server::with(believing()).await;
    let register = server.request(Method::POST, "/definitions").header("x-claims", "admin");
    answer(register.json(&greeting("Hello"))).await.expect(201);
    for (claims, status) in [
        ("viewer", 403),
        ("operator", 403),
        ("tasker.handler:create@default", 404),
        ("admin @default", 404),
        ("tasker.handler:create@hello", 200),
        ("admin", 200),
    ] {
        let request = server.request(Method::POST, "/definitions/hello/greet/1.0.0/retire");
        let answered = answer(request.header("x-claims", claims)).await;
        assert_eq!(answered.status.as_u16(), status, "{claims}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_caller_sees_the_versions_of_its_namespaces() {
    let server = Server::with(believing()).await;
    let register = server.request(Method::POST, "/definitions").header("x-claims", "admin");
    answer(register.json(&greeting("Hello"))).await.expect(201);
    for (claims, path, names) in [
        ("admin", "/definitions", &["order", "greet"][..]),
        ("admin", "/definitions?namespace=hello", &["greet"]),
        ("viewer @hello", "/definitions", &["greet"]),
        ("viewer @default", "/definitions?namespace=hello", &[]),
    ] {
        let request = server.request(Method::GET, path).header("x-claims", claims);
        let list = answer(request).await.expect(200).body;
        let rows = list["definitions"].as_array().unwrap();
        let found: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{claims} {path}");
        assert!(rows.iter().all(|row| row["retired"] == false && row["digest"].is_string()), "{list}");
    }
    server.stop().await;
}
