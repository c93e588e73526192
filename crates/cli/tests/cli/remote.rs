//! Commands with `--server`: the same output and exit statuses as against the database that the server works with.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::world::{ECHO, FAIL, FOREIGN, Ran, Running, TASKER, World};

/// An id that no task has.
pub const NO_TASK: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Starts a server over the database of a world, without a worker unless told otherwise; answers with its address.
pub fn serve(world: &World, flags: &[&str]) -> (Running, String) {
    let mut server = world.start(&[&["server", "run", "--listen", "127.0.0.1:0"], flags].concat());
    server.until("serving http://");
    let address = server.seen().split("serving ").nth(1).unwrap().split_whitespace().next().unwrap();
    let address = address.to_owned();
    (server, address)
}

/// Runs a command through the server.
pub fn through(world: &World, server: &str, args: &[&str]) -> Ran {
    world.run(&[args, &["--server", server]].concat())
}

/// Runs a command against the database and through the server: everything that is told must be the same.
pub fn same(world: &World, server: &str, args: &[&str]) -> Ran {
    for output in ["text", "json"] {
        let args = [args, &["--output", output]].concat();
        let (direct, remote) = (world.run(&args), through(world, server, &args));
        assert_eq!(direct.stdout, remote.stdout, "{args:?}: {}{}", direct.stderr, remote.stderr);
        assert_eq!((direct.status, direct.stderr), (remote.status, remote.stderr), "{args:?}");
    }
    world.run(args)
}

