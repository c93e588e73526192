//! What a server sees of a workflow: the order of calls, how often, when again, and what runs side by side.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tasker_e2e::home::Home;
use tasker_torture::recorder::{Call, Recorder, Reply};

const WORKFLOW: &str = r#"
name: calls
version: "1.0.0"
handler_config: { method: POST, url: "{{ context.url }}" }
step_templates:
  - { name: first, handler: http, handler_config: { path: /first } }
  - { name: left, handler: http, depends_on_step: first, handler_config: { path: /left } }
  - { name: right, handler: http, depends_on_step: first, handler_config: { path: /right } }
  - { name: busy, handler: http, depends_on_step: first, handler_config: { path: /busy } }
  - { name: last, handler: http, depends_on_steps: [left, right, busy], handler_config: { path: /last } }
"#;

/// Runs the workflow against a server; gives its calls, the exit status and the printed document.
async fn run(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Result<(Recorder, i32, Value)> {
    let server = Recorder::open(script).await?;
    let home = Home::new()?;
    home.write("workflow.yaml", WORKFLOW)?;
    let context = json!({ "url": server.url() }).to_string();
    let ended = home.run(&["run", "workflow.yaml", "--context", &context, "--output", "json"])?;
    let document = ended.json()?;
    Ok((server, ended.code, document))
}

fn only(server: &Recorder, path: &str) -> Call {
    let calls = server.calls_to(path);
    assert_eq!(calls.len(), 1, "{path}: {calls:?}");
    calls[0].clone()
}

fn step<'a>(document: &'a Value, name: &str) -> &'a Value {
    let steps = document["steps"].as_array().expect("a list of steps");
    steps.iter().find(|step| step["name"] == name).expect("the step is in the document")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_obey_the_graph_and_independent_ones_overlap() -> Result<()> {
    let (server, code, document) = run(|call| match call.path.as_str() {
        "/left" | "/right" | "/busy" => Reply::status(200).after(Duration::from_millis(600)),
        _ => Reply::status(200),
    })
    .await?;
    assert_eq!((code, &document["status"]), (0, &json!("complete")));
    let [first, left, right, busy, last] =
        ["/first", "/left", "/right", "/busy", "/last"].map(|path| only(&server, path));
    for middle in [&left, &right, &busy] {
        assert!(first.answered.expect("answered") <= middle.at);
        assert!(middle.answered.expect("answered") <= last.at);
    }
    let latest_start = left.at.max(right.at).max(busy.at);
    let first_end = left.answered.min(right.answered).min(busy.answered).expect("answered");
    assert!(latest_start < first_end, "the three did not run side by side");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_server_is_called_again_when_it_asked_for_it_and_not_before() -> Result<()> {
    let (server, code, document) = run(|call| match (call.path.as_str(), call.nth) {
        ("/busy", 1) => Reply::status(503).retry_after(2),
        _ => Reply::status(200),
    })
    .await?;
    assert_eq!((code, &document["status"]), (0, &json!("complete")));
    let calls = server.calls_to("/busy");
    assert_eq!(calls.len(), 2);
    let waited = calls[1].at - calls[0].at;
    assert!(waited >= Duration::from_secs(2), "called again after {waited:?}");
    assert!(waited < Duration::from_secs(5), "called again only after {waited:?}");
    assert!(calls[0].key.is_some());
    assert_eq!(calls[0].key, calls[1].key, "a repetition carries the same idempotency key");
    assert_eq!(step(&document, "busy")["attempts"], 2);
    for path in ["/first", "/left", "/right", "/last"] {
        only(&server, path);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_call_is_made_once_and_other_branches_go_on() -> Result<()> {
    let (server, code, document) = run(|call| match call.path.as_str() {
        "/busy" => Reply::status(422).body(json!({ "error": "no such article" })),
        "/left" => Reply::status(200).after(Duration::from_millis(300)),
        _ => Reply::status(200),
    })
    .await?;
    assert_eq!((code, &document["status"]), (1, &json!("error")));
    only(&server, "/busy");
    only(&server, "/left");
    assert_eq!(server.calls_to("/last").len(), 0);
    let busy = step(&document, "busy");
    assert_eq!((&busy["status"], &busy["attempts"]), (&json!("error"), &json!(1)));
    assert_eq!((&busy["error"]["code"], &busy["error"]["retryable"]), (&json!("HTTP_422"), &json!(false)));
    assert_eq!(step(&document, "left")["status"], "complete");
    assert_eq!(step(&document, "last")["status"], "pending");
    Ok(())
}
