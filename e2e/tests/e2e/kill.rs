//! `kill -9` at any moment: nothing lost, nothing done twice, work goes on at once.
//!
//! `TASKER_E2E_KILLS` is the number of moments (default 3), `TASKER_E2E_SEED` chooses them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tasker_core::state::{StepState, TaskState};
use tasker_e2e::database::{Database, check_log, done_steps};
use tasker_e2e::home::Home;
use tasker_e2e::recorder::{Call, Recorder, Reply};

const TASKS: u32 = 200;

/// Four levels of a second each, the second one wider than a worker: a run lasts more than five seconds.
const PACE: Duration = Duration::from_millis(1_050);

const WORKFLOW: &str = r#"
name: paced
version: "1.0.0"
handler_config:
  url: "{{ context.url }}"
  json: { number: "{{ context.number }}", step: "{{ step.name }}" }
step_templates:
  - { name: begin, handler: http }
  - { name: left, handler: http, depends_on_step: begin }
  - { name: right, handler: http, depends_on_step: begin }
  - { name: join, handler: http, depends_on_steps: [left, right] }
  - { name: end, handler: http, depends_on_step: join }
"#;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The moments: between 0.1 and 4.8 seconds after the first call, the same for the same seed.
fn moments() -> impl Iterator<Item = Duration> {
    let (count, seed) = (setting("TASKER_E2E_KILLS", 3), setting("TASKER_E2E_SEED", 1));
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(100 + (state >> 33) % 4_700)
    })
    .take(count as usize)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_workers_lose_nothing_and_repeat_nothing_that_is_done() -> Result<()> {
    for moment in moments() {
        kill_at(moment).await.with_context(|| format!("killed {moment:?} after the first call"))?;
    }
    Ok(())
}

async fn kill_at(moment: Duration) -> Result<()> {
    let server = Recorder::open(|_| Reply::status(200).after(PACE)).await?;
    let home = Home::new()?;
    let database = Database::open(&home.database())?;
    database.register(WORKFLOW).await?;
    let contexts = (0..TASKS).map(|number| json!({ "number": number, "url": server.url() }));
    let tasks = database.submit("paced", contexts).await?;
    database.close().await;

    let worker = home.start(&["worker", "run"])?;
    server.wait_for(1, Duration::from_secs(20)).await.with_context(|| worker.stderr())?;
    let began = Instant::now();
    tokio::time::sleep(moment).await;
    worker.kill()?;

    let database = Database::open(&home.database())?;
    let log = database.log().await?;
    check_log(&log).context("after the kill")?;
    let done = done_steps(&log);
    database.close().await;

    let before = server.calls().len();
    let restarted = Instant::now();
    let worker = home.start(&["worker", "run", "--until-idle"])?;
    server.wait_for(before + 1, Duration::from_secs(20)).await.with_context(|| worker.stderr())?;
    let idle = server.calls()[before].at - restarted;
    ensure!(idle <= Duration::from_secs(1), "work went on only {idle:?} after the restart");
    worker.finish()?.expect_code(0)?;
    let lasted = began.elapsed();
    ensure!(lasted >= Duration::from_secs(5), "a run that lasts {lasted:?} proves too little");

    let again: Vec<Call> = server.calls().split_off(before);
    for call in &again {
        let task = tasks[call.body["number"].as_u64().context("a number")? as usize];
        let step = call.body["step"].as_str().context("a step")?.to_owned();
        ensure!(!done.contains(&(task, step.clone())), "{step} of {task} was done, and was executed again");
    }
    all_is_well(&home, &server, &tasks).await
}

async fn all_is_well(home: &Home, server: &Recorder, tasks: &[tasker_core::ids::TaskId]) -> Result<()> {
    let database = Database::open(&home.database())?;
    for (number, task) in tasks.iter().enumerate() {
        ensure!(database.state(*task).await? == TaskState::Complete, "task {task} is not complete");
        for step in database.steps(*task).await? {
            let record = &step.record;
            ensure!(
                record.state == StepState::Complete,
                "step {} of {task} is {}",
                record.ordinal,
                record.state
            );
            ensure!(
                record.attempts <= record.retry_limit,
                "{} attempts, limit {}",
                record.attempts,
                record.retry_limit
            );
        }
        ensure!(
            server.calls().iter().any(|call| call.body["number"] == number),
            "task {number} was never called for"
        );
    }
    check_log(&database.log().await?)?;
    database.close().await;
    home.ok(&["db", "check"])?;
    Ok(())
}
