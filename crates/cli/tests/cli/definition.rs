//! `tasker definition ...`.

use serde_json::Value;

use crate::world::{ECHO, FOREIGN, World};

const LOAN: &str = r#"
name: loan
namespace_name: museum
version: 2.1.0
step_templates:
- {name: load, handler: museum/load}
- {name: inspect, handler: museum/inspect, depends_on_step: load}
- {name: insure, handler: museum/insure, depends_on_step: load}
- {name: courier, handler: museum/courier, depends_on_steps: [inspect, insure]}
- {name: contract, handler: museum/contract, depends_on_steps: [inspect, insure]}
- {name: notify, handler: museum/notify, depends_on_steps: [courier, contract]}
"#;

#[test]
fn as_70_a_graph_has_6_nodes_and_8_edges() {
    let world = World::new().with("loan.yaml", LOAN);
    world.json(&["definition", "register", "loan.yaml"]);
    for definition in ["loan.yaml", "museum.loan", "museum.loan@2.1.0"] {
        let mermaid = world.run(&["definition", "graph", definition, "--format", "mermaid"]);
        assert_eq!(mermaid.stdout.matches("[\"").count(), 6, "{definition}");
        assert_eq!(mermaid.stdout.matches("-->").count(), 8, "{definition}");
        let json = world.run(&["definition", "graph", definition, "--format", "json"]).json();
        assert_eq!(json["nodes"].as_array().map(Vec::len), Some(6));
        assert_eq!(json["edges"].as_array().map(Vec::len), Some(8));
    }
    let json = world.json(&["definition", "graph", "loan", "--namespace", "museum"]);
    assert_eq!(json["metadata"]["total_edges"], 8);
    assert!(
        world.run(&["definition", "graph", "loan.yaml", "--format", "dot"]).stdout.starts_with("digraph ")
    );
    assert!(world.run(&["definition", "graph", "loan.yaml"]).stdout.contains("level 3\n  notify"));
    let drawn = |flags: &[&str]| world.run(&[&["definition", "graph", "loan.yaml"], flags].concat()).stdout;
    assert!(drawn(&["--format", "svg"]).starts_with("<svg "));
    assert!(drawn(&["--format", "html", "--theme", "dark"]).starts_with("<!DOCTYPE html>"));
    assert!(drawn(&["-f", "mermaid", "--direction", "LR"]).starts_with("graph LR\n"));
    assert_eq!(world.run(&["definition", "graph", "loan.yaml", "--direction", "up"]).status, 2);
    assert_eq!(world.run(&["definition", "graph", "loan.yaml", "--theme", "pink"]).status, 2);
}

#[test]
fn as_72_validation_reports_an_array() {
    let world =
        World::new().with("bad.yaml", "name: a\nnmae: b\nstep_templates: []\n").with("good.yaml", ECHO);
    let ran = world.run(&["definition", "validate", "bad.yaml", "good.yaml", "--output", "json"]);
    assert_eq!(ran.status, 3);
    let report = ran.json();
    let problem = report.as_array().unwrap().iter().find(|problem| problem["code"] == "unknown_key").unwrap();
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["pointer"]),
        (&"bad.yaml".into(), &2.into(), &"/nmae".into())
    );
    assert!(problem["message"].as_str().unwrap().contains("nmae"));
    let ran = world.run(&["definition", "validate", "good.yaml", "--output", "json"]);
    assert_eq!((ran.status, ran.json()), (0, Value::Array(Vec::new())));
}

#[test]
fn validation_for_people() {
    let world =
        World::new().with("bad.yaml", "name: a\nnmae: b\nstep_templates: []\n").with("good.yaml", ECHO);
    let ran = world.run(&["definition", "validate", "bad.yaml"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("bad.yaml:2:1: error[unknown_key]: "), "{}", ran.stderr);
    let ran = world.run(&["definition", "validate", "good.yaml"]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "1 file: valid\n", ""));
    assert!(!world.path("data").exists());
}

#[test]
fn folders_are_searched() {
    let world = World::new();
    std::fs::create_dir_all(world.path("all/deep")).unwrap();
    let world = world.with("all/a.yaml", ECHO).with("all/deep/b.yml", FOREIGN).with("all/readme.txt", "no");
    let names: Vec<String> = world.json(&["definition", "register", "all"])["definitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["full_name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["default.echo@1.0.0", "default.foreign@0.1.0"]);
    std::fs::create_dir(world.path("empty")).unwrap();
    assert_eq!(world.run(&["definition", "validate", "empty"]).status, 3);
}

#[test]
fn one_bad_file_keeps_all_from_being_registered() {
    let world = World::new().with("good.yaml", ECHO).with("bad.yaml", "name: a\n");
    let ran = world.run(&["definition", "register", "good.yaml", "bad.yaml", "--output", "json"]);
    assert_eq!(ran.status, 3);
    assert!(!world.path("data").exists());
}

