//! Every class of bad input has its exit status and its code, and leaves nothing behind.

use std::fmt::Write as _;

use crate::world::{ECHO, FOREIGN, World};

/// Runs a definition file that is bad.
fn check_definition(text: &str, code: &str) {
    let world = World::new().with("bad.yaml", text);
    let ran = world.run(&["run", "bad.yaml", "--allow-commands", "--output", "json"]);
    let codes: Vec<String> = ran.json()["error"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ran.status, 3, "{}", ran.stdout);
    assert!(codes.contains(&code.to_owned()), "{code}: {codes:?}");
    assert!(!world.path("data").exists(), "something was stored");
}

#[test]
fn bad_definitions() {
    let step = "step_templates:\n- {name: a, handler: command, handler_config: {program: x}}\n";
    for (text, code) in [
        ("", "not_a_mapping"),
        ("- a\n", "not_a_mapping"),
        ("name: a\n\tversion: b\n", "yaml_syntax"),
        ("name: [a\n", "yaml_syntax"),
        ("{\"name\": \"a\", }}", "yaml_syntax"),
        (&format!("name: a\nnmae: b\n{step}"), "unknown_key"),
        (&format!("name: a b\n{step}"), "invalid_name"),
        (&format!("name: a\nversion: \"1.0\"\n{step}"), "invalid_version"),
        (&format!("name: a\nname: b\n{step}"), "duplicate_key"),
        (&format!("name: a\ndescription: \"x\\0y\"\n{step}"), "invalid_text"),
        (&format!("name: a\nschema: {{type: objekt}}\n{step}"), "invalid_context_schema"),
        ("name: a\nstep_templates: []\n", "no_steps"),
        (FOREIGN, "handler_not_found"),
        (
            "name: a\nstep_templates:\n- {name: a, handler: command, depends_on_step: b, handler_config: {program: x}}\n",
            "unknown_dependency",
        ),
        (
            "name: a\nstep_templates:\n- {name: a, handler: http, handler_config: {url: \"ftp://x\"}}\n",
            "invalid_api_url",
        ),
        (
            "name: a\nstep_templates:\n- {name: a, handler: command, handler_config: {program: \"${NOT_SET}\"}}\n",
            "missing_env_var",
        ),
    ] {
        check_definition(text, code);
    }
}

#[test]
fn a_cycle() {
    let steps = ["a: c", "b: a", "c: b"].map(|pair| {
        let (name, parent) = pair.split_once(": ").unwrap();
        format!("- {{name: {name}, handler: command, depends_on_step: {parent}, handler_config: {{program: x}}}}\n")
    });
    check_definition(&format!("name: a\nstep_templates:\n{}", steps.concat()), "dependency_cycle");
}

#[test]
fn a_bomb() {
    let mut text = String::from("name: bomb\nx-a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for i in 1..12 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(text, "x-a{i}: &a{i} [{aliases}]").unwrap();
    }
    check_definition(&text, "document_too_large");
}

