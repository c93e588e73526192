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

/// The task of a world that is in this state.
fn task_in(world: &World, status: &str) -> String {
    let page = world.json(&["task", "list", "--status", status]);
    page["tasks"][0]["task_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_task_is_analysed() {
    let world = world();
    let failed = task_in(&world, "error");
    let analysis = world.json(&["analyze", "task", &failed]);
    let keys: Vec<&str> = analysis.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "task_id",
            "analysis_timestamp",
            "dependency_graph",
            "critical_paths",
            "parallelism_opportunities",
            "error_chains",
            "bottlenecks",
            "task_execution_summary",
        ]
    );
    assert_eq!(analysis["task_execution_summary"]["overall_health"], "critical");
    assert_eq!(analysis["bottlenecks"]["bottlenecks"][0]["bottleneck_type"], "Permanent Failure");
    let text = world.run(&["analyze", "task", &failed]).stdout;
    assert!(
        text.starts_with(&format!("health of task {failed}: critical\n  - Resolve 1 failed step\n")),
        "{text}"
    );
    assert!(text.contains("\nbroken      error   1/1 "), "{text}");
    let complete = task_in(&world, "complete");
    let text = world.run(&["analyze", "task", &complete]).stdout;
    assert!(text.contains(": healthy\n  - The task appears healthy\n"), "{text}");
    assert!(text.contains("first > second") && !text.contains("BOTTLENECK "), "{text}");
    assert_eq!(world.run(&["analyze", "task", "01890a5d-ac96-774b-bcce-b302099a8057"]).status, 4);
    assert_eq!(world.run(&["analyze", "task", "7"]).status, 2);
}

#[test]
fn what_counts_in_an_analysis_is_set() {
    let world = world().with(
        "tasker.toml",
        "[dependency_graph.severity_thresholds]\ncritical = 20\nhigh = 10\nmedium = 5\n",
    );
    let failed = task_in(&world, "error");
    assert_eq!(world.json(&["analyze", "task", &failed])["bottlenecks"]["critical_bottlenecks"], 1);
    let world = world.with("tasker.toml", "[dependency_graph.severity_thresholds]\ncritical = 5\n");
    assert_eq!(world.run(&["analyze", "task", &failed]).status, 3);
}

#[test]
fn a_definition_is_analysed() {
    let shortcut = "- {name: c, handler: command, depends_on_steps: [a, b], handler_config: {program: c}}";
    let world = World::new().with(
        "loan.yaml",
        &format!(
            "name: loan\nstep_templates:\n- {{name: a, handler: command, handler_config: {{program: a}}}}\n\
             - {{name: b, handler: command, depends_on_step: a, handler_config: {{program: b}}}}\n{shortcut}\n"
        ),
    );
    let analysis = world.json(&["analyze", "definition", "loan.yaml"]);
    assert_eq!(analysis["summary"]["redundant_edges"], json!([{"from": "a", "to": "c"}]));
    assert_eq!((&analysis["missing"], &analysis["paths"]["count"]), (&json!([]), &json!(2)));
    let text = world.run(&["analyze", "definition", "loan.yaml"]).stdout;
    assert!(text.contains("needless dependencies:  a -> c\n"), "{text}");
    assert!(text.ends_with("longest paths:\n  a > b > c\n  a > c\n"), "{text}");
    assert!(!world.path("data").exists(), "a file is looked at without a database");
    assert_eq!(world.run(&["analyze", "definition", "missing.yaml"]).status, 3);
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
