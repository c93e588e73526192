//! What is told about a task: `tasker task update`, `annotate`, `annotations` and `resume`.

use serde_json::json;

use crate::remote::{NO_TASK, same, serve, through, world};

#[test]
fn a_task_is_told_of_differently() {
    let (world, [done, failed, _]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let json = |args: &[&str]| {
        let ran = through(&world, &url, &[args, &["--output", "json"]].concat());
        assert_eq!(ran.status, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    };
    let shown = world.json(&["task", "update", &failed, "--reason", "second try"]);
    assert_eq!((&shown["reason"], &shown["tags"]), (&json!("second try"), &json!(["red"])));
    let shown = json(&["task", "update", &failed, "--tag", "blue", "--tag", "green"]);
    assert_eq!((&shown["reason"], &shown["tags"]), (&json!("second try"), &json!(["blue", "green"])));
    assert_eq!(json(&["task", "update", &done, "--no-tags", "--reason", "x"])["reason"], "x");
    assert_eq!(json(&["task", "update", &failed, "--no-tags"])["tags"], json!([]));
    let long = "x".repeat(129);
    for (args, status) in [
        (&["task", "update", NO_TASK, "--reason", "x"][..], 4),
        (&["task", "update", &done, "--reason", &long], 2),
        (&["task", "update", &done, "--tag", &long], 2),
        (&["task", "update", &done], 2),
        (&["task", "update", &done, "--tag", "a", "--no-tags"], 2),
    ] {
        let (direct, remote) = (world.run(args), through(&world, &url, args));
        assert_eq!((direct.status, remote.status), (status, status), "{args:?}");
        // The reminder of how a command is used names the flags that were given.
        let told = |text: &str| text.split("\nUsage:").next().unwrap().to_owned();
        assert_eq!(told(&direct.stderr), told(&remote.stderr));
    }
    assert_eq!(through(&world, &url, &["task", "update", &done, "--no-tags", "--actor", "ann"]).status, 2);
}

#[test]
fn things_are_noted_about_a_task() {
    let (world, [done, ..]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let same = |args: &[&str]| same(&world, &url, args);
    assert_eq!(same(&["task", "annotations", &done]).stdout, "nothing is noted\n");
    let noted = world.json(&["task", "annotate", &done, "refund", r#"{"amount": 7}"#]);
    assert_eq!(noted, json!({"type": "refund", "value": {"amount": 7}}));
    std::fs::write(world.path("report.json"), "[1, null]").unwrap();
    let ran = through(&world, &url, &["task", "annotate", &done, "audit", "@report.json"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "audit: noted\n"));
    let all = same(&["task", "annotations", &done]);
    assert!(all.status == 0 && all.stdout.contains(r#"refund  {"amount":7}"#), "{}", all.stdout);
    let all = world.json(&["task", "annotations", &done]);
    assert_eq!((&all["task_id"], &all["annotations"][0]), (&json!(done), &noted));
    assert_eq!(all["annotations"][1], json!({"type": "audit", "value": [1, null]}));
    let ran = same(&["task", "annotate", &done, "many", "7"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "many: noted\n"));
    // Each comparison runs the command five times.
    assert_eq!(world.json(&["task", "annotations", &done])["annotations"].as_array().unwrap().len(), 2 + 5);
    for (args, status) in [
        (&["task", "annotations", NO_TASK][..], 4),
        (&["task", "annotate", NO_TASK, "refund", "7"], 4),
        (&["task", "annotate", &done, "refund", "null"], 2),
        (&["task", "annotate", &done, "refund", "{"], 2),
        (&["task", "annotate", &done, &"x".repeat(65), "7"], 2),
    ] {
        assert_eq!(same(args).status, status, "{args:?}");
    }
}

#[test]
fn the_workers_are_told_of_a_task() {
    let (world, [done, _, waiting]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let same = |args: &[&str]| same(&world, &url, args);
    let ran = same(&["task", "resume", &waiting]);
    assert!(ran.status == 0 && ran.stdout.contains("pending"), "{}", ran.stdout);
    assert_eq!(same(&["task", "resume", &done]).status, 5);
    let refused = world.run(&["task", "resume", &done, "--output", "json"]);
    assert_eq!(refused.failure(), (5, "invalid_state_transition".to_owned()));
    assert_eq!(same(&["task", "resume", NO_TASK]).status, 4);
}
