//! Several processes on one SQLite file: they share the work, see one another's tasks and stop one another's.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;
use serde_json::json;
use tasker_core::state::TaskState;
use tasker_e2e::database::{Database, workers};
use tasker_e2e::home::Home;
use tasker_torture::history::check_log;
use tasker_torture::recorder::{Recorder, Reply};

const PATIENCE: Duration = Duration::from_secs(30);

const CHAIN: &str = r#"
name: chain
version: "1.0.0"
handler_config:
  url: "{{ context.url }}/{{ step.name }}"
  json: { number: "{{ context.number }}" }
step_templates:
  - { name: one, handler: http }
  - { name: two, handler: http, depends_on_step: one }
  - { name: three, handler: http, depends_on_step: two }
"#;

async fn prepared(server: &Recorder) -> Result<(Home, Database)> {
    let home = Home::new()?;
    let database = Database::open(&home.database())?;
    database.register(CHAIN).await?;
    assert!(server.calls().is_empty());
    Ok((home, database))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_share_the_work_and_execute_nothing_twice() -> Result<()> {
    let server = Recorder::open(|_| Reply::status(200).after(Duration::from_millis(200))).await?;
    let (home, database) = prepared(&server).await?;
    // Twenty steps of 0.2 s at once: one worker alone would need three seconds, the other looks every second.
    home.write("tasker.toml", "[execution]\nmax_concurrent_steps = 20\n")?;
    let one = home.start(&["worker", "run"])?;
    database.submit("chain", [json!({ "number": 0, "url": server.url() })]).await?;
    server.wait_for(1, PATIENCE).await?;
    let two = home.start(&["worker", "run"])?;
    database.live_workers(2, PATIENCE).await?;
    let contexts = (1..=100).map(|number| json!({ "number": number, "url": server.url() }));
    let tasks = database.submit("chain", contexts).await?;
    for task in &tasks {
        assert_eq!(database.ended(*task, PATIENCE).await?, TaskState::Complete);
    }
    let mut calls: HashMap<(String, String), usize> = HashMap::new();
    for call in server.calls() {
        *calls.entry((call.path, call.body["number"].to_string())).or_default() += 1;
    }
    let twice: Vec<_> = calls.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "executed more than once: {twice:?}");
    assert_eq!(calls.len(), 101 * 3);
    let log = database.log().await?;
    check_log(&log).unwrap();
    assert_eq!(workers(&log).len(), 2, "both workers took part");
    for worker in [one, two] {
        worker.signal(Signal::TERM)?;
        assert_eq!(worker.finish()?.code, 143);
    }
    home.ok(&["db", "check"])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_is_cancelled_from_another_process() -> Result<()> {
    let server = Recorder::open(|call| match call.path.as_str() {
        "/two" => Reply::status(200).after(Duration::from_secs(60)),
        _ => Reply::status(200),
    })
    .await?;
    let (home, database) = prepared(&server).await?;
    let worker = home.start(&["worker", "run"])?;
    let task = database.submit("chain", [json!({ "number": 1, "url": server.url() })]).await?[0];
    server.wait_for(2, PATIENCE).await?;
    home.ok(&["task", "cancel", &task.to_string(), "--yes"])?;
    assert_eq!(database.ended(task, PATIENCE).await?, TaskState::Cancelled);
    worker.signal(Signal::TERM)?;
    assert_eq!(worker.finish()?.code, 143, "the handler of the cancelled task does not hold the worker up");
    assert_eq!(server.calls_to("/two")[0].answered, None, "the call was given up");
    assert_eq!(server.calls_to("/three").len(), 0);
    check_log(&database.log().await?).unwrap();
    home.ok(&["db", "check"])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_is_watched_from_another_process() -> Result<()> {
    let server = Recorder::open(|_| Reply::status(200).after(Duration::from_millis(300))).await?;
    let (home, database) = prepared(&server).await?;
    let worker = home.start(&["worker", "run"])?;
    let task = database.submit("chain", [json!({ "number": 1, "url": server.url() })]).await?[0];
    let watched = home.ok(&["task", "watch", &task.to_string()])?;
    for step in ["one", "two", "three"] {
        assert!(watched.stdout.contains(step), "{step} is missing in: {}", watched.stdout);
    }
    assert_eq!(database.state(task).await?, TaskState::Complete);
    drop(worker);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopping_worker_finishes_what_it_began() -> Result<()> {
    let server = Recorder::open(|_| Reply::status(200).after(Duration::from_millis(700))).await?;
    let (home, database) = prepared(&server).await?;
    let worker = home.start(&["worker", "run"])?;
    let task = database.submit("chain", [json!({ "number": 1, "url": server.url() })]).await?[0];
    server.wait_for(1, PATIENCE).await?;
    worker.signal(Signal::TERM)?;
    assert_eq!(worker.finish()?.code, 143);
    let states: Vec<_> = database.steps(task).await?.iter().map(|step| step.record.state.as_str()).collect();
    assert_eq!(states, ["complete", "pending", "pending"]);
    assert_eq!(server.calls().len(), 1);
    home.ok(&["worker", "run", "--until-idle"])?;
    assert_eq!(database.state(task).await?, TaskState::Complete);
    assert_eq!(server.calls().len(), 3);
    Ok(())
}