#[test]
fn deep_nesting() {
    check_definition(
        &format!("name: a\nx-deep: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        "too_deep",
    );
}

#[test]
fn files_that_cannot_be_read() {
    let world = World::new().with("invalid.yaml", "");
    std::fs::create_dir(world.path("folder.yaml")).unwrap();
    std::fs::write(world.path("latin1.yaml"), b"name: \xe4\n").unwrap();
    std::fs::File::create(world.path("huge.yaml")).unwrap().set_len(100_000_000).unwrap();
    for (file, code) in [
        ("missing.yaml", "io_error"),
        ("folder.yaml", "io_error"),
        ("latin1.yaml", "io_error"),
        ("huge.yaml", "document_too_large"),
    ] {
        let ran = world.run(&["run", file, "--output", "json"]);
        assert_eq!(ran.failure(), (3, code.to_owned()), "{file}");
    }
    assert!(!world.path("data").exists());
}

/// Runs a good definition with a bad context.
fn check_context(context: &str, status: i32, code: &str) {
    let world = World::new().with("echo.yaml", ECHO);
    let ran = world.run(&["run", "echo.yaml", "--allow-commands", "--context", context, "--output", "json"]);
    assert_eq!(ran.failure(), (status, code.to_owned()), "{context}");
    assert!(!world.path("data").exists(), "something was stored");
}

#[test]
fn bad_contexts() {
    for (context, code) in [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("{'a': 1}", "invalid_json"),
        ("[]", "not_an_object"),
        ("7", "not_an_object"),
        ("null", "not_an_object"),
        (r#"{"who": "a\u0000b"}"#, "invalid_text"),
        (r#"{"who": "\ud83d"}"#, "invalid_text"),
        (r#"{"who": "me", "who": "you"}"#, "duplicate_key"),
        (r#"{"who": 1e999}"#, "number_out_of_range"),
        ("@missing.json", "io_error"),
    ] {
        check_context(context, 2, code);
    }
    check_context(&format!("{}{}", "[".repeat(70), "]".repeat(70)), 2, "too_deep");
    check_context(r#"{"who": 7}"#, 1, "schema");
}

#[test]
fn a_context_of_100_megabytes_is_refused_by_its_size() {
    let world = World::new().with("echo.yaml", ECHO);
    std::fs::File::create(world.path("huge.json")).unwrap().set_len(100_000_000).unwrap();
    let ran =
        world.run(&["run", "echo.yaml", "--allow-commands", "--context", "@huge.json", "--output", "json"]);
    assert_eq!(ran.failure(), (2, "too_large".to_owned()));
    let ran = world.run_with_input(
        &["run", "echo.yaml", "--allow-commands", "--context", "-", "--output", "json"],
        &" ".repeat(2_000_000),
    );
    assert_eq!(ran.failure(), (2, "too_large".to_owned()));
    assert!(!world.path("data").exists());
}

#[test]
fn as_7_all_errors_of_a_file_are_in_one_report() {
    let world = World::new().with("bad.yaml", "default_retry_limit: \"3\"\nversion: 1.0\n");
    let ran = world.run(&["definition", "validate", "bad.yaml", "--output", "json"]);
    let report = ran.json();
    let codes: Vec<&str> =
        report.as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    assert_eq!(ran.status, 3);
    assert!(codes.len() >= 3, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "missing_key").count(), 2, "{codes:?}");
}

#[test]
fn as_30_schema_violations_are_listed_by_pointer_and_nothing_is_stored() {
    let text = r#"
name: lend
schema:
  type: object
  required: [artifact_id, borrower]
  properties: {artifact_id: {type: integer}, borrower: {type: string}}
step_templates:
- {name: load, handler: command, handler_config: {program: "true"}}
"#;
    let world = World::new().with("lend.yaml", text);
    world.json(&["definition", "register", "lend.yaml"]);
    let ran =
        world.run(&["task", "create", "lend", "--context", r#"{"artifact_id": "7"}"#, "--output", "json"]);
    assert_eq!(ran.failure(), (1, "schema".to_owned()));
    let document = ran.json();
    let mut pointers: Vec<&str> = document["error"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/context/artifact_id", "/context/borrower"]);
    assert_eq!(world.json(&["task", "list", "--include-total"])["pagination"]["total_count"], 0);
    let text = world.run(&["task", "create", "lend", "--context", r#"{"artifact_id": "7"}"#]).stderr;
    assert!(text.contains("artifact_id") && text.contains("borrower"), "{text}");
}

#[test]
fn wrong_usage() {
    let world = World::new().with("echo.yaml", ECHO);
    let too_long = "x".repeat(129);
    for args in [
        &["run"][..],
        &["run", "echo.yaml", "--nonsense"],
        &["run", "echo.yaml", "--allow-commands", "--priority", "10"],
        &["run", "echo.yaml", "--resume", "01890a5d-ac96-774b-bcce-b302099a8057"],
        &["run", "echo.yaml", "--allow-commands", "--context", r#"{"who": "me"}"#, "--bypass-step", "first"],
        &["run", "echo.yaml", "--allow-commands", "--context", r#"{"who": "me"}"#, "--reason", &too_long],
        &["task", "show", "999999999"],
        &["task", "list", "--limit", "101"],
        &["task", "list", "--status", "lost"],
        &["task", "create", "a b"],
        &["task", "create", "echo", "--timeout", "3s"],
        &["db", "prune", "--finished-before", "soon"],
        &["definition", "graph", "echo.yaml", "--format", "pdf"],
        &["--output", "xml", "version"],
    ] {
        let ran = world.run(args);
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}");
    }
    let ran = world.run(&["task", "show", "nonsense", "-o", "json"]);
    assert_eq!(ran.failure(), (2, "usage".to_owned()));
    assert!(!world.path("data").exists());
}
