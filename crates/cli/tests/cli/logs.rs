//! What the binary says of its work when it says everything, and what it never says.

use std::net::TcpListener;

use crate::world::World;

/// What no line may hold.
const SECRET: &str = "hunter2-hunter2";

/// A call with secrets wherever a definition and a context can hold some, to a port where nobody answers.
fn calling(port: u16) -> String {
    format!(
        r#"
name: call
step_templates:
- name: call
  handler: http
  default_retry_limit: 1
  handler_config:
    method: POST
    url: "http://me:{SECRET}@127.0.0.1:{port}/x?token={SECRET}"
    headers: {{Authorization: "Bearer {SECRET}", X-Api-Key: "{{{{ context.api_key }}}}"}}
    body: '{{"password": "{SECRET}"}}'
"#
    )
}

#[test]
fn a_run_that_logs_everything_logs_no_secret() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = World::new().with("call.yaml", &calling(port));
    let context = format!(r#"{{"api_key": "{SECRET}", "note": "{SECRET}"}}"#);
    for format in ["text", "json"] {
        let ran = world.run(&["run", "call.yaml", "--context", &context, "-vvv", "--log-format", format]);
        assert!(ran.stderr.contains("a step failed"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(SECRET), "{}", ran.stderr);
    }
}

#[test]
fn the_address_of_a_database_is_told_without_its_password() {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://me:{SECRET}@127.0.0.1:{port}/tasker?connect_timeout=1");
    for arguments in [&["task", "list"][..], &["worker", "run", "--until-idle"]] {
        let ran = world.run(&[arguments, &["-vvv", "--database-url", &url]].concat());
        assert_ne!(ran.status, 0, "{}", ran.stderr);
        assert!(!(ran.stderr + &ran.stdout).contains(SECRET));
    }
}
