//! `/tasks/{task_id}/workflow_steps`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::Server;

#[tokio::test]
async fn api_64_api_65_steps_name_those_around_them() {
    let server = Server::start().await;
    let path = server.fork().await;
    let list = server.get(&format!("{path}/workflow_steps")).await.expect(200).body;
    let steps = list["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 4);
    let of = |name: &str, field: &str| -> Value {
        steps.iter().find(|step| step["name"] == name).map(|step| step[field].clone()).unwrap()
    };
    assert_eq!(of("two", "children"), json!(["three", "four"]));
    assert_eq!((of("three", "parents"), of("three", "siblings")), (json!(["two"]), json!(["four"])));
    assert_eq!(of("one", "siblings"), json!([]), "a root has none");
    let other = server.task().await;
    server.get(&format!("/tasks/{other}/workflow_steps/three")).await.problem(404, "STEP_NOT_FOUND");
    let unknown = format!("/tasks/{}/workflow_steps", Uuid::from_u128(7));
    server.get(&unknown).await.problem(404, "TASK_NOT_FOUND");
    server.stop().await;
}
