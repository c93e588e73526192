//! `tasker worker run` and the definitions it brings along.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::world::{ECHO, FAIL, FOREIGN, SLOW, World};

fn folder() -> World {
    let world = World::new();
    std::fs::create_dir(world.path("workflows")).unwrap();
    world
        .with("workflows/echo.yaml", ECHO)
        .with("workflows/fail.yaml", FAIL)
        .with("workflows/slow.yaml", SLOW)
        .with("workflows/wrong.yaml", "name: wrong\nstep_templates: []\n")
}

#[test]
fn as_26_one_wrong_definition_keeps_a_strict_worker_from_starting() {
    let world = folder();
    let ran = world.run(&["worker", "run", "--until-idle", "--definitions", "workflows"]);
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("workflows/wrong.yaml") && ran.stderr.contains("no_steps"), "{}", ran.stderr);
    assert_eq!(world.json(&["definition", "list"])["definitions"].as_array().unwrap().len(), 0);
}

#[test]
fn as_26_a_lenient_worker_leaves_the_wrong_definition_out() {
    let world =
        folder().with("tasker.toml", "[worker]\ndefinitions = [\"workflows\"]\nstrict_startup = false\n");
    let ran = world.run(&["worker", "run", "--until-idle"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no_steps"), "{}", ran.stderr);
    assert_eq!(world.json(&["definition", "list"])["definitions"].as_array().unwrap().len(), 3);
}

#[test]
fn a_program_is_run_only_by_a_worker_that_may() {
    let world = World::new().with("fail.yaml", FAIL);
    let refused = world.run(&["run", "fail.yaml", "--output", "json"]);
    assert_eq!(refused.failure(), (3, "handler_not_found".to_owned()));
    assert!(refused.stdout.contains("--allow-commands"), "{}", refused.stdout);
    let id = world.task("fail.yaml", "fail");
    world.run(&["worker", "run", "--until-idle"]);
    let why = world.json(&["task", "explain", &id]);
    assert_eq!(why["status"], "pending");
    assert_eq!(why["summary"]["command"], "tasker worker run --allow-commands");
    world.run(&["worker", "run", "--until-idle", "--allow-commands"]);
    assert_eq!(world.json(&["task", "show", &id])["status"], "error");
}

#[test]
fn a_step_of_somebody_elses_handler_waits() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    assert_eq!(world.run(&["worker", "run", "--until-idle"]).status, 0);
    assert_eq!(world.json(&["task", "show", &id])["status"], "pending");
}

/// What is answered at this address to a question for this path.
fn asked(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

#[test]
fn a_worker_and_a_server_show_their_metrics_where_they_are_told_to() {
    for arguments in [&["worker", "run"][..], &["server", "run", "--listen", "127.0.0.1:0"]] {
        let world = World::new();
        let mut running = world.start(&[arguments, &["--metrics-listen", "127.0.0.1:0"]].concat());
        running.until("metrics at http://");
        let line = running.seen().lines().last().unwrap();
        let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned();
        let metrics = asked(&address, "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("tasker_database_up 1"), "{metrics}");
        assert!(asked(&address, "/health/live").starts_with("HTTP/1.1 200"));
        assert!(asked(&address, "/tasks").starts_with("HTTP/1.1 404"));
        running.signal("TERM");
        running.end();
    }
}

#[test]
fn metrics_are_shown_to_others_only_if_everybody_may_read_them() {
    let world = World::new();
    let refused =
        world.run(&["worker", "run", "--until-idle", "--metrics-listen", "0.0.0.0:0", "--output", "json"]);
    assert_eq!(refused.failure(), (3, "invalid_configuration".to_owned()));
    let world = world
        .with("tasker.toml", "[telemetry]\nmetrics_auth_required = false\nmetrics_listen = \"0.0.0.0:0\"\n");
    assert_eq!(world.run(&["worker", "run", "--until-idle"]).status, 0);
}
