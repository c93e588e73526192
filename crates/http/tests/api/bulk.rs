//! Many tasks at once.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::Server;

fn statuses(body: &Value) -> Vec<u64> {
    body["results"].as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_is_wrong_with_one_request_keeps_no_other_from_being_accepted() {
    let server = Server::start().await;
    let good = json!({"name": "order", "context": {}});
    let body = json!({"tasks": [good, {"task": good}, {"name": "order", "context": 7}, good, {"name": "ordr", "context": {}}, 7]});
    let done = server.post("/tasks/bulk", &body).await.expect(207).body;
    assert_eq!(statuses(&done), [201, 201, 422, 201, 422, 422]);
    assert_eq!(done["results"][2]["error"]["errors"][0]["pointer"], "/context");
    assert_eq!(done["results"][4]["error"]["code"], "HANDLER_NOT_FOUND");
    let id = done["results"][3]["task"]["task_id"].as_str().unwrap();
    server.get(&format!("/tasks/{id}")).await.expect(200);
    let all = server.get("/tasks?include_total=true").await.expect(200).body;
    assert_eq!(all["pagination"]["total_count"], 3);
    server.stop().await;
}

#[tokio::test]
async fn a_list_of_requests_has_its_limits() {
    let server = Server::start().await;
    for body in [json!({}), json!({"tasks": []}), json!({"tasks": 7}), json!({"tasks": vec![json!({}); 101]})]
    {
        let refused = server.post("/tasks/bulk", &body).await.problem(422, "VALIDATION_FAILED");
        assert_eq!(refused.places(), ["/tasks"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn many_tasks_are_acted_on_each_by_itself() {
    let server = Server::start().await;
    let (one, two) = (server.task().await, server.task().await);
    let ids = [one.clone(), Uuid::from_u128(7).to_string(), two.clone()];
    let dry = json!({"action": "cancel", "task_ids": ids, "dry_run": true});
    let told = server.post("/tasks/bulk_actions", &dry).await.expect(207).body;
    assert_eq!((statuses(&told), &told["dry_run"]), (vec![200, 404, 200], &json!(true)));
    assert_eq!(server.get(&format!("/tasks/{one}")).await.body["task"]["status"], "pending");
    let body = json!({"action": "cancel", "task_ids": ids, "reason": "ordered twice"});
    let done = server.post("/tasks/bulk_actions", &body).await.expect(207).body;
    assert_eq!(statuses(&done), [200, 404, 200]);
    assert_eq!(done["results"][1]["error"]["code"], "TASK_NOT_FOUND");
    assert_eq!(server.get(&format!("/tasks/{two}")).await.body["task"]["status"], "cancelled");
    for (action, status) in [("retry", 409), ("resume", 409), ("resolve", 409)] {
        let body = json!({"action": action, "task_ids": [one], "reason": "a test"});
        assert_eq!(statuses(&server.post("/tasks/bulk_actions", &body).await.expect(207).body), [status]);
    }
    server.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_an_action_is_told_at_once() {
    let server = Server::start().await;
    let id = Uuid::from_u128(7);
    for (body, places) in [
        (json!({}), vec!["/action", "/task_ids"]),
        (
            json!({"action": "delete", "task_ids": ["x", 7], "dry_run": 1}),
            vec!["/action", "/task_ids/0", "/task_ids/1", "/dry_run"],
        ),
        (json!({"action": "cancel", "task_ids": [id, id]}), vec!["/task_ids/1"]),
        (json!({"action": "cancel", "task_ids": [id], "filter": {"name": "x"}}), vec!["/filter"]),
        (json!({"action": "cancel", "filter": {}}), vec!["/filter"]),
        (json!({"action": "cancel", "filter": []}), vec!["/filter"]),
        (
            json!({"action": "cancel", "filter": {"state": 1, "priority": 10}}),
            vec!["/filter/state", "/filter/priority"],
        ),
        (json!({"action": "cancel", "filter": {"name": "x"}, "cursor": "x"}), vec!["/cursor"]),
        (json!({"action": "cancel", "task_ids": [id], "cursor": "x"}), vec!["/cursor"]),
        (json!({"action": "resolve", "task_ids": [id]}), vec!["/reason"]),
        (json!({"action": "cancel", "task_ids": vec![id; 501]}), vec!["/task_ids"]),
    ] {
        let refused = server.post("/tasks/bulk_actions", &body).await.problem(422, "VALIDATION_FAILED");
        assert_eq!(refused.places(), places, "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn many_more_than_one_call_acts_on_are_reached_by_cursor() {
    let server = Server::start().await;
    for _ in 0..6 {
        let tasks = vec![json!({"name": "order", "context": {}}); 100];
        server.post("/tasks/bulk", &json!({"tasks": tasks, "atomic": true})).await.expect(201);
    }
    let filter = json!({"name": "order", "context": {}});
    let ask = async |cursor: &Value| {
        let body = json!({"action": "retry", "filter": filter, "cursor": cursor, "dry_run": true});
        server.post("/tasks/bulk_actions", &body).await.expect(207).body
    };
    let first = ask(&Value::Null).await;
    assert_eq!((statuses(&first).len(), &first["has_more"]), (500, &json!(true)));
    let rest = ask(&first["next_cursor"]).await;
    assert_eq!(
        (statuses(&rest).len(), &rest["has_more"], &rest["next_cursor"]),
        (100, &json!(false), &Value::Null)
    );
    let all: std::collections::BTreeSet<String> = [&first, &rest]
        .iter()
        .flat_map(|body| body["results"].as_array().unwrap())
        .map(|item| item["task_id"].to_string())
        .collect();
    assert_eq!(all.len(), 600);
    server.stop().await;
}
