//! What operators do: `tasker task cancel|retry|resolve`, `tasker step ...`.

use crate::world::{FAIL, FOREIGN, World};

/// A world with a task that failed.
fn failed() -> (World, String) {
    let world = World::new().with("fail.yaml", FAIL);
    let ran = world.run(&["run", "fail.yaml", "--allow-commands", "--output", "json"]);
    let id = ran.json()["task_id"].as_str().unwrap().to_owned();
    (world, id)
}

fn failure(world: &World, args: &[&str]) -> (i32, String) {
    world.run(&[args, &["--output", "json"]].concat()).failure()
}

#[test]
fn cancelling() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    let task = world.json(&["task", "cancel", &id, "--reason", "twice", "--actor", "ann"]);
    assert_eq!((&task["status"], &task["steps"][0]["status"]), (&"cancelled".into(), &"cancelled".into()));
    let events = world.json(&["task", "events", &id]);
    let last =
        events["events"].as_array().unwrap().iter().find(|event| event["to"] == "cancelled").unwrap().clone();
    assert_eq!((&last["actor"], &last["metadata"]["reason"]), (&"ann".into(), &"twice".into()));
    assert_eq!(failure(&world, &["task", "retry", &id]), (5, "invalid_state_transition".to_owned()));
}

#[test]
fn an_exhausted_step_needs_more_attempts_to_be_retried() {
    let (world, id) = failed();
    let ran = world.run(&["task", "retry", &id, "--output", "json"]);
    assert_eq!(ran.failure(), (5, "retry_limit_reached".to_owned()));
    assert!(ran.stdout.contains("--more 1"), "{}", ran.stdout);
    let task = world.json(&["task", "retry", &id, "--more", "1"]);
    assert_eq!((&task["status"], &task["steps"][0]["retry_limit"]), (&"pending".into(), &2.into()));
    world.run(&["worker", "run", "--until-idle", "--allow-commands"]);
    assert_eq!(world.json(&["task", "show", &id])["steps"][0]["attempts"], 2);
    let step = world.json(&["step", "retry", &id, "broken", "--retry-limit", "5", "--new-idempotency-key"]);
    assert_eq!((&step["status"], &step["retry_limit"]), (&"pending".into(), &5.into()));
}

#[test]
fn resolving() {
    let (world, id) = failed();
    assert_eq!(world.json(&["task", "resolve", &id, "--reason", "by hand"])["status"], "resolved_manually");
    let (world, id) = failed();
    let step = world.json(&[
        "step",
        "resolve",
        &id,
        "broken",
        "--reason",
        "by hand",
        "--results",
        r#"{"by": "hand"}"#,
    ]);
    assert_eq!((&step["status"], &step["results"]["by"]), (&"resolved_manually".into(), &"hand".into()));
    assert_eq!(world.json(&["task", "show", &id])["status"], "complete");
    assert_eq!(
        failure(&world, &["step", "resolve", &id, "broken", "--reason", "x", "--results", "{"]),
        (2, "invalid_json".to_owned())
    );
}

#[test]
fn single_steps() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    assert_eq!(world.json(&["step", "show", &id, "only"])["handler"], "somebody/else");
    let text = world.run(&["step", "show", &id, "only"]).stdout;
    assert!(text.contains("no live worker serves"), "{text}");
    assert_eq!(failure(&world, &["step", "show", &id, "other"]), (4, "step_not_found".to_owned()));
    assert_eq!(failure(&world, &["step", "retry", &id, "only"]), (5, "invalid_state_transition".to_owned()));
    assert_eq!(world.json(&["step", "cancel", &id, "only"])["status"], "cancelled");
}
