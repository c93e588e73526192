//! `tasker task bulk ...`, over a database and through a server.

use serde_json::{Value, json};

use crate::remote::{NO_TASK, same, serve, through, world};

#[test]
fn an_action_is_done_with_each_task_by_itself() {
    let (world, [done, failed, waiting]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let same = |args: &[&str]| same(&world, &url, args);
    let dry = ["task", "bulk", "cancel", &waiting, &done, NO_TASK, &waiting, "--dry-run"];
    let ran = same(&dry);
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.stdout,
        format!(
            "{waiting}: can be cancelled\n\
             {done}: refused: cancelling task {done} is not possible: its state is complete [invalid_state_transition]\n\
             {NO_TASK}: refused: there is no task {NO_TASK} [task_not_found]\n\
             1 can be cancelled, 2 refused\n"
        )
    );
    assert_eq!(world.json(&["task", "show", &waiting])["status"], "pending");

    // To cancel again what is cancelled is no error, so both can be compared.
    let ran = same(&["task", "bulk", "cancel", &waiting, &done, NO_TASK, "--reason", "ordered twice"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.starts_with(&format!("{waiting}: cancelled\n{done}: refused: ")), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n1 cancelled, 2 refused\n"), "{}", ran.stdout);
    assert_eq!(world.json(&["task", "show", &waiting])["status"], "cancelled");
    let told = world.run(&["task", "bulk", "cancel", &done, &waiting, "--output", "json"]).json();
    assert_eq!((&told["action"], &told["dry_run"]), (&json!("cancel"), &json!(false)));
    assert_eq!((&told["done"], &told["refused"]), (&json!(1), &json!(1)));
    assert_eq!(told["results"][0]["error"]["code"], "invalid_state_transition");
    assert_eq!(told["results"][1], json!({"task_id": waiting}));

    let ran = same(&["task", "bulk", "retry", &failed, &waiting]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.ends_with("0 tried again, 2 refused\n"), "{}", ran.stdout);
    let resolve = ["task", "bulk", "resolve", &failed, "--reason", "by hand"];
    let ran = through(&world, &url, &resolve);
    assert_eq!((ran.status, ran.stdout), (0, format!("{failed}: resolved\n1 resolved, 0 refused\n")));
    assert_eq!(same(&resolve).status, 1);
}

#[test]
fn tasks_are_named_by_standard_input() {
    let (world, [done, _, waiting]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let resume = ["task", "bulk", "resume", "-"];
    let input = format!("{waiting}\n\n  {done}\n{waiting}\n");
    let direct = world.run_with_input(&resume, &input);
    let remote = world.run_with_input(&[&resume[..], &["--server", &url]].concat(), &input);
    assert_eq!((direct.status, &direct.stdout), (1, &remote.stdout));
    assert_eq!(
        direct.stdout,
        format!(
            "{waiting}: resumed\n{done}: refused: task {done} has ended: its state is complete \
             [invalid_state_transition]\n1 resumed, 1 refused\n"
        )
    );
    let json =
        |args: &[&str], input: &str| world.run_with_input(&[args, &["--output", "json"]].concat(), input);
    let refused = json(&resume, &format!("{waiting}\nseven\n"));
    assert_eq!(refused.failure(), (2, "invalid_id".to_owned()));
    assert!(refused.stdout.contains("line 2 of standard input"), "{}", refused.stdout);
    let long = "x".repeat(129);
    assert_eq!(
        json(&["task", "bulk", "cancel", &waiting, "--reason", &long], "").failure(),
        (2, "too_long".into())
    );
    assert_eq!(world.run(&["task", "bulk", "resolve", &waiting]).status, 2);
    assert_eq!(world.run(&["task", "bulk", "cancel"]).status, 2);
    assert_eq!(through(&world, &url, &["task", "bulk", "cancel", &waiting, "--actor", "ann"]).status, 2);
    assert_eq!(world.json(&["task", "show", &waiting])["status"], "pending");
}

#[test]
fn tasks_are_created_line_by_line() {
    let (world, _) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let id = |n: usize| format!("01890a5d-ac96-774b-bcce-b302099a90{n:02}");
    let lines = [
        json!({"name": "echo", "context": {"who": "you"}, "id": id(1)}),
        json!({"name": "echo", "context": {}, "id": id(2)}),
        json!({"name": "nothing", "context": {}}),
        json!({"name": "fail", "context": {}, "colour": "red"}),
        json!({"name": "fail", "context": {}, "tags": ["bulk"], "id": id(5)}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n\n")).collect();
    let world = world.with("tasks.ndjson", &text);
    let total =
        || world.json(&["task", "list", "--include-total"])["pagination"]["total_count"].as_u64().unwrap();
    let errors = |told: &Value| -> Vec<(u64, String)> {
        let rows = told["results"].as_array().unwrap().iter();
        rows.filter_map(|row| Some((row["line"].as_u64()?, row["error"]["code"].as_str()?.to_owned())))
            .collect()
    };
    let expected = [(3, "schema"), (5, "definition_not_found"), (7, "unknown_field")];
    let expected = expected.map(|(line, code)| (line, code.to_owned()));

    let before = total();
    let dry = ["task", "bulk", "create", "tasks.ndjson", "--dry-run"];
    let ran = same(&world, &url, &dry);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.starts_with("line 1: can be created\nline 3: refused: "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("2 can be created, 3 refused\n"), "{}", ran.stdout);
    let told = world.run(&[&dry[..], &["--output", "json"]].concat()).json();
    assert_eq!(errors(&told), expected);
    assert_eq!(total(), before);

    // The same requests under the same ids are accepted once, so both can be compared.
    let create = ["task", "bulk", "create", "tasks.ndjson"];
    let ran = same(&world, &url, &create);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.starts_with(&format!("line 1: {}: created\n", id(1))), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("2 created, 3 refused\n"), "{}", ran.stdout);
    let told = through(&world, &url, &[&create[..], &["--output", "json"]].concat()).json();
    assert_eq!(errors(&told), expected);
    assert_eq!(told["results"][4], json!({"line": 9, "task_id": id(5)}));
    assert_eq!(total(), before + 2);

    let many: String = (0..205).map(|_| format!("{}\n", json!({"name": "foreign", "context": {}}))).collect();
    let ran = world.run_with_input(&["task", "bulk", "create", "-", "--server", &url], &many);
    assert_eq!((ran.status, ran.stdout.lines().last()), (0, Some("205 created, 0 refused")));
    assert_eq!(total(), before + 207);

    let torn = format!("{}\n[1]\n", lines[4]);
    let ran = world.run_with_input(&["task", "bulk", "create", "-"], &torn);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("line 2 of standard input is no JSON object"), "{}", ran.stderr);
    assert_eq!(world.run(&["task", "bulk", "create", "missing.ndjson"]).status, 2);
}
