//! `tasker analyze ...`.

use serde_json::json;

use crate::world::{ECHO, FAIL, FOREIGN, World};

/// One task complete, one in error, one pending.
fn world() -> World {
    let world = World::new().with("echo.yaml", ECHO).with("fail.yaml", FAIL).with("foreign.yaml", FOREIGN);
    let context = r#"{"who": "me"}"#;
    assert_eq!(world.run(&["run", "echo.yaml", "--context", context, "--allow-commands"]).status, 0);
    assert_eq!(world.run(&["run", "fail.yaml", "--allow-commands"]).status, 1);
    world.task("foreign.yaml", "foreign");
    world
}

#[test]
fn health_counts_tasks_and_steps() {
    let world = world();
    let counts = world.json(&["analyze", "health"]);
    assert_eq!(
        [&counts["total_tasks"], &counts["complete_tasks"], &counts["error_tasks"], &counts["pending_tasks"]],
        [3, 1, 1, 1]
    );
    assert_eq!([&counts["error_steps"], &counts["exhausted_retry_steps"]], [1, 1]);
    assert!(counts["active_connections"].as_u64() >= Some(1));
    let text = world.run(&["analyze", "health"]).stdout;
    assert!(text.contains("STATUS") && text.contains("exhausted:        1 failed steps"), "{text}");
}

#[test]
fn metrics_tell_how_it_went() {
    let world = world();
    let metrics = world.json(&["analyze", "metrics"]);
    assert_eq!(
        [&metrics["task_throughput"], &metrics["completion_count"], &metrics["error_count"]],
        [3, 1, 1]
    );
    assert_eq!(metrics["system_health_score"], json!(0.5));
    assert_eq!(metrics["completion_rate"], json!(33.33));
    let none = world.json(&["analyze", "metrics", "--since", "2099-01-01T00:00:00Z"]);
    assert_eq!([&none["task_throughput"], &none["active_tasks_count"]], [0, 1]);
    let text = world.run(&["analyze", "metrics", "--since", "30m"]).stdout;
    assert!(text.contains("tasks created:    3") && text.contains("complete:         1 (33.33 %)"), "{text}");
    assert_eq!(world.run(&["analyze", "metrics", "--since", "yesterday"]).status, 2);
}

#[test]
fn what_is_slow_is_found() {
    let world = world();
    let slow = world.json(&["analyze", "slow"]);
    let mut names: Vec<&str> =
        slow["tasks"].as_array().unwrap().iter().map(|task| task["task_name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["echo", "fail"]);
    assert_eq!(world.json(&["analyze", "slow", "--limit", "1"])["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(world.json(&["analyze", "slow", "--name", "foreign"])["tasks"], json!([]));
    let steps = world.json(&["analyze", "slow", "--steps", "--name", "echo", "--version", "1.0.0"]);
    let steps = steps["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["step_status"] == "complete" && step["attempts"] == 1), "{steps:?}");
    assert!(!steps.is_empty());
    assert!(world.run(&["analyze", "slow"]).stdout.starts_with("TOOK"));
    assert_eq!(world.run(&["analyze", "slow", "--namespace", "nobody"]).stdout, "no tasks\n");
    assert_eq!(world.run(&["analyze", "slow", "--limit", "101"]).status, 2);
}
