//! `spec/api.md` 11.3: steps.

use serde_json::json;

use super::World;

#[tokio::test]
async fn api_66_a_limit_of_attempts_is_a_whole_number_of_its_range() {
    let world = World::new().await;
    let path = format!("{}/workflow_steps/charge", world.task().await);
    for (limit, status) in [
        (json!(8), 200),
        (json!(0), 422),
        (json!(-1), 422),
        (json!(101), 422),
        (json!("8"), 422),
        (json!(2.5), 422),
    ] {
        let told = world.patch(&path, json!({"retry_limit": limit})).await.expect(status);
        if status != 200 {
            assert_eq!(told.places(), ["/retry_limit"], "{limit}");
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn api_67_what_runs_or_is_done_is_not_changed() {
    let world = World::new().await;
    let path = world.task().await;
    let driver = world.driver();
    let validate = driver.claim_one("validate").await;
    let step = format!("{path}/workflow_steps/validate");
    world.patch(&step, json!({"inputs": {"a": 1}})).await.expect(409);
    driver.succeed(&validate).await;
    world.patch(&step, json!({"retry_limit": 8})).await.expect(409);
    world.server.stop().await;
}

#[tokio::test]
async fn api_68_a_complete_step_is_not_cancelled() {
    let world = World::new().await;
    let path = world.task().await;
    world.work().await;
    world
        .post(&format!("{path}/workflow_steps/charge/cancel"), json!({}))
        .await
        .problem(409, "INVALID_STATE_TRANSITION");
    world.server.stop().await;
}

#[tokio::test]
async fn api_69_a_failed_step_is_declared_done_and_the_task_goes_on() {
    let world = World::new().await;
    let path = world.task().await;
    world.work_but("charge").await;
    let body = json!({"reason": "charged by hand", "results": {"charge_id": 7}});
    world.post(&format!("{path}/workflow_steps/charge/resolve"), body).await.expect(200);
    assert_eq!(world.states(&path).await, ["complete", "resolved_manually", "pending", "pending"]);
    world.work().await;
    assert_eq!(world.shown(&path).await["status"], "complete");
    let step = world.shown(&path).await["steps"][1].clone();
    assert_eq!(step["results"], json!({"charge_id": 7}));
    world.server.stop().await;
}
