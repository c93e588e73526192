//! `tasker torture`, as short as it gets: one round, then Ctrl-C.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::World;

/// Seed of a run that begins with killing a worker.
const KILLS_FIRST: &str = "4";

#[test]
fn one_round_is_judged_and_nothing_stays_behind() {
    let world = World::new();
    let args = ["torture", "--minutes", "60", "--seed", KILLS_FIRST, "--output", "json"];
    let mut running = world.start(&args);
    running.until("torture for 60 min, seed 4");
    // Whoever is interrupted before the first round has begun judges none.
    workers(3, || running.children());
    running.signal("INT");
    running.until("the round that runs is ended");
    let ran = running.finish();
    assert_eq!(ran.status, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("round 1, kill: node-1 died of signal 9; "), "{}", ran.stderr);
    let report = ran.json();
    let numbers =
        ["tasks", "executions", "lost", "doubled", "wrong"].map(|name| report[name].as_u64().unwrap());
    assert!(numbers[0] >= 10 && numbers[1] > numbers[0] && numbers[2..] == [0, 0, 0], "{report:#}");
    assert_eq!((&report["verified"], &report["interrupted"]), (&true.into(), &true.into()));
    assert_eq!((&report["database"], &report["seed"]), (&"sqlite".into(), &4.into()));
    assert_eq!(report["rounds"].as_array().unwrap().len(), 1);
    assert_eq!(report["rounds"][0]["fault"], "kill");
    assert!(report["longest_recovery_seconds"].as_f64().is_some_and(|seconds| seconds < 10.0), "{report:#}");
    insta::assert_json_snapshot!(shape(&report));
    assert!(!world.path("data").exists(), "nothing stays behind");
}

/// The document without its values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(list) => list.iter().map(shape).collect(),
        Value::Number(_) => "a number".into(),
        Value::String(_) => "a text".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Null => Value::Null,
    }
}

#[test]
fn what_was_tortured_can_be_kept_and_looked_at() {
    let world = World::new();
    let mut running = world.start(&["torture", "--seed", KILLS_FIRST, "--workers", "2", "--keep"]);
    running.until("torture for 5 min");
    workers(2, || running.children());
    running.signal("TERM");
    let ran = running.finish();
    assert_eq!(ran.status, 143, "{}", ran.stderr);
    assert!(ran.stdout.contains("verified: nothing was lost"), "{}", ran.stdout);
    let kept = ran.stdout.lines().find_map(|line| line.strip_prefix("kept: ")).unwrap();
    let found = world.json(&["db", "check", "--database-url", kept]);
    assert_eq!(found["findings"].as_array().map(Vec::len), Some(0));
    let tasks = world.json(&["task", "list", "--database-url", kept, "--include-total"]);
    assert!(tasks["pagination"]["total_count"].as_u64().is_some_and(|total| total >= 10), "{tasks:#}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let world = World::new();
    let mut running = world.start(&["torture", "--seed", KILLS_FIRST]);
    running.until("torture for 5 min");
    let workers = workers(3, || running.children());
    running.signal("INT");
    running.until("press Ctrl-C again");
    running.signal("INT");
    assert_eq!(running.end().0, 130);
    assert!(workers.iter().all(|worker| !lives(worker)), "{workers:?}");
    assert!(!world.path("data").exists(), "nothing stays behind");
}

#[test]
fn workers_end_when_whoever_tortures_them_is_killed() {
    let world = World::new();
    let mut running = world.start(&["torture", "--seed", KILLS_FIRST]);
    running.until("torture for 5 min");
    let workers = workers(3, || running.children());
    running.signal("KILL");
    let deadline = Instant::now() + Duration::from_secs(60);
    while workers.iter().any(|worker| lives(worker)) {
        assert!(Instant::now() < deadline, "workers live on: {workers:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn wrong_usage_and_servers_that_are_not_there_are_told() {
    let world = World::new();
    for args in [
        &["torture", "--minutes", "0"][..],
        &["torture", "--workers", "1"],
        &["torture", "--seed", "-1"],
        &["torture", "--database", "postgres"],
        &["torture", "worker"],
    ] {
        assert_eq!(world.run(args).status, 2, "{args:?}");
    }
    let away = ["torture", "--database-url", "postgres://ann:secret@127.0.0.1:1/a", "--output", "json"];
    let ran = world.run(&away);
    assert_eq!(ran.failure(), (6, "database_unavailable".to_owned()));
    assert!(!ran.stdout.contains("secret") && !ran.stderr.contains("secret"), "{}", ran.stdout);
}

/// Workers, once so many are there.
fn workers(n: usize, children: impl Fn() -> Vec<String>) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = children();
        if found.len() >= n {
            return found;
        }
        assert!(Instant::now() < deadline, "there are no workers: {found:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process is there, and is more than what is left of one that ended.
fn lives(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
