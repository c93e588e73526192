//! `tasker worker run` and the definitions it brings along.

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
