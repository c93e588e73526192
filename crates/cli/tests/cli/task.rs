//! `tasker task create|list|show|watch|explain|events`.

use crate::world::{ECHO, FAIL, FOREIGN, World};

#[test]
fn as_71_waiting_for_a_task() {
    let world = World::new().with("echo.yaml", ECHO).with("fail.yaml", FAIL).with("foreign.yaml", FOREIGN);
    world.json(&["definition", "register", "echo.yaml", "fail.yaml", "foreign.yaml"]);
    let mut worker = world.start(&["worker", "run", "--allow-commands"]);
    worker.until("runs steps of");
    let wait = |args: &[&str]| {
        let ran = world.run(&[&["task", "create"], args, &["--wait", "--output", "json"]].concat());
        (ran.status, ran.json()["status"].as_str().unwrap().to_owned())
    };
    let echo = ["echo", "--context", r#"{"who": "me"}"#, "--timeout", "30s"];
    assert_eq!(wait(&echo), (0, "complete".to_owned()));
    assert_eq!(wait(&["fail", "--timeout", "30s"]), (1, "error".to_owned()));
    assert_eq!(wait(&["foreign", "--timeout", "300ms"]), (1, "pending".to_owned()));
    worker.signal("TERM");
    assert_eq!(worker.end().0, 143);
}

#[test]
fn lists_are_those_of_the_api() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let first = world.task("foreign.yaml", "foreign");
    let second = world.json(&[
        "task",
        "create",
        "foreign",
        "--tag",
        "red",
        "--priority",
        "2",
        "--initiator",
        "me",
    ])["task_id"]
        .clone();
    let page = world.json(&["task", "list", "--limit", "1", "--include-total"]);
    assert_eq!(page["tasks"][0]["task_id"], second);
    assert_eq!((&page["tasks"][0]["priority"], &page["tasks"][0]["initiator"]), (&2.into(), &"me".into()));
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let pagination = serde_json::json!({"limit": 1, "offset": null, "total_count": 2, "has_more": true, "next_cursor": cursor});
    assert_eq!(page["pagination"], pagination);
    let next = world.json(&["task", "list", "--limit", "1", "--cursor", &cursor]);
    assert_eq!(
        (&next["tasks"][0]["task_id"], &next["pagination"]["has_more"]),
        (&first.as_str().into(), &false.into())
    );
    assert_eq!(next["pagination"]["total_count"], serde_json::Value::Null);
    let count =
        |args: &[&str]| world.json(&[&["task", "list"], args].concat())["tasks"].as_array().unwrap().len();
    assert_eq!(count(&["--tag", "red"]), 1);
    assert_eq!(count(&["--status", "pending,error"]), 2);
    assert_eq!(count(&["--status", "complete"]), 0);
    assert_eq!(count(&["--name", "foreign", "--namespace", "default", "--version", "0.1.0"]), 2);
    assert_eq!(count(&["--created-after", "1h"]), 2);
    assert_eq!(count(&["--created-after", "2100-01-01T00:00:00Z"]), 0);
    assert_eq!(count(&["--initiator", "me", "--priority", "2", "--ended-before", "0s"]), 0);
    assert_eq!(count(&["--initiator", "me", "--updated-after", "1h", "--sort-by", "version"]), 1);
    let upwards = world.json(&["task", "list", "--sort-order", "asc"]);
    assert_eq!(upwards["tasks"][0]["task_id"], first.as_str());
    let recent = ["task", "list", "--limit", "1", "--created-after", "1h"];
    let cursor = world.json(&recent)["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(
        world.json(&[&recent[..], &["--cursor", &cursor]].concat())["tasks"][0]["task_id"],
        first.as_str()
    );
    for other in [&["--limit", "1"][..], &["--created-after", "1h", "--sort-order", "asc"]] {
        let refused =
            world.run(&[&["task", "list", "--output", "json", "--cursor", &cursor], other].concat());
        assert_eq!(refused.failure(), (2, "invalid_cursor".to_owned()));
    }
}

#[test]
fn a_request_says_everything_that_a_task_keeps() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    world.json(&["definition", "register", "foreign.yaml"]);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let created = world.json(&[
        "task",
        "create",
        "default.foreign@0.1.0",
        "--context",
        r#"{"a": [1, 2]}"#,
        "--initiator",
        "me",
        "--source-system",
        "shop",
        "--reason",
        "because",
        "--tag",
        "x",
        "--tag",
        "y",
        "--correlation-id",
        "c-1",
        "--priority",
        "1",
        "--id",
        id,
    ]);
    assert_eq!(created, serde_json::json!({"task_id": id, "status": "pending", "created": true}));
    let task = world.json(&["task", "show", id]);
    for (key, value) in [
        ("initiator", serde_json::json!("me")),
        ("source_system", "shop".into()),
        ("reason", "because".into()),
        ("tags", serde_json::json!(["x", "y"])),
        ("correlation_id", "c-1".into()),
        ("priority", 1.into()),
        ("context", serde_json::json!({"a": [1, 2]})),
        ("full_name", "default.foreign@0.1.0".into()),
    ] {
        assert_eq!(task[key], value, "{key}");
    }
}

