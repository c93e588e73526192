//! `tasker db ...`, and databases that cannot be used.

use std::os::unix::fs::PermissionsExt as _;

use crate::world::{ECHO, FAIL, World};

const ANY_TASK: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn commands_that_read_never_create_a_database() {
    let world = World::new();
    for args in [
        &["task", "list"][..],
        &["task", "show", ANY_TASK],
        &["task", "watch", ANY_TASK],
        &["task", "explain", ANY_TASK],
        &["task", "events", ANY_TASK],
        &["task", "cancel", ANY_TASK],
        &["task", "create", "echo"],
        &["step", "show", ANY_TASK, "a"],
        &["definition", "list"],
        &["definition", "show", "echo"],
        &["worker", "list"],
        &["events", "tail"],
        &["analyze", "health"],
        &["analyze", "metrics"],
        &["analyze", "slow"],
        &["db", "status"],
        &["db", "check"],
        &["db", "prune", "--finished-before", "1d", "--dry-run"],
    ] {
        let ran = world.run(&[args, &["--output", "json"]].concat());
        assert_eq!(ran.failure(), (6, "database_missing".to_owned()), "{args:?}");
        assert!(ran.json()["error"]["help"].as_str().unwrap().contains("db migrate"));
    }
    assert!(!world.path("data").exists());
}

#[test]
fn a_database_is_made_for_its_owner_only() {
    let world = World::new();
    let schema = world.json(&["db", "migrate"]);
    assert_eq!((&schema["store"], &schema["version"]), (&"sqlite".into(), &schema["expected"]));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.database().parent().unwrap()), 0o700);
    assert_eq!(mode(&world.database()), 0o600);
    assert_eq!(world.run(&["db", "migrate"]).status, 0);
    assert!(world.run(&["db", "status"]).stdout.contains("up to date"));
    assert_eq!(world.json(&["db", "check"]), serde_json::json!({"checked_tasks": 0, "findings": []}));
}

#[test]
fn where_the_database_is() {
    let world = World::new().with("tasker.toml", "data_dir = \"from-file\"\n");
    let location = |args: &[&str], variable: Option<(&str, &str)>| {
        let mut command =
            world.command(crate::world::TASKER, &[args, &["db", "migrate", "--output", "json"]].concat());
        let output = command.envs(variable).output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        document["location"].as_str().unwrap().to_owned()
    };
    let url = Some(("TASKER_DATABASE_URL", "sqlite:from-url.db"));
    assert_eq!(location(&[], None), "from-file/tasker.db");
    assert_eq!(location(&[], Some(("TASKER_DATA_DIR", "from-env"))), "from-env/tasker.db");
    assert_eq!(location(&[], url), "from-url.db");
    assert_eq!(location(&["--data-dir", "from-flag"], url), "from-flag/tasker.db");
    assert_eq!(location(&["--database-url", "sqlite:flag.db"], url), "flag.db");
}

#[test]
fn addresses_that_cannot_be_used() {
    let world = World::new();
    let code = |url: &str| world.run(&["task", "list", "--database-url", url, "-o", "json"]).failure();
    assert_eq!(code("postgres://user:s3cret@host/db").0, 6);
    assert!(
        !world
            .run(&["task", "list", "--database-url", "postgres://user:s3cret@host/db"])
            .stderr
            .contains("s3cret")
    );
    assert_eq!(code("mysql://host/db"), (3, "invalid_database_url".to_owned()));
    assert_eq!(code("sqlite:"), (3, "invalid_database_url".to_owned()));
}

#[test]
fn a_newer_database_is_left_alone() {
    let world = World::new().with("echo.yaml", ECHO);
    world.json(&["db", "migrate"]);
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.execute("UPDATE schema_info SET version = 99, readable_from = 98", []).unwrap();
    drop(connection);
    for args in [
        &["task", "list"][..],
        &["db", "migrate"],
        &["db", "check"],
        &["definition", "register", "echo.yaml"],
        &["run", "echo.yaml", "--allow-commands", "--context", r#"{"who": "me"}"#],
        &["worker", "run", "--until-idle"],
    ] {
        let ran = world.run(&[args, &["--output", "json"]].concat());
        assert_eq!(ran.failure(), (6, "schema_mismatch".to_owned()), "{args:?}");
        let message = ran.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("99") && message.contains("version 6"), "{message}");
    }
    let ran = world.run(&["db", "status", "--output", "json"]);
    assert_eq!((ran.status, &ran.json()["version"], &ran.json()["expected"]), (6, &99.into(), &6.into()));
}

