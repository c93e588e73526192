//! What is kept of tasks: their history, and what is noted about them.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn the_history_of_a_task_comes_page_by_page() {
    let server = Server::start().await;
    let path = format!("/tasks/{}", server.task().await);
    server.post(&format!("{path}/cancel"), &json!({"reason": "ordered twice"})).await.expect(200);
    let whole = server.get(&format!("{path}/transitions?limit=100")).await.expect(200).body;
    let whole = whole["transitions"].as_array().unwrap().clone();
    assert_eq!(whole.last().unwrap()["metadata"]["reason"], "ordered twice");
    let (mut seen, mut next) = (Vec::new(), format!("{path}/transitions?limit=2"));
    loop {
        let page = server.get(&next).await.expect(200).body;
        seen.extend(page["transitions"].as_array().unwrap().clone());
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        next = format!("{path}/transitions?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, whole);
    let steps = format!("{path}/workflow_steps");
    let of_one = server.get(&format!("{steps}/one/transitions?limit=1")).await.expect(200).body;
    assert_eq!(
        (&of_one["transitions"][0]["step_name"], &of_one["transitions"][0]["from"]),
        (&json!("one"), &json!(null))
    );
    let cursor = of_one["pagination"]["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("{steps}/one/transitions?cursor={cursor}")).await.expect(200).body;
    assert_eq!(
        (&rest["transitions"][0]["to"], &rest["pagination"]["has_more"]),
        (&json!("cancelled"), &json!(false))
    );
    server.get(&format!("{steps}/three/transitions")).await.problem(404, "STEP_NOT_FOUND");
    for garbage in
        ["cursor=x", "cursor=-1", "cursor=1-2", "cursor=99999999999999999999", "limit=0", "offset=1"]
    {
        server.get(&format!("{path}/transitions?{garbage}")).await.problem(400, "INVALID_PARAMETER");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_task_is_annotated_by_hand() {
    let server = Server::start().await;
    let path = format!("/tasks/{}", server.task().await);
    let annotations = format!("{path}/annotations");
    let before = server.get(&path).await.expect(200).header("etag").to_owned();
    let note = json!({"type": "refund", "value": {"amount": 7.50, "by": ["a"]}});
    let made = server.post(&annotations, &note).await.expect(201);
    assert_eq!(made.body, json!({"annotation": note}));
    assert_ne!(server.get(&path).await.header("etag"), before);
    server.post(&annotations, &json!({"annotation": {"type": "call", "value": "back"}})).await.expect(201);
    let page =
        server.get(&format!("{annotations}?limit=1&offset=1&include_total=true")).await.expect(200).body;
    assert_eq!(page["annotations"], json!([{"type": "call", "value": "back"}]));
    let types = server.get("/annotation_types").await.expect(200).body;
    assert_eq!(types, json!({"annotation_types": [{"name": "call"}, {"name": "refund"}]}));
    assert_eq!(
        (&page["pagination"]["total_count"], &page["pagination"]["has_more"]),
        (&json!(2), &json!(false))
    );
    for (body, place) in [
        (json!({"value": 1}), "/type"),
        (json!({"type": "", "value": 1}), "/type"),
        (json!({"type": "x".repeat(65), "value": 1}), "/type"),
        (json!({"type": 7, "value": 1}), "/type"),
        (json!({"type": "a"}), "/value"),
        (json!({"type": "a", "value": null}), "/value"),
        (json!({"type": "a", "value": 1, "colour": "red"}), "/colour"),
    ] {
        let refused = server.post(&annotations, &body).await.problem(422, "VALIDATION_FAILED");
        assert_eq!(refused.places(), [place], "{body}");
    }
    server.stop().await;
}
