//! `tasker events tail`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::world::{ECHO, FOREIGN, TASKER, World};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn tail(world: &World, args: &[&str]) -> Vec<Value> {
    let ran = world.run(&[&["events", "tail", "--output", "json"], args].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    lines(&ran.stdout)
}

#[test]
fn events_are_lines_that_can_be_resumed_anywhere() {
    let world = World::new().with("echo.yaml", ECHO).with("foreign.yaml", FOREIGN);
    assert_eq!(
        world.run(&["run", "echo.yaml", "--context", r#"{"who": "me"}"#, "--allow-commands"]).status,
        0
    );
    let id = world.task("foreign.yaml", "foreign");
    let all = tail(&world, &["--from-start"]);
    assert!(all.len() > 8, "{all:?}");
    for (i, event) in all.iter().enumerate() {
        let rest = tail(&world, &["--after", event["cursor"].as_str().unwrap()]);
        assert_eq!(rest, all[i + 1..]);
    }
    assert_eq!(tail(&world, &["--from-start", "--limit", "3"]), all[..3]);
    assert_eq!(tail(&world, &["-n", "3"]), all[all.len() - 3..]);
    assert_eq!(tail(&world, &["--last", "1000"]), all);
    assert!(tail(&world, &["--last", "0"]).is_empty());
    assert_eq!(tail(&world, &[]), all[all.len().saturating_sub(10)..]);
    let of_one = tail(&world, &["--task", &id]);
    let told: Vec<(&Value, &Value)> =
        of_one.iter().map(|event| (&event["step_name"], &event["to"])).collect();
    assert_eq!(told, [(&Value::Null, &"pending".into()), (&"only".into(), &"pending".into())]);
    assert!(of_one.iter().all(|event| event["task_id"] == id.as_str()));
    let text = world.run(&["events", "tail", "--task", &id]);
    assert!(text.stdout.lines().all(|line| line.contains(&id)), "{}", text.stdout);
    let cursor = of_one[1]["cursor"].as_str().unwrap();
    assert_eq!(text.stderr, format!("go on with: tasker events tail --task {id} --after {cursor}\n"));
}

#[test]
fn what_cannot_be_read_is_told() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    world.task("foreign.yaml", "foreign");
    assert_eq!(world.run(&["events", "tail", "--after", "yesterday"]).status, 2);
    assert_eq!(world.run(&["events", "tail", "--after", "1", "--from-start"]).status, 2);
    let unknown =
        world.run(&["events", "tail", "--output", "json", "--task", "01890a5d-ac96-774b-bcce-b302099a8057"]);
    assert_eq!(unknown.failure(), (4, "task_not_found".to_owned()));
}

#[test]
fn a_reader_with_a_name_goes_on_where_it_stopped_and_is_waited_for() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let first = world.task("foreign.yaml", "foreign");
    let all = tail(&world, &["--reader", "audit", "--limit", "1"]);
    assert_eq!(all.len(), 1);
    let rest = world.run(&["events", "tail", "--output", "json", "--reader", "audit"]);
    assert_eq!(lines(&rest.stdout)[0]["step_name"], "only");
    assert_eq!(rest.stderr, "go on with: tasker events tail --reader audit\n");
    assert!(tail(&world, &["--reader", "audit"]).is_empty());
    assert_eq!(tail(&world, &["--reader", "audit", "--from-start"]).len(), 2);
    let skipping = world.run(&["events", "tail", "--reader", "audit", "--last", "1", "--output", "json"]);
    assert_eq!(skipping.failure(), (2, "usage".to_owned()), "what a reader was not shown is not skipped");
    world.json(&["task", "cancel", &first]);
    let prune = &["db", "prune", "--finished-before", "0s", "--yes"];
    assert_eq!(world.json(prune)["tasks"], 0, "the cancellation was not read");
    let readers = world.json(&["events", "readers"]);
    assert_eq!(readers["readers"][0]["name"], "audit");
    assert_eq!(readers["readers"][0]["holds"], true);
    assert_eq!(tail(&world, &["--reader", "audit"]).len(), 2);
    assert_eq!(world.json(prune)["tasks"], 1);
    assert_eq!(world.json(&["events", "forget", "audit"])["forgotten"], "audit");
    let again = world.run(&["events", "forget", "audit", "--output", "json"]);
    assert_eq!(again.failure(), (4, "reader_not_found".to_owned()));
    let invalid = world.run(&["events", "tail", "--reader", "a b", "--output", "json"]);
    assert_eq!(invalid.failure().1, "invalid_reader_name");
}

#[test]
fn events_that_were_deleted_before_they_were_read_are_told() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let first = world.task("foreign.yaml", "foreign");
    let cursor = tail(&world, &[])[0]["cursor"].as_str().unwrap().to_owned();
    world.json(&["task", "cancel", &first]);
    assert_eq!(world.json(&["db", "prune", "--finished-before", "0s", "--yes"])["tasks"], 1);
    let gone = world.run(&["events", "tail", "--after", &cursor, "--output", "json"]);
    assert_eq!(gone.failure(), (5, "position_gone".to_owned()));
    assert!(tail(&world, &["--from-start"]).is_empty());
    let never = world.run(&["events", "tail", "--after", "500", "--output", "json"]);
    assert_eq!(never.failure(), (5, "position_gone".to_owned()), "of another log");
}

#[test]
fn events_are_followed_until_a_signal() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let first = world.task("foreign.yaml", "foreign");
    let mut command = world.command(TASKER, &["events", "tail", "--follow", "--output", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let told = [next(), next()];
    assert!(told.iter().all(|event| event["task_id"] == first.as_str()), "{told:?}");
    let second = world.json(&["task", "create", "foreign"])["task_id"].as_str().unwrap().to_owned();
    let told = [next(), next()];
    assert!(told.iter().all(|event| event["task_id"] == second.as_str()), "{told:?}");
    let cursor = told[1]["cursor"].as_str().unwrap();
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(
        String::from_utf8(ended.stderr).unwrap(),
        format!("go on with: tasker events tail --after {cursor}\n")
    );
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    world.task("foreign.yaml", "foreign");
    let reader = "(head -n 1; exec <&-; $TASKER task create foreign --quiet > /dev/null)";
    let ran = world.shell(&format!("$TASKER events tail --follow --quiet | {reader}"));
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 1), "{}", ran.stderr);
}