#[test]
fn a_file_that_is_no_database() {
    let world = World::new().with("text.db", &"no database ".repeat(1_000));
    let ran = world.run(&["task", "list", "--database-url", "sqlite:text.db", "--output", "json"]);
    assert_eq!(ran.failure(), (6, "database_corrupt".to_owned()));
}

#[test]
fn a_data_directory_that_cannot_be_made() {
    let world = World::new().with("echo.yaml", ECHO).with("file", "");
    for folder in ["file", "file/below", "/proc/tasker"] {
        let args = [
            "run",
            "echo.yaml",
            "--allow-commands",
            "--context",
            r#"{"who": "me"}"#,
            "--data-dir",
            folder,
            "--output",
            "json",
        ];
        let ran = world.run(&args);
        assert_eq!(ran.failure(), (6, "database_unavailable".to_owned()), "{folder}");
        assert!(ran.json()["error"]["message"].as_str().unwrap().contains(folder));
    }
}

#[test]
fn a_full_disk() {
    let world = World::new().with("echo.yaml", ECHO);
    // No file may be larger than this many blocks of 512 bytes or 1 KiB, which is too little for the schema.
    let ran = world.shell(r#"ulimit -f 8; exec "$TASKER" definition register echo.yaml --output json"#);
    assert_eq!(ran.failure(), (6, "database_unavailable".to_owned()), "{}", ran.stderr);
    // Once there is room, everything works.
    assert_eq!(world.json(&["definition", "register", "echo.yaml"])["definitions"][0]["outcome"], "created");
    assert_eq!(world.json(&["db", "check"])["findings"], serde_json::json!([]));
}

#[test]
fn a_disk_that_fills_up_loses_no_accepted_task() {
    let world = World::new().with("echo.yaml", ECHO);
    world.json(&["definition", "register", "echo.yaml"]);
    let big = format!(r#"{{"who": "{}"}}"#, "x".repeat(900_000));
    std::fs::write(world.path("big.json"), big).unwrap();
    let ran =
        world.shell(r#"ulimit -f 600; exec "$TASKER" task create echo --context @big.json --output json"#);
    assert_eq!(ran.status, 6, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(world.json(&["task", "list", "--include-total"])["pagination"]["total_count"], 0);
    assert_eq!(world.json(&["db", "check"])["findings"], serde_json::json!([]));
}

#[test]
fn as_69_deleting_needs_a_yes_where_nobody_can_be_asked() {
    let world = World::new().with("fail.yaml", FAIL);
    world.run(&["run", "fail.yaml", "--allow-commands"]);
    let total =
        || world.json(&["task", "list", "--include-total"])["pagination"]["total_count"].as_u64().unwrap();
    let prune = ["db", "prune", "--finished-before", "0s"];
    let ran = world.run(&[&prune[..], &["--output", "json"]].concat());
    assert_eq!(ran.failure(), (2, "not_confirmed".to_owned()));
    assert_eq!((total(), ran.stderr.contains("[y/N]")), (1, false));
    assert_eq!(
        world.json(&[&prune[..], &["--dry-run"]].concat()),
        serde_json::json!({"tasks": 1, "dry_run": true})
    );
    assert_eq!(total(), 1);
    assert_eq!(
        world.json(&[&prune[..], &["--yes"]].concat()),
        serde_json::json!({"tasks": 1, "dry_run": false})
    );
    assert_eq!(total(), 0);
}

#[test]
fn a_broken_row_is_found() {
    let world = World::new().with("fail.yaml", FAIL);
    world.run(&["run", "fail.yaml", "--allow-commands"]);
    world.leave_damaged();
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.execute("UPDATE task SET remaining = 7", []).unwrap();
    drop(connection);
    let ran = world.run(&["db", "check", "--output", "json"]);
    assert_eq!(ran.status, 1);
    let finding = &ran.json()["findings"][0];
    assert_eq!((&finding["code"], &finding["repairable"]), (&"remaining_count".into(), &true.into()));
    assert_eq!(finding["mend"], "its steps are counted anew");
    let ran = world.run(&["db", "check"]);
    assert!(ran.stdout.contains("remaining is 7, but should be 1\n  by --repair: "), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with(
            "checked 1 tasks: 1 findings\nwhat can be mended: tasker db check --repair --dry-run\n"
        )
    );
}

#[test]
fn a_repair_shows_what_it_would_do_asks_and_checks_again() {
    let world = World::new().with("fail.yaml", FAIL);
    world.run(&["run", "fail.yaml", "--allow-commands"]);
    let damage = |sql: &str| {
        let connection = rusqlite::Connection::open(world.database()).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0);
    };
    let repair = |more: &[&str]| world.run(&[&["db", "check", "--repair", "-o", "json"], more].concat());
    let sound = repair(&[]);
    assert_eq!((sound.status, &sound.json()["changed"]), (0, &false.into()));
    damage("UPDATE task SET remaining = 7");
    let shown = repair(&["--dry-run"]);
    assert_eq!((shown.status, &shown.json()["changed"]), (1, &false.into()));
    assert_eq!(shown.json()["mended"][0]["message"], "remaining 7 becomes 1");
    let text = world.run(&["db", "check", "--repair", "--dry-run"]).stdout;
    assert!(
        text.starts_with("would mend remaining_count: task ") && text.ends_with(": remaining 7 becomes 1\n"),
        "{text}"
    );
    let cut = world.run(&["db", "check", "--repair", "--dry-run", "--limit", "1"]).stdout;
    assert!(cut.ends_with("\nthere may be more: see --limit\n"), "{cut}");
    assert_eq!(repair(&[]).failure(), (2, "not_confirmed".to_owned()));
    assert_eq!(world.run(&["db", "check"]).status, 1, "nothing was changed");
    let mended = repair(&["--yes"]);
    assert_eq!((mended.status, &mended.json()["changed"]), (0, &true.into()));
    assert_eq!(
        (mended.json()["mended"].clone(), &mended.json()["remaining"]),
        (shown.json()["mended"].clone(), &serde_json::json!([]))
    );
    assert_eq!(world.run(&["db", "check"]).stdout, "checked 1 tasks: nothing wrong was found\n");
}

#[test]
fn a_repair_says_what_it_leaves_and_why() {
    let world = World::new().with("fail.yaml", FAIL);
    world.run(&["run", "fail.yaml", "--allow-commands"]);
    world.leave_damaged();
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.execute("UPDATE task SET remaining = 7", []).unwrap();
    connection.execute("DELETE FROM task_input", []).unwrap();
    connection
        .execute(
            "INSERT INTO step SELECT 99 * 32768, state, waits, attempts, retry_limit, retryable, fence, \
        settled_fence, lease_expiries, key_generation, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL FROM step",
            [],
        )
        .unwrap();
    drop(connection);
    let text = world.run(&["db", "check"]).stdout;
    assert!(
        text.starts_with("orphan_step: row 3244032 of table step belongs to no task\n  by --repair: "),
        "{text}"
    );
    let ran = world.run(&["db", "check", "--repair", "--yes", "-o", "json"]);
    let codes = |list: &str| -> Vec<String> {
        let json = ran.json();
        json[list].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ran.status, 1);
    assert_eq!(codes("findings"), ["orphan_step", "input_missing", "remaining_count"]);
    assert_eq!(codes("mended"), ["orphan_step", "remaining_count"]);
    assert_eq!(
        (codes("left"), codes("remaining")),
        (vec!["input_missing".to_owned()], vec!["input_missing".to_owned()])
    );
    let text = world.run(&["db", "check", "--repair"]);
    assert_eq!(text.status, 1);
    assert!(
        text.stdout.contains("cannot mend input_missing: task")
            && text.stdout.contains("the request is lost"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_dry_run_is_part_of_a_repair() {
    let world = World::new();
    assert_eq!(world.run(&["db", "check", "--dry-run"]).status, 2);
}

#[test]
fn workers_are_listed() {
    let world = World::new();
    assert_eq!(world.run(&["worker", "run", "--until-idle", "--name", "one"]).status, 0);
    let workers = world.json(&["worker", "list"]);
    assert_eq!(workers["workers"][0]["name"], "one");
    assert!(world.run(&["worker", "list"]).stdout.contains("stopped"));
}
