//! `tasker run` that was cut off goes on with `--resume`, and executes nothing again that is done.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::{Value, json};
use tasker_core::ids::TaskId;
use tasker_e2e::home::Home;
use tasker_torture::Running;
use tasker_torture::recorder::{Recorder, Reply};

const PATIENCE: Duration = Duration::from_secs(20);

const WORKFLOW: &str = r#"
name: three
version: "1.0.0"
handler_config: { url: "{{ context.url }}/{{ step.name }}" }
step_templates:
  - { name: one, handler: http }
  - { name: two, handler: http, depends_on_step: one }
  - { name: three, handler: http, depends_on_step: two }
"#;

/// A server whose first answer to `/two` takes long enough to be cut off.
async fn slow_server(first: Duration) -> Result<Recorder> {
    let script = move |path: &str, nth| if path == "/two" && nth == 1 { first } else { Duration::ZERO };
    Ok(Recorder::open(move |call| Reply::status(200).after(script(&call.path, call.nth))).await?)
}

fn start(home: &Home, server: &Recorder) -> Result<Running> {
    home.write("workflow.yaml", WORKFLOW)?;
    let context = json!({ "url": server.url() }).to_string();
    home.start(&["run", "workflow.yaml", "--context", &context])
}

/// The id of its task, which it names before anything else.
fn task_of(run: &str) -> Result<String> {
    let words = run.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    let mut ids = words.filter(|word| word.parse::<TaskId>().is_ok());
    ids.next().map(str::to_owned).with_context(|| format!("no id in {run:?}"))
}

fn resume(home: &Home, task: &str) -> Result<Value> {
    Ok(home.ok(&["run", "--resume", task, "--output", "json"])?.json()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_run_goes_on() -> Result<()> {
    let (server, home) = (slow_server(Duration::from_secs(60)).await?, Home::new()?);
    let run = start(&home, &server)?;
    server.wait_for(2, PATIENCE).await?;
    let task = task_of(&run.kill()?.stderr)?;
    let document = resume(&home, &task)?;
    assert_eq!((&document["status"], &document["task_id"]), (&json!("complete"), &json!(task)));
    let calls: Vec<String> = server.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(calls, ["/one", "/two", "/two", "/three"]);
    home.ok(&["db", "check"])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_interrupted_run_finishes_its_step_and_says_how_to_go_on() -> Result<()> {
    let (server, home) = (slow_server(Duration::from_millis(500)).await?, Home::new()?);
    let run = start(&home, &server)?;
    server.wait_for(2, PATIENCE).await?;
    run.signal(Signal::INT)?;
    let ended = run.finish()?.expect_code(130)?;
    let task = task_of(&ended.stderr)?;
    assert!(ended.stderr.contains(&format!("tasker run --resume {task}")), "{}", ended.stderr);
    assert_eq!(server.calls().len(), 2);
    assert_eq!(resume(&home, &task)?["status"], "complete");
    let calls: Vec<String> = server.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(calls, ["/one", "/two", "/three"]);
    Ok(())
}
