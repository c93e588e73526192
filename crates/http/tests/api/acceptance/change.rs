//! `spec/api.md` 11.2: tasks are changed.

use serde_json::{Value, json};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::state::TaskState;

use super::{ADMIN, OPERATOR, VIEWER, World, payment, with};

#[tokio::test]
async fn api_49_api_50_what_may_be_changed_is_and_nothing_else() {
    let world = World::new().await;
    let path = world.task().await;
    let before = world.shown(&path).await;
    world.driver().clock.advance_seconds(1);
    let after =
        world.patch(&path, json!({"reason": "audit", "tags": ["x", "y"]})).await.expect(200).body["task"]
            .clone();
    assert_eq!((&after["reason"], &after["tags"]), (&json!("audit"), &json!(["x", "y"])));
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    for (name, value) in before.as_object().unwrap() {
        if !["reason", "tags", "updated_at", "lock_version", "etag"].contains(&name.as_str()) {
            assert_eq!(after[name], *value, "{name}");
        }
    }
    let refused =
        world.patch(&path, json!({"task": {"status": "complete"}})).await.problem(422, "VALIDATION_FAILED");
    assert_eq!(refused.places()[0], "/status");
    assert_eq!(world.shown(&path).await["status"], "pending");
    world.server.stop().await;
}

#[tokio::test]
async fn api_54_api_55_a_task_that_waits_is_cancelled_once_with_its_steps() {
    let world = World::new().await;
    let path = world.task().await;
    let cancelled = world.delete(OPERATOR, &path).await.expect(200);
    assert_eq!(cancelled.body, json!({"cancelled": true}));
    assert_eq!(world.states(&path).await, ["cancelled"; 4]);
    let log = async || {
        world.get(VIEWER, &format!("{path}/transitions?limit=100")).await.expect(200).body["transitions"]
            .clone()
    };
    let before = log().await;
    let last: Vec<&Value> =
        before.as_array().unwrap().iter().filter(|entry| entry["to"] == "cancelled").collect();
    assert!(last.len() == 5 && last.iter().all(|entry| entry["actor"] == "olga"), "{last:#?}");
    world.delete(OPERATOR, &path).await.expect(200);
    assert_eq!(log().await, before);
    world.server.stop().await;
}

#[tokio::test]
async fn api_56_a_complete_task_is_cancelled_by_force_of_an_administrator_only() {
    let world = World::new().await;
    let path = world.task().await;
    world.work().await;
    world.delete(OPERATOR, &path).await.problem(409, "INVALID_STATE_TRANSITION");
    world.delete(OPERATOR, &format!("{path}?force=true")).await.problem(403, "AUTHORIZATION_FAILED");
    world.delete(ADMIN, &format!("{path}?force=true")).await.expect(200);
    assert_eq!(world.shown(&path).await["status"], "cancelled");
    world.server.stop().await;
}

#[tokio::test]
async fn api_57_what_runs_when_its_task_is_cancelled_ends_and_nothing_follows() {
    let world = World::new().await;
    let path = world.task().await;
    let driver = world.driver();
    let validate = driver.claim_one("validate").await;
    driver.succeed(&validate).await;
    let charge = driver.claim_one("charge").await;
    world.delete(OPERATOR, &path).await.expect(200);
    assert_eq!(world.shown(&path).await["status"], "cancelled");
    driver.succeed(&charge).await;
    assert_eq!(world.states(&path).await, ["complete", "complete", "cancelled", "cancelled"]);
    assert!(driver.claim().await.is_empty());
    world.server.stop().await;
}

#[tokio::test]
async fn api_58_api_59_api_60_a_failed_task_is_tried_again_as_far_as_that_is_possible() {
    let world = World::new().await;
    let path = world.task().await;
    world.work_but("charge").await;
    assert_eq!(world.shown(&path).await["status"], "error");
    let retry = async |body| world.post(&format!("{path}/retry"), body).await;
    retry(json!({})).await.problem(409, "RETRY_LIMIT_REACHED");
    retry(json!({"step_names": ["validate"]})).await.expect(422);
    let again = retry(json!({"retry_limit": 5})).await.expect(202);
    let charge = &again.body["task"]["steps"][1];
    assert_eq!((&charge["status"], &charge["attempts"]), (&json!("pending"), &json!(3)));
    world.work().await;
    assert_eq!(world.shown(&path).await["status"], "complete");
    world.post(&format!("{path}/retry"), json!({})).await.expect(409);
    world.server.stop().await;
}

