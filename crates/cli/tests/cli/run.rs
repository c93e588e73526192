//! `tasker run`.

use crate::world::{ECHO, FAIL, SLOW, World};

#[test]
fn a_workflow_runs_to_its_end() {
    let world = World::new().with("echo.yaml", ECHO);
    let ran = world.run(&[
        "run",
        "echo.yaml",
        "--context",
        r#"{"who": "world"}"#,
        "--allow-commands",
        "--output",
        "json",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let task = ran.json();
    assert_eq!(task["status"], "complete");
    assert_eq!(
        (&task["name"], &task["namespace"], &task["version"]),
        (&"echo".into(), &"default".into(), &"1.0.0".into())
    );
    assert_eq!(task["context"], serde_json::json!({"who": "world", "times": 1}));
    let steps = task["steps"].as_array().unwrap();
    let told: Vec<_> = steps
        .iter()
        .map(|s| {
            (
                s["name"].as_str().unwrap(),
                s["status"].as_str().unwrap(),
                &s["attempts"],
                &s["results"],
                &s["error"],
            )
        })
        .collect();
    assert_eq!(told[0], ("first", "complete", &1.into(), &"hello world".into(), &serde_json::Value::Null));
    assert_eq!(
        told[1],
        ("second", "complete", &1.into(), &"hello world, 1".into(), &serde_json::Value::Null)
    );
    // The id comes first, as a message.
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(ran.stderr.lines().next(), Some(format!("task {id}").as_str()));
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let world = World::new().with("echo.yaml", ECHO);
    let ran = world.run(&["run", "echo.yaml", "--context", r#"{"who": "me"}"#, "--allow-commands"]);
    assert!(!ran.stderr.contains('\x1b') && !ran.stdout.contains('\x1b'));
    for line in
        ["first: started", "first: complete after ", "second: started", "task: complete; 2/2 steps done"]
    {
        assert!(ran.stderr.contains(line), "{line}: {}", ran.stderr);
    }
    let ran =
        world.run(&["run", "echo.yaml", "--context", r#"{"who": "me"}"#, "--allow-commands", "--quiet"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn context_and_definition_may_come_from_standard_input() {
    let world = World::new().with("echo.yaml", ECHO);
    let ran = world
        .run_with_input(&["run", "echo.yaml", "--context", "-", "--allow-commands"], r#"{"who": "you"}"#);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let ran = world.run_with_input(&["run", "-", "--context", r#"{"who": "me"}"#, "--allow-commands"], ECHO);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
}

#[test]
fn a_task_that_fails_is_status_1() {
    let world = World::new().with("fail.yaml", FAIL);
    let ran = world.run(&["run", "fail.yaml", "--allow-commands", "--output", "json"]);
    assert_eq!(ran.status, 1);
    let task = ran.json();
    assert_eq!(task["status"], "error");
    assert_eq!(task["steps"][0]["error"]["code"], "command_failed");
}

#[test]
fn other_content_under_the_same_version_is_a_conflict_unless_it_is_replaced() {
    let world = World::new().with("echo.yaml", ECHO).with("changed.yaml", &ECHO.replace("hello", "good day"));
    let context = ["--context", r#"{"who": "me"}"#, "--allow-commands", "--output", "json"];
    let run = |args: &[&str]| world.run(&[args, &context].concat());
    assert_eq!(run(&["run", "echo.yaml"]).status, 0);
    assert_eq!(run(&["run", "changed.yaml"]).failure(), (5, "version_content_changed".to_owned()));
    let ran = run(&["run", "changed.yaml", "--allow-replace"]);
    assert_eq!((ran.status, &ran.json()["steps"][0]["results"]), (0, &"good day me".into()));
}

#[test]
fn the_same_request_under_the_same_id_is_accepted_once() {
    let world = World::new().with("echo.yaml", ECHO);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let run = |who: &str| {
        let context = format!(r#"{{"who": "{who}"}}"#);
        world.run(&[
            "run",
            "echo.yaml",
            "--context",
            &context,
            "--allow-commands",
            "--id",
            id,
            "--output",
            "json",
        ])
    };
    assert_eq!(run("me").json()["task_id"], id);
    assert_eq!(run("me").json()["task_id"], id);
    assert_eq!(run("you").failure(), (5, "task_id_conflict".to_owned()));
    assert_eq!(world.json(&["task", "list", "--include-total"])["pagination"]["total_count"], 1);
}

#[test]
fn a_signal_stops_gracefully_and_resume_goes_on() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let world = World::new().with("slow.yaml", SLOW);
        let mut running = world.start(&["run", "slow.yaml", "--allow-commands"]);
        running.until("nap: started");
        running.signal(signal);
        let (ended, messages) = running.end();
        assert_eq!(ended, status, "{messages}");
        let (_, command) = messages.rsplit_once("go on with: tasker ").unwrap();
        let args: Vec<&str> = command.split_whitespace().collect();
        let ran = world.run(&[&args[..], &["--allow-commands", "--output", "json"]].concat());
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let task = ran.json();
        // The step that ran when the signal came was let to finish: it is not run again.
        assert_eq!(
            (&task["steps"][0]["attempts"], &task["steps"][1]["results"]),
            (&1.into(), &"rested".into())
        );
    }
}

#[test]
fn a_second_signal_stops_at_once() {
    let world = World::new().with("slow.yaml", &SLOW.replace("\"2\"", "\"600\""));
    let mut running = world.start(&["run", "slow.yaml", "--allow-commands"]);
    running.until("nap: started");
    running.signal("INT");
    running.until("press Ctrl-C again");
    running.signal("INT");
    let (status, messages) = running.end();
    assert_eq!(status, 130);
    assert!(messages.contains("stopped at once; go on with: tasker run --resume "), "{messages}");
}

#[test]
fn resume_of_an_unknown_task() {
    let world = World::new();
    let resume = ["run", "--resume", "01890a5d-ac96-774b-bcce-b302099a8057", "--output", "json"];
    assert_eq!(world.run(&resume).failure(), (6, "database_missing".to_owned()));
    world.json(&["db", "migrate"]);
    assert_eq!(world.run(&resume).failure(), (4, "task_not_found".to_owned()));
}

#[test]
fn only_the_steps_of_its_own_task_run() {
    let world = World::new().with("echo.yaml", ECHO).with("fail.yaml", FAIL);
    let other = world.task("fail.yaml", "fail");
    let ran = world.run(&["run", "echo.yaml", "--context", r#"{"who": "me"}"#, "--allow-commands"]);
    assert_eq!(ran.status, 0);
    assert_eq!(world.json(&["task", "show", &other])["status"], "pending");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let world = World::new().with("echo.yaml", ECHO);
    let script = r#"for args in "task list" "config show" "--help" "completions bash" "run echo.yaml --allow-commands --context @c.json"
        do "$TASKER" $args 2>>errors | true; done"#;
    std::fs::write(world.path("c.json"), r#"{"who": "me"}"#).unwrap();
    world.json(&["db", "migrate"]);
    world.shell(script);
    let errors = std::fs::read_to_string(world.path("errors")).unwrap();
    assert!(!errors.contains("panicked") && errors.contains("second: complete"), "{errors}");
}
