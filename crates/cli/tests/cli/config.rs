//! `tasker config ...`, and what the configuration does to commands.

use crate::world::{ECHO, World};

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = "nonsense = 1\n[execution]\nmax_concurrent_steps = 0\nmax_in_flght = 3\n";
    let world = World::new().with("tasker.toml", text);
    let ran = world.run(&["config", "check", "--output", "json"]);
    assert_eq!(ran.failure(), (3, "invalid_configuration".to_owned()));
    let document = ran.json();
    let told: Vec<String> = document["error"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e["code"].as_str().unwrap(), e["key"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "unknown_setting nonsense",
            "out_of_range execution.max_concurrent_steps",
            "unknown_setting execution.max_in_flght"
        ]
    );
    let text = world.run(&["config", "check"]).stderr;
    assert!(
        text.contains("tasker.toml:4: execution.max_in_flght")
            && text.contains("did you mean execution.max_in_flight?"),
        "{text}"
    );
    // No other command works with it either.
    assert_eq!(world.run(&["task", "list"]).status, 3);
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let world = World::new().with(
        "tasker.toml",
        "[database]\nurl = \"postgres://me:s3cret@db/x\"\n[execution]\ngrace = \"5s\"\n",
    );
    let document = world.json(&["config", "show", "--log-level", "info"]);
    let entry = |key: &str| {
        document["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone()
    };
    assert_eq!(entry("database.url")["value"], "postgres://me:[FILTERED]@db/x");
    assert_eq!(entry("execution.grace")["value"], "5s");
    assert!(entry("execution.grace")["source"].as_str().unwrap().ends_with("tasker.toml:4"));
    assert_eq!(entry("telemetry.log_level")["source"], "flag --log-level");
    assert_eq!(entry("execution.lease")["source"], "default");
    assert!(!world.run(&["config", "show"]).stdout.contains("s3cret"));
}

#[test]
fn settings_without_effect_are_warnings() {
    let world = World::new().with("tasker.toml", "[execution]\nmin_concurrent_steps = 3\n");
    world.json(&["db", "migrate"]);
    let ran = world.run(&["task", "list"]);
    assert_eq!(ran.status, 0);
    assert!(
        ran.stderr.contains("warning: ")
            && ran.stderr.contains("execution.min_concurrent_steps has no effect"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.run(&["task", "list", "--quiet"]).stderr, "");
}

#[test]
fn settings_reach_the_commands() {
    let world = World::new()
        .with("echo.yaml", ECHO)
        .with("tasker.toml", "[limits]\nmax_context_bytes = 20\n[command]\nenabled = true\n");
    let run = |context: &str| world.run(&["run", "echo.yaml", "--context", context, "--output", "json"]);
    assert_eq!(run(r#"{"who": "somebody with a long name"}"#).failure(), (2, "too_large".to_owned()));
    assert_eq!(run(r#"{"who": "me"}"#).status, 2, "defaults of the schema count");
    std::fs::write(world.path("tasker.toml"), "[command]\nenabled = true\n").unwrap();
    assert_eq!(run(r#"{"who": "me"}"#).status, 0);
}

#[test]
fn logs_go_to_standard_error() {
    let world = World::new().with("echo.yaml", ECHO);
    let args = [
        "run",
        "echo.yaml",
        "--context",
        r#"{"who": "me"}"#,
        "--allow-commands",
        "--quiet",
        "--output",
        "json",
    ];
    let ran = world.run(&[&args[..], &["-v", "--log-format", "json"]].concat());
    assert_eq!(ran.status, 0);
    assert_eq!(ran.json()["status"], "complete");
    assert!(!ran.stderr.is_empty());
    for line in ran.stderr.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["message"].is_string(), "{line}");
    }
    assert_eq!(world.run(&args).stderr, "");
}