#[test]
fn as_35_as_37_registering_again() {
    let world = World::new().with("a.yaml", ECHO).with("b.yaml", &ECHO.replace("hello", "bye"));
    let outcome = |args: &[&str]| {
        world.json(&[&["definition", "register"], args].concat())["definitions"][0]["outcome"].clone()
    };
    assert_eq!(outcome(&["a.yaml"]), "created");
    assert_eq!(outcome(&["a.yaml"]), "unchanged");
    let ran = world.run(&["definition", "register", "b.yaml", "--output", "json"]);
    assert_eq!(ran.failure(), (5, "version_content_changed".to_owned()));
    let before = world.json(&["task", "create", "echo", "--context", r#"{"who": "me"}"#])["task_id"].clone();
    assert_eq!(outcome(&["b.yaml", "--allow-replace"]), "replaced");
    // The running task finishes on what it was created with.
    assert_eq!(world.run(&["worker", "run", "--until-idle", "--allow-commands"]).status, 0);
    let task = world.json(&["task", "show", before.as_str().unwrap()]);
    assert_eq!(task["steps"][0]["results"], "hello me");
}

#[test]
fn handlers_that_nobody_serves() {
    let world = World::new()
        .with("foreign.yaml", FOREIGN)
        .with("served.txt", "other\n")
        .with("all.txt", "somebody/else\n");
    let ran = world.run(&["definition", "register", "foreign.yaml"]);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("warning[handler_not_served]"), "{}", ran.stderr);
    let code = |args: &[&str]| world.run(&[args, &["--output", "json"]].concat()).failure();
    assert_eq!(
        code(&["definition", "register", "foreign.yaml", "--strict"]),
        (3, "handler_not_found".to_owned())
    );
    assert_eq!(
        world.run(&["definition", "validate", "foreign.yaml", "--handlers-from", "served.txt"]).status,
        3
    );
    assert_eq!(
        world.run(&["definition", "validate", "foreign.yaml", "--handlers-from", "all.txt"]).status,
        0
    );
}

#[test]
fn variables_may_be_left_to_the_workers() {
    let text = "name: a\nstep_templates:\n- {name: a, handler: command, handler_config: {program: \"${NOT_SET}\"}}\n";
    let world = World::new().with("a.yaml", text);
    assert_eq!(
        world.run(&["definition", "register", "a.yaml", "--output", "json"]).failure(),
        (3, "missing_env_var".to_owned())
    );
    assert_eq!(world.run(&["definition", "register", "a.yaml", "--ignore-missing-env"]).status, 0);
}

#[test]
fn lists_versions_and_one() {
    let world = World::new()
        .with("a.yaml", ECHO)
        .with("b.yaml", &ECHO.replace("1.0.0", "1.10.0"))
        .with("loan.yaml", LOAN);
    world.json(&["definition", "register", "a.yaml", "b.yaml", "loan.yaml"]);
    let names = |document: &Value, key: &str| -> Vec<String> {
        document[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{}@{}", row["name"].as_str().unwrap(), row["version"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(
        names(&world.json(&["definition", "list"]), "definitions"),
        ["echo@1.0.0", "echo@1.10.0", "loan@2.1.0"]
    );
    assert_eq!(names(&world.json(&["definition", "list", "-n", "museum"]), "definitions"), ["loan@2.1.0"]);
    assert_eq!(
        names(&world.json(&["definition", "versions", "echo"]), "versions"),
        ["echo@1.0.0", "echo@1.10.0"]
    );
    assert_eq!(world.json(&["definition", "show", "echo"])["version"], "1.10.0");
    assert_eq!(
        world.json(&["definition", "show", "echo", "--version", "1.0.0"])["full_name"],
        "default.echo@1.0.0"
    );
    let ran = world.run(&["definition", "show", "echo@3.0.0", "-o", "json"]);
    assert_eq!(ran.failure(), (4, "definition_not_found".to_owned()));
    assert!(ran.json()["error"]["help"].as_str().unwrap().contains("1.10.0"), "{}", ran.stdout);
    assert_eq!(world.run(&["definition", "versions", "nothing"]).status, 4);
}

#[test]
fn as_39_a_retired_version_takes_no_new_tasks() {
    let world = World::new().with("a.yaml", ECHO);
    world.json(&["definition", "register", "a.yaml"]);
    let create =
        || world.run(&["task", "create", "echo@1.0.0", "--context", r#"{"who": "me"}"#, "-o", "json"]);
    assert_eq!(create().status, 0);
    assert_eq!(world.json(&["definition", "retire", "echo@1.0.0"])["retired"], true);
    assert_eq!(create().status, 5, "{}", create().stdout);
    world.json(&["definition", "retire", "echo@1.0.0", "--undo"]);
    assert_eq!(create().status, 0);
    assert_eq!(world.run(&["definition", "retire", "echo"]).status, 2);
    assert_eq!(world.run(&["definition", "retire", "echo@9.0.0"]).status, 4);
}

#[test]
fn differences() {
    let world = World::new()
        .with("a.yaml", ECHO)
        .with("b.yaml", &ECHO.replace("hello", "bye").replace("1.0.0", "1.1.0"));
    let ran = world.run(&["definition", "diff", "a.yaml", "b.yaml", "--output", "json"]);
    assert_eq!(ran.status, 1);
    let document = ran.json();
    let pointers: Vec<&str> =
        document["differences"].as_array().unwrap().iter().map(|d| d["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/steps/first/handler_config/args", "/version"]);
    world.json(&["definition", "register", "a.yaml"]);
    let ran = world.run(&["definition", "diff", "a.yaml", "echo@1.0.0"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "equal\n"));
}

#[test]
fn as_5_secrets_are_masked() {
    let text = "name: a\nstep_templates:\n- {name: a, handler: http, handler_config: {url: \"https://x.test\", headers: {Authorization: \"Bearer abc123\"}}}\n";
    let world = World::new().with("a.yaml", text);
    world.json(&["definition", "register", "a.yaml"]);
    let shown = world.run(&["definition", "show", "a", "--output", "json"]).stdout;
    assert!(!shown.contains("abc123") && shown.contains("[FILTERED]"), "{shown}");
}
