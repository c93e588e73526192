//! `tasker dev` as a process: it registers, follows what is written, and stops.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::world::{ECHO, FAIL, Running, World};

/// Starts it over a folder of definitions; answers with its address.
fn start(world: &World, flags: &[&str]) -> (Running, String) {
    let mut dev = world.start(&[&["dev", "--listen", "127.0.0.1:0", "--allow-commands"], flags].concat());
    dev.until("serving http://");
    let url = dev.seen().split("serving ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    (dev, url)
}

fn folder() -> World {
    let world = World::new();
    std::fs::create_dir(world.path("workflows")).unwrap();
    world.with("workflows/echo.yaml", ECHO)
}

/// What the last step of a task answers.
fn run(world: &World, url: &str, name: &str) -> String {
    let context = r#"{"who": "you"}"#;
    let ended = world.json(&["task", "create", name, "--context", context, "--wait", "--server", url]);
    assert_eq!(ended["status"], "complete", "{ended:#}");
    ended["steps"].as_array().unwrap().last().unwrap()["results"].as_str().unwrap().to_owned()
}

/// Sends a request, and answers with all of its reply.
fn ask(url: &str, method: &str, path: &str, head: &str, body: &str) -> String {
    let (host, base) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    let head = format!("{method} /{base}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{head}");
    connection.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn a_program_is_run_only_if_that_was_allowed() {
    let world = folder();
    let mut dev = world.start(&["dev", "--listen", "127.0.0.1:0"]);
    dev.until("start with --allow-commands");
    assert!(dev.seen().contains("warning[handler_not_served]"), "{}", dev.seen());
}

#[test]
fn what_is_written_is_registered_while_it_runs() {
    let world = folder();
    let (mut dev, url) = start(&world, &[]);
    assert!(dev.seen().contains("workflows/echo.yaml: registered default.echo@1.0.0"), "{}", dev.seen());
    assert_eq!(run(&world, &url, "echo"), "hello you, 1");

    // Other content under the same version.
    let world = world.with("workflows/echo.yaml", &ECHO.replace("hello", "good evening"));
    dev.until("workflows/echo.yaml: replaced default.echo@1.0.0");
    assert_eq!(run(&world, &url, "echo"), "good evening you, 1");

    // A broken one is shown where it is broken, and changes nothing.
    let world = world.with("workflows/echo.yaml", &ECHO.replace("handler: command", "handlr: command"));
    dev.until("stays as it was registered before");
    assert!(dev.seen().contains("workflows/echo.yaml:12:3: error[unknown_key]"), "{}", dev.seen());
    assert_eq!(run(&world, &url, "echo"), "good evening you, 1");

    // A new file, in a new folder.
    std::fs::create_dir(world.path("workflows/more")).unwrap();
    let world = world.with("workflows/more/fail.yaml", FAIL);
    dev.until("workflows/more/fail.yaml: registered default.fail@");

    // A second definition of the same version.
    let world = world.with("workflows/twin.yaml", ECHO);
    dev.until("workflows/twin.yaml: left out");
    std::fs::remove_file(world.path("workflows/more/fail.yaml")).unwrap();
    dev.until("workflows/more/fail.yaml: is gone");

    dev.signal("TERM");
    let (status, messages) = dev.end();
    assert_eq!(status, 143, "{messages}");
    let checked = world.run(&["db", "check", "--data-dir", ".tasker"]);
    assert_eq!(checked.status, 0, "{}", checked.stdout);
}

#[test]
fn a_newcomer_is_told_what_to_do_next() {
    let world = folder().with("workflows/wrong.yaml", "name: wrong\nstep_templates: []\n");
    let (mut dev, url) = start(&world, &[]);
    dev.until("tasker task create");
    let seen = dev.seen().to_owned();
    for part in ["error[no_steps]", "/docs", "/metrics", ".tasker/tasker.db", "1 in workflows", "curl "] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    // What is shown is right: the body of the request, and the page.
    let body = seen.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
    let length = body.len();
    let head = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    let created = ask(&url, "POST", "/tasks", &head, body);
    assert!(created.starts_with("HTTP/1.1 201") && created.contains("default.echo@1.0.0"), "{created}");
    let page = ask(&url, "GET", "/docs", "", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<html"), "{page}");
    assert!(world.path(".tasker/.gitignore").exists());
}

#[test]
fn it_begins_with_nothing_and_never_works_on_what_others_use() {
    let world = World::new();
    let (mut dev, _) = start(&world, &["--data-dir", "mine"]);
    dev.until("write a definition into workflows");
    std::fs::create_dir(world.path("workflows")).unwrap();
    let world = world.with("workflows/echo.yaml", ECHO);
    dev.until("registered default.echo@1.0.0");
    assert!(world.path("mine/tasker.db").exists() && !world.path(".tasker").exists());

    let refused = |flags: &[&str]| {
        let ran = world.run(&[&["dev", "--output", "json"], flags].concat());
        ran.failure()
    };
    assert_eq!(refused(&["--database-url", "sqlite:other.db"]), (2, "usage".into()));
    assert_eq!(refused(&["--server", "http://127.0.0.1:1"]).0, 2);
    assert_eq!(refused(&["--definitions", "nowhere"]), (3, "io_error".into()));
    assert!(!world.path("other.db").exists());
}