#[tokio::test]
async fn api_61_a_task_is_declared_done_with_a_reason() {
    let world = World::new().await;
    let path = world.task().await;
    world.work_but("validate").await;
    world.post(&format!("{path}/resolve"), json!({})).await.problem(422, "VALIDATION_FAILED");
    let resolved =
        world.post(&format!("{path}/resolve"), json!({"reason": "paid in cash"})).await.expect(200);
    assert_eq!(resolved.body["task"]["status"], TaskState::ResolvedManually.as_str());
    let log = world.get(VIEWER, &format!("{path}/transitions?limit=100")).await.expect(200).body;
    let last = log["transitions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["to"], &last["metadata"]["reason"]),
        (&json!("resolved_manually"), &json!("paid in cash"))
    );
    world.server.stop().await;
}

#[tokio::test]
async fn api_62_what_a_filter_matches_is_cancelled_and_before_that_only_told() {
    let world = World::new().await;
    world.register("2.0.0", "").await;
    let created = async |version: &str, source: &str| {
        let body = with(
            payment(json!({"payment_id": 1})),
            json!({"version": version, "source_system": source, "tags": ["batch"]}),
        );
        world.post("/tasks", body).await.expect(201).body["task"]["task_id"].clone()
    };
    let old = [created("1.0.0", "erp").await, created("1.0.0", "erp").await];
    let others = [created("2.0.0", "erp").await, created("1.0.0", "shop").await];
    let act = async |members| {
        let filter = json!({"version": "1.0.0", "source_system": "erp", "status": ["pending", "error"], "tags": ["batch"]});
        let body = with(json!({"action": "cancel", "filter": filter}), members);
        world.post("/tasks/bulk_actions", body).await.expect(207).body
    };
    let told = act(json!({"dry_run": true})).await;
    let ids = |body: &serde_json::Value| -> Vec<serde_json::Value> {
        body["results"].as_array().unwrap().iter().map(|item| item["task_id"].clone()).collect()
    };
    assert_eq!(ids(&told), old);
    assert!(told["results"].as_array().unwrap().iter().all(|item| item["status"] == 200), "{told}");
    assert_eq!((&told["dry_run"], &told["has_more"]), (&json!(true), &json!(false)));
    let states = async |ids: &[serde_json::Value]| {
        let mut states = Vec::new();
        for id in ids {
            states.push(world.shown(&format!("/tasks/{}", id.as_str().unwrap())).await["status"].clone());
        }
        states
    };
    assert_eq!(states(&old).await, ["pending", "pending"]);
    let done = act(json!({"reason": "a mistake"})).await;
    assert_eq!(ids(&done), old);
    assert_eq!(states(&old).await, ["cancelled", "cancelled"]);
    assert_eq!(states(&others).await, ["pending", "pending"]);
    assert!(ids(&act(json!({})).await).is_empty(), "none are left");
    world.server.stop().await;
}

/// An open task, one that failed for good, and one that was cancelled.
async fn open_failed_and_cancelled(world: &World) -> Vec<String> {
    let driver = world.driver();
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(world.task().await);
    }
    world.delete(OPERATOR, &paths[2]).await.expect(200);
    let work = driver.claim().await;
    let failing =
        work.iter().find(|work| paths[1].ends_with(&work.claim.task.to_string())).expect("it is due");
    let failure = Failure::permanent("Broken", "broken", "it broke");
    driver.settle(&failing.claim, Outcome::Failure(failure)).await;
    paths
}

#[tokio::test]
async fn what_would_come_of_an_action_is_told_without_doing_it() {
    let world = World::new().await;
    for (action, statuses) in [
        ("cancel", [200, 200, 200]),
        ("retry", [202, 202, 409]),
        ("resume", [202, 409, 409]),
        ("resolve", [409, 200, 409]),
    ] {
        let paths = open_failed_and_cancelled(&world).await;
        let ids: Vec<_> = paths.iter().map(|path| path.trim_start_matches("/tasks/")).collect();
        let act = async |dry_run: bool| {
            let body = json!({"action": action, "task_ids": ids, "reason": "looked at", "dry_run": dry_run});
            let told = world.post("/tasks/bulk_actions", body).await.expect(207).body;
            let items = told["results"].as_array().unwrap().iter();
            items.map(|item| item["status"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let look = async || {
            [world.shown(&paths[0]).await, world.shown(&paths[1]).await, world.shown(&paths[2]).await]
        };
        let before = look().await;
        assert_eq!(act(true).await, statuses, "{action}");
        assert_eq!(look().await, before, "{action}");
        assert_eq!(act(false).await, statuses, "{action}");
    }
    world.server.stop().await;
}