#[test]
fn a_task_that_must_not_start_yet_is_explained() {
    let world = World::new().with("echo.yaml", ECHO);
    world.json(&["definition", "register", "echo.yaml"]);
    let created =
        world.json(&["task", "create", "echo", "--context", r#"{"who": "me"}"#, "--not-before", "2h"]);
    let id = created["task_id"].as_str().unwrap();
    assert_eq!(world.json(&["task", "explain", id])["summary"]["code"], "not_before");
    assert_eq!(world.json(&["task", "explain", id, "second"])["code"], "waiting_for_steps");
    let text = world.run(&["task", "explain", id]).stdout;
    assert!(text.starts_with(&format!("task {id} is pending: ")), "{text}");
    assert_eq!(world.run(&["task", "explain", id, "third"]).status, 4);
}

#[test]
fn watching_tells_how_it_ended() {
    let world = World::new().with("fail.yaml", FAIL).with("foreign.yaml", FOREIGN);
    let failing = world.task("fail.yaml", "fail");
    world.run(&["worker", "run", "--until-idle", "--allow-commands"]);
    let ran = world.run(&["task", "watch", &failing]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.stderr, "task: error; 0/1 steps done, 1 failed\n", "what is past is summed up");
    assert!(ran.stdout.contains("command_failed"), "{}", ran.stdout);
    let waiting = world.task("foreign.yaml", "foreign");
    let ran = world.run(&["task", "watch", &waiting, "--timeout", "200ms"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("did not end in time"), "{}", ran.stderr);
}

#[test]
fn the_history_of_a_task() {
    let world = World::new().with("echo.yaml", ECHO);
    let ran = world.run(&[
        "run",
        "echo.yaml",
        "--context",
        r#"{"who": "me"}"#,
        "--allow-commands",
        "--output",
        "json",
    ]);
    let id = ran.json()["task_id"].as_str().unwrap().to_owned();
    let document = world.json(&["task", "events", &id]);
    let events = document["events"].as_array().unwrap();
    let of_first: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event["step_name"] == "first")
        .map(|event| (event["from"].as_str().unwrap_or("-"), event["to"].as_str().unwrap()))
        .collect();
    assert_eq!(of_first, [("-", "pending"), ("pending", "in_progress"), ("in_progress", "complete")]);
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

#[test]
fn times_are_local_for_people_and_utc_for_programs() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    let created = world.json(&["task", "show", &id])["created_at"].as_str().unwrap().to_owned();
    assert!(created.ends_with('Z') && created.len() == "2026-01-31T09:00:00.000Z".len(), "{created}");
    let mut command = world.command(crate::world::TASKER, &["task", "show", &id]);
    let text = String::from_utf8(command.env("TZ", "Asia/Kolkata").output().unwrap().stdout).unwrap();
    let zone_is_known = std::path::Path::new("/usr/share/zoneinfo/Asia/Kolkata").exists();
    assert!(text.contains(if zone_is_known { " +05:30" } else { " +00:00" }), "{text}");
}

#[test]
fn a_task_is_drawn() {
    let world = World::new().with("fail.yaml", FAIL);
    assert_eq!(world.run(&["run", "fail.yaml", "--allow-commands"]).status, 1);
    let list = world.json(&["task", "list"]);
    let id = list["tasks"][0]["task_id"].as_str().unwrap();
    let draw = |flags: &[&str]| world.run(&[&["task", "diagram", id], flags].concat());
    let text = draw(&[]).stdout;
    assert!(
        text.starts_with(&format!(
            "task {id} of default.fail@0.1.0 is error: 1 step, 0 dependencies, 1 level\n"
        )),
        "{text}"
    );
    assert!(text.ends_with("level 0\n  broken  error\n"), "{text}");
    let chart = world.json(&["task", "diagram", id]);
    assert_eq!(chart["nodes"][1]["id"], "step_broken");
    assert_eq!(chart["nodes"][1]["style"], "fill:red;color:black;");
    let mermaid = draw(&["--format", "mermaid", "--links", "https://tasker.example/api"]).stdout;
    let click = format!("click step_broken \"https://tasker.example/api/tasks/{id}/workflow_steps/broken\"");
    assert!(mermaid.starts_with("graph TD\n") && mermaid.contains(&click), "{mermaid}");
    for (format, begin) in [("dot", "digraph "), ("svg", "<svg "), ("html", "<!DOCTYPE html>"), ("json", "{")]
    {
        assert!(draw(&["--format", format]).stdout.starts_with(begin), "{format}");
    }
    assert_eq!(draw(&["--format", "pdf"]).status, 2);
    assert_eq!(draw(&["--links", "javascript:alert(1)"]).status, 2);
    assert_eq!(world.run(&["task", "diagram", "01890a5d-ac96-774b-bcce-b302099a8057"]).status, 4);
}
