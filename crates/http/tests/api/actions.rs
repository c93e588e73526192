//! What operators do to tasks and steps.

use reqwest::Method;
use serde_json::json;

use crate::server::{Answer, Server, answer};

impl Server {
    async fn patch_if(&self, path: &str, tag: &str, reason: &str) -> Answer {
        let request = self.request(Method::PATCH, path).header("if-match", tag);
        answer(request.json(&json!({"reason": reason}))).await
    }
}

#[tokio::test]
async fn what_is_told_about_a_task_is_changed() {
    let server = Server::start().await;
    let path = format!("/tasks/{}", server.task().await);
    for method in [Method::PATCH, Method::PUT] {
        let body = json!({"task": {"reason": "audit", "tags": [method.as_str()]}});
        let changed = answer(server.request(method.clone(), &path).json(&body)).await.expect(200);
        let task = &changed.body["task"];
        assert_eq!((&task["reason"], &task["tags"]), (&json!("audit"), &json!([method.as_str()])));
    }
    let nothing = answer(server.request(Method::PATCH, &path).json(&json!({}))).await;
    nothing.problem(422, "VALIDATION_FAILED");
    let status = answer(server.request(Method::PATCH, &path).json(&json!({"status": "complete"}))).await;
    assert_eq!(status.problem(422, "VALIDATION_FAILED").places()[0], "/status");
    server.stop().await;
}

#[tokio::test]
async fn api_51_api_52_a_change_meant_for_another_version_is_refused() {
    let server = Server::start().await;
    let path = format!("/tasks/{}", server.task().await);
    let first = server.get(&path).await.expect(200).header("etag").to_owned();
    let changed = server.patch_if(&path, &first, "one").await.expect(200);
    assert_ne!(changed.header("etag"), first);
    server.patch_if(&path, &first, "two").await.problem(412, "PRECONDITION_FAILED");
    assert_eq!(server.get(&path).await.body["task"]["reason"], "one");
    server.patch_if(&path, "*", "three").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_task_is_called_off_once() {
    let server = Server::start().await;
    let path = format!("/tasks/{}", server.task().await);
    let off = server.post(&format!("{path}/cancel"), &json!({"reason": "ordered twice"})).await.expect(200);
    assert_eq!(off.body["task"]["status"], "cancelled");
    let version = off.body["task"]["lock_version"].clone();
    let again = answer(server.request(Method::DELETE, &path)).await.expect(200);
    assert_eq!(again.body, json!({"cancelled": true}));
    assert_eq!(server.get(&path).await.body["task"]["lock_version"], version);
    let refused =
        server.post(&format!("{path}/resume"), &json!({})).await.problem(409, "INVALID_STATE_TRANSITION");
    assert_eq!(refused.body["from"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn steps_are_shown_and_acted_on_by_name() {
    let server = Server::start().await;
    let id = server.task().await;
    let steps = format!("/tasks/{id}/workflow_steps");
    let all = server.get(&format!("{steps}?limit=1&include_total=true")).await.expect(200).body;
    assert_eq!((&all["steps"][0]["name"], &all["pagination"]["total_count"]), (&json!("one"), &json!(2)));
    assert_eq!(all["pagination"]["has_more"], true);
    let resolved = json!({"reason": "by hand", "results": {"ok": true}});
    let done = server.post(&format!("{steps}/one/resolve"), &resolved).await.expect(200);
    assert_eq!(done.body["step"]["status"], "resolved_manually");
    let refused = server.post(&format!("{steps}/one/retry"), &json!({})).await;
    let refused = refused.problem(409, "INVALID_STATE_TRANSITION");
    assert_eq!(
        (&refused.body["from"], &refused.body["to"]),
        (&json!("resolved_manually"), &json!("pending"))
    );
    let edited =
        answer(server.request(Method::PATCH, &format!("{steps}/two")).json(&json!({"retry_limit": 7}))).await;
    assert_eq!(edited.expect(200).body["step"]["retry_limit"], 7);
    let off = answer(server.request(Method::DELETE, &format!("{steps}/two"))).await.expect(200);
    assert_eq!(off.body, json!({"cancelled": true}));
    assert_eq!(server.get(&format!("{steps}/two")).await.expect(200).body["step"]["status"], "cancelled");
    server.get(&format!("{steps}/three")).await.problem(404, "STEP_NOT_FOUND");
    assert_eq!(server.get(&format!("/tasks/{id}")).await.body["task"]["status"], "error");
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_run_is_explained() {
    let server = Server::start().await;
    let id = server.task().await;
    let task = server.get(&format!("/tasks/{id}/explain")).await.expect(200).body;
    assert_eq!(task["explanation"]["summary"]["code"], "no_worker");
    let step = server.get(&format!("/tasks/{id}/workflow_steps/two/explain")).await.expect(200).body;
    assert_eq!(step["explanation"]["current_state"], "pending");
    server.stop().await;
}

#[tokio::test]
async fn tasks_are_listed_page_by_page() {
    let server = Server::start().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(server.task().await);
    }
    let mut seen = Vec::new();
    let mut path = "/tasks?limit=2&status=pending,error&name=order&include_total=true".to_owned();
    for has_more in [true, false] {
        let page = server.get(&path).await.expect(200).body;
        assert_eq!(
            (&page["pagination"]["has_more"], &page["pagination"]["total_count"]),
            (&json!(has_more), &json!(3))
        );
        seen.extend(
            page["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap().to_owned()),
        );
        path = format!("{path}&cursor={}", page["pagination"]["next_cursor"].as_str().unwrap_or_default());
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    assert_eq!(server.get("/tasks?namespace=elsewhere").await.expect(200).body["tasks"], json!([]));
    server.get("/tasks?limit=101&cursor=x&status=new&page=2").await.problem(400, "INVALID_PARAMETER");
    server.stop().await;
}

#[tokio::test]
async fn whoever_asks_is_told_who_that_is() {
    let server = Server::start().await;
    let me = server.get("/me").await.expect(200).body;
    assert_eq!((&me["principal"]["id"], &me["principal"]["is_admin"]), (&json!("anonymous"), &json!(true)));
    server.stop().await;
}