/// A world with definitions, and with a task that is done, one that failed and one that waits.
pub fn world() -> (World, [String; 3]) {
    let world = World::new().with("echo.yaml", ECHO).with("fail.yaml", FAIL).with("foreign.yaml", FOREIGN);
    world.json(&["definition", "register", "echo.yaml", "fail.yaml", "foreign.yaml"]);
    let create = |args: &[&str]| {
        let created = world.json(&[&["task", "create"], args].concat());
        created["task_id"].as_str().unwrap().to_owned()
    };
    let done = create(&["echo", "--context", r#"{"who": "me", "big": 1e300, "z": 1, "a": [null, "ü"]}"#]);
    let failed = create(&["fail", "--tag", "red", "--reason", "because"]);
    let waiting = create(&["foreign", "--not-before", "2100-01-01T00:00:00Z", "--priority", "1"]);
    assert_eq!(world.run(&["worker", "run", "--until-idle", "--allow-commands"]).status, 0);
    (world, [done, failed, waiting])
}

#[test]
fn what_is_read_is_the_same_byte_for_byte() {
    let (world, [done, failed, waiting]) = world();
    let (server, url) = serve(&world, &["--no-worker"]);
    let same = |args: &[&str]| same(&world, &url, args);
    for id in [&done, &failed, &waiting] {
        for command in ["show", "explain", "events"] {
            assert_eq!(same(&["task", command, id]).status, 0);
        }
        for format in ["text", "mermaid", "dot", "svg", "html", "json"] {
            let drawn =
                same(&["task", "diagram", id, "--format", format, "--direction", "LR", "--theme", "dark"]);
            assert_eq!(drawn.status, 0, "{}", drawn.stderr);
        }
    }
    assert_eq!(same(&["task", "watch", &done]).status, 0);
    assert_eq!(same(&["task", "watch", &failed]).status, 1);
    assert_eq!(same(&["task", "explain", &failed, "broken"]).status, 0);
    for (id, step) in [(&done, "first"), (&failed, "broken"), (&waiting, "only")] {
        assert_eq!(same(&["step", "show", id, step]).status, 0);
    }
    for flags in [
        &["--from-start"][..],
        &["--last", "3"],
        &[],
        &["--limit", "2", "--task", &done],
        &["--task", &failed, "-n", "1"],
    ] {
        assert_eq!(same(&[&["events", "tail"], flags].concat()).status, 0);
    }
    assert_eq!(same(&["events", "tail", "--task", NO_TASK]).status, 4);
    for flags in [
        &["--limit", "2", "--include-total"][..],
        &["--status", "error,complete", "--sort-by", "version", "--sort-order", "asc"],
        &["--tag", "red", "--reason", "because", "--created-after", "2020-01-01T00:00:00Z"],
        &["--name", "echo", "--namespace", "default", "--version", "1.0.0", "--context", r#"{"who":"me"}"#],
        &["--priority", "1", "--initiator", "unknown", "--ended-before", "2020-01-01T00:00:00Z"],
    ] {
        assert_eq!(same(&[&["task", "list"], flags].concat()).status, 0);
    }
    for args in [
        &["definition", "list"][..],
        &["definition", "list", "--namespace", "default"],
        &["definition", "versions", "echo"],
        &["definition", "show", "default.echo@1.0.0"],
        &["definition", "graph", "echo"],
        &["definition", "graph", "echo", "--format", "json"],
        &["definition", "graph", "echo", "--format", "svg"],
        &["analyze", "definition", "echo"],
        &["analyze", "slow", "--since", "2020-01-01T00:00:00Z"],
        &["analyze", "slow", "--since", "2020-01-01T00:00:00Z", "--steps", "--limit", "1"],
        &["analyze", "slow", "--since", "2020-01-01T00:00:00Z", "--namespace", "default", "--name", "echo"],
        &["analyze", "slow", "--since", "2100-01-01T00:00:00Z", "--version", "1.0.0"],
    ] {
        assert_eq!(same(args).status, 0, "{args:?}");
    }
    assert_eq!(same(&["definition", "diff", "echo", "fail"]).status, 1);
    server.signal("TERM");
    assert_eq!(server.end().0, 143);
}

#[test]
fn analyses_are_the_same_but_for_when_they_were_made() {
    let (world, [done, failed, waiting]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let alike = |args: &[&str], changing: &[&str]| {
        let args = [args, &["--output", "json"]].concat();
        let [direct, remote] = [world.run(&args), through(&world, &url, &args)].map(|ran| {
            assert_eq!(ran.status, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
            let mut document = ran.json();
            let members = document.as_object_mut().unwrap();
            assert!(changing.iter().all(|name| members.remove(*name).is_some()), "{args:?}: {members:?}");
            assert!(!members.is_empty());
            format!("{document:#}")
        });
        assert_eq!(direct, remote, "{args:?}");
    };
    for id in [&done, &failed, &waiting] {
        alike(&["analyze", "task", id], &["analysis_timestamp"]);
        let text = ["analyze", "task", id];
        assert_eq!(world.run(&text).stdout, through(&world, &url, &text).stdout);
    }
    // Each process counts its own connections to a file.
    alike(&["analyze", "health"], &["active_connections"]);
    alike(&["analyze", "metrics", "--since", "2020-01-01T00:00:00Z"], &["calculated_at"]);
    let metrics = ["analyze", "metrics", "--since", "2020-01-01T00:00:00Z"];
    assert_eq!(world.run(&metrics).stdout, through(&world, &url, &metrics).stdout);
    for args in [&["analyze", "metrics"][..], &["analyze", "slow", "--since", "1h"]] {
        assert_eq!(through(&world, &url, args).status, 0);
    }
    assert_eq!(same(&world, &url, &["analyze", "task", NO_TASK]).status, 4);
}

#[test]
fn pages_go_on_through_a_server() {
    let (world, _) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    let page = |cursor: &[&str]| {
        through(&world, &url, &[&["task", "list", "--limit", "2", "--output", "json"], cursor].concat())
            .json()
    };
    let first = page(&[]);
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap();
    let last = page(&["--cursor", cursor]);
    assert_eq!(last["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(same(&world, &url, &["task", "list", "--limit", "2", "--cursor", cursor]).status, 0);
}

#[test]
fn refusals_have_the_same_words_and_statuses() {
    let (world, [done, failed, waiting]) = world();
    let (_server, url) = serve(&world, &["--no-worker"]);
    for (args, status) in [
        (&["task", "show", NO_TASK][..], 4),
        (&["task", "events", NO_TASK], 4),
        (&["task", "explain", &done, "third"], 4),
        (&["step", "show", &done, "third"], 4),
        (&["task", "retry", &failed], 5),
        (&["task", "cancel", &done], 5),
        (&["task", "resolve", &waiting, "--reason", "by hand"], 5),
        (&["step", "retry", &waiting, "only"], 5),
        (&["task", "create", "nothing"], 4),
        (&["task", "create", "echo@9.9.9"], 4),
        (&["task", "create", "elsewhere.echo"], 4),
        (&["task", "create", "echo", "--context", "{}"], 1),
        (&["task", "create", "echo", "--context", "{"], 2),
        (&["task", "create", "fail", "--bypass-step", "broken", "--tag", ""], 2),
        (&["task", "list", "--cursor", "nowhere"], 2),
        (&["definition", "show", "nothing"], 4),
        (&["definition", "versions", "nothing"], 4),
        (&["definition", "retire", "nothing@1.0.0"], 4),
        (&["definition", "retire", "echo@9.9.9"], 4),
        (&["definition", "retire", "echo"], 2),
        (&["definition", "register", "missing.yaml"], 3),
    ] {
        let ran = same(&world, &url, args);
        assert_eq!(ran.status, status, "{args:?}: {}{}", ran.stdout, ran.stderr);
    }
    // Nothing counts as done without a reason, wherever it is.
    for args in [&["task", "resolve", &failed][..], &["step", "resolve", &failed, "broken"]] {
        assert_eq!((world.run(args).status, through(&world, &url, args).status), (2, 2));
    }
}

#[test]
fn what_is_done_through_a_server_is_done() {
    let (world, [done, failed, waiting]) = world();
    let (_server, url) = serve(&world, &["--allow-commands"]);
    let json = |args: &[&str]| {
        let ran = through(&world, &url, &[args, &["--output", "json"]].concat());
        assert_eq!(ran.status, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    };
    let id = "01890a5d-ac96-774b-bcce-b302099a8058";
    let create = ["task", "create", "echo", "--context", r#"{"who": "you"}"#, "--id", id];
    assert_eq!(json(&create)["created"], true);
    assert_eq!(json(&create)["created"], false);
    let watched = through(&world, &url, &["task", "watch", id]);
    assert_eq!(watched.status, 0, "{}", watched.stderr);
    assert!(watched.stderr.contains("task: complete; 2/2 steps done"), "{}", watched.stderr);
    let waited = through(&world, &url, &["task", "create", "fail", "--wait", "--timeout", "60s"]);
    assert_eq!(waited.status, 1, "{}", waited.stderr);
    assert!(waited.stderr.contains("broken: attempt 1 failed for good: command_failed"), "{}", waited.stderr);
    let late = through(&world, &url, &["task", "watch", &waiting, "--timeout", "300ms"]);
    assert!(late.status == 1 && late.stderr.contains("did not end in time"), "{}", late.stderr);

    let step = json(&["step", "retry", &failed, "broken", "--retry-limit", "3", "--new-idempotency-key"]);
    assert_eq!(step["retry_limit"], 3);
    assert_eq!(through(&world, &url, &["task", "watch", &failed]).status, 1);
    assert_eq!(json(&["task", "resolve", &failed, "--reason", "by hand"])["status"], "resolved_manually");
    let step =
        json(&["step", "resolve", &waiting, "only", "--reason", "x", "--results", r#"{"by": "hand"}"#]);
    assert_eq!((&step["status"], &step["results"]["by"]), (&"resolved_manually".into(), &"hand".into()));
    assert_eq!(json(&["task", "cancel", &done, "--force", "--reason", "twice"])["status"], "cancelled");

    // To do again what is done already is no error, so both can be compared.
    for (flags, retired) in [(&[][..], true), (&["--undo"], false)] {
        let retire = [&["definition", "retire", "default.fail@0.1.0"], flags].concat();
        assert_eq!(json(&retire), json!({"full_name": "default.fail@0.1.0", "retired": retired}));
        assert_eq!(world.json(&["definition", "list"])["definitions"][1]["retired"], retired);
        assert_eq!(same(&world, &url, &retire).status, 0);
    }

    let text = FOREIGN.replace("foreign", "another");
    std::fs::write(world.path("another.yaml"), &text).unwrap();
    let register = ["definition", "register", "another.yaml"];
    assert_eq!(json(&register)["definitions"][0]["outcome"], "created");
    // A server does not warn of handlers that nobody serves: what it answers is the same all the same.
    assert_eq!(world.run(&register).stdout, through(&world, &url, &register).stdout);
    std::fs::write(world.path("another.yaml"), text + "description: changed\n").unwrap();
    let json_too = [&register[..], &["--output", "json"]].concat();
    let (direct, remote) = (world.run(&json_too), through(&world, &url, &json_too));
    assert_eq!((direct.status, direct.stdout), (5, remote.stdout));
    assert_eq!(remote.status, 5);
    let replaced = json(&[&register[..], &["--allow-replace"]].concat());
    assert_eq!(replaced["definitions"][0]["outcome"], "replaced");
}

#[test]
fn what_needs_the_database_refuses_a_server() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    let url = "http://127.0.0.1:9";
    for args in [
        &["run", "foreign.yaml"][..],
        &["worker", "list"],
        &["server", "run"],
        &["db", "status"],
        &["demo"],
        &["bench"],
        &["events", "tail", "--reader", "audit"],
        &["events", "readers"],
        &["events", "forget", "audit"],
    ] {
        let refused = through(&world, url, &[args, &["--output", "json"]].concat());
        assert_eq!(refused.failure(), (2, "server_not_possible".to_owned()), "{args:?}");
        assert!(refused.stdout.contains("--database-url"), "{}", refused.stdout);
    }
    assert_eq!(through(&world, url, &["task", "list", "--database-url", "sqlite:x.db"]).status, 2);
    assert_eq!(through(&world, url, &["task", "cancel", &id, "--actor", "ann"]).status, 2);
    assert_eq!(through(&world, url, &["task", "diagram", &id, "--links", "https://a.b"]).status, 2);

    let with_variable = |args: &[&str]| {
        let mut command = world.command(TASKER, args);
        Ran::from(command.env("TASKER_SERVER_URL", url).output().unwrap())
    };
    // What has nothing to do with servers is not kept from its work; what asks for tasks is not answered from elsewhere.
    assert_eq!(with_variable(&["db", "status"]).status, 0);
    assert_eq!(with_variable(&["events", "readers"]).status, 2);
    assert_eq!(with_variable(&["events", "tail"]).status, 6);
    assert_eq!(with_variable(&["task", "list"]).status, 6);
    let folder = world.path("data/tasker");
    assert_eq!(with_variable(&["task", "list", "--data-dir", folder.to_str().unwrap()]).status, 0);
}

#[test]
fn a_server_that_is_not_there_or_is_none() {
    let world = World::new();
    let failure = |url: &str| {
        let ran = through(&world, url, &["task", "list", "--output", "json"]);
        let told = ran.json()["error"]["message"].as_str().unwrap().to_owned();
        (ran.failure(), told)
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (failed, told) = failure(&gone);
    assert_eq!(failed, (6, "server_unreachable".to_owned()));
    assert!(told.contains(&gone), "{told}");
    assert_eq!(failure("localhost:80").0, (3, "invalid_server_url".to_owned()));
    assert_eq!(failure("http://me:secret@localhost").0, (3, "invalid_server_url".to_owned()));
    assert!(!failure("http://me:secret@localhost").1.contains("secret"));
    let (url, _) = fake(200, "<html>");
    assert_eq!(failure(&url).0, (6, "server_not_understood".to_owned()));
    let world = World::new().with("foreign.yaml", FOREIGN);
    world.task("foreign.yaml", "foreign");
    let (_server, url) = serve(&world, &["--no-worker"]);
    let elsewhere = url.replace("/tasker", "/elsewhere");
    let ran = through(&world, &elsewhere, &["task", "list", "--output", "json"]);
    assert_eq!(ran.failure(), (6, "server_not_understood".to_owned()));
}

#[test]
fn a_server_that_goes_away_ends_the_watching() {
    let world = World::new().with("foreign.yaml", FOREIGN);
    let id = world.task("foreign.yaml", "foreign");
    let (server, url) = serve(&world, &["--no-worker"]);
    let watching = world.start(&["task", "watch", &id, "--server", &url, "--output", "json", "-v"]);
    server.signal("KILL");
    assert_eq!(server.end().0, -1);
    let ran = watching.finish();
    assert_eq!(ran.failure(), (6, "server_unreachable".to_owned()));
}

#[test]
fn a_token_comes_from_the_environment_or_a_file() {
    const DENIED: &str = r#"{"type": "urn:tasker:problem:authorization_failed", "title": "t", "status": 403,
        "detail": "this needs the permission tasker.task:index", "code": "AUTHORIZATION_FAILED", "request_id": "r",
        "permission": "tasker.task:index"}"#;
    let world = World::new().with("open", "from-file\n").with("empty", "\n");
    let ask = |flags: &[&str], variables: &[(&str, &str)]| {
        let (url, asked) = fake(403, DENIED);
        let args = [&["task", "list", "--output", "json", "--server", &url], flags].concat();
        let mut command = world.command(TASKER, &args);
        let ran = Ran::from(command.envs(variables.iter().copied()).output().unwrap());
        assert_eq!(ran.failure(), (6, "authorization_failed".to_owned()), "{}", ran.stderr);
        (ran, asked.join().unwrap())
    };
    let (ran, asked) = ask(&["--token-file", "open"], &[("TASKER_TOKEN", "from-variable")]);
    assert!(asked.contains("authorization: Bearer from-file"), "{asked}");
    assert!(
        ran.stdout.contains("the token in open: this needs the permission tasker.task:index"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("chmod 600 open"), "{}", ran.stderr);
    std::fs::set_permissions(world.path("open"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let (ran, asked) = ask(&[], &[("TASKER_TOKEN_FILE", "open")]);
    assert!(asked.contains("Bearer from-file") && ran.stderr.is_empty(), "{asked}{}", ran.stderr);
    let (ran, asked) = ask(&[], &[("TASKER_TOKEN", "from-variable"), ("TASKER_TOKEN_FILE", "open")]);
    assert!(asked.contains("Bearer from-variable") && ran.stderr.is_empty(), "{asked}{}", ran.stderr);
    assert!(!ran.stdout.contains("from-variable") && ran.stdout.contains("the token in TASKER_TOKEN"));
    for file in ["empty", "missing"] {
        let ran = through(
            &world,
            "http://127.0.0.1:9",
            &["task", "list", "--output", "json", "--token-file", file],
        );
        assert_eq!(ran.failure(), (2, "invalid_token".to_owned()));
    }
}

#[test]
fn who_gives_no_token_is_told_how() {
    let settings = "[auth]\nstrategy = \"trusted_proxy\"\ntrusted_proxy.peers = [\"127.0.0.1\"]\n";
    let world = World::new().with("tasker.toml", settings).with("foreign.yaml", FOREIGN);
    world.task("foreign.yaml", "foreign");
    let (_server, url) = serve(&world, &["--no-worker"]);
    let ran = through(&world, &url, &["task", "list", "--output", "json"]);
    assert_eq!(ran.failure(), (6, "authentication_failed".to_owned()));
    assert!(ran.stdout.contains("--token-file"), "{}", ran.stdout);
}

/// Answers one request like this; what was asked is known when it has.
fn fake(status: u16, body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let (mut reader, mut asked) = (BufReader::new(&stream), String::new());
        while !asked.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut asked).unwrap(), 0);
        }
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        (&stream).write_all((head + body).as_bytes()).unwrap();
        asked
    });
    (url, answering)
}
