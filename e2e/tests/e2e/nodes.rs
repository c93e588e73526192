//! Several nodes on one PostgreSQL database, of which some are killed, frozen, or lose their server.
//!
//! `TASKER_E2E_NODE_TASKS` is the number of tasks (default 300), `TASKER_E2E_NODE_KILLS` the number of kills (default 4).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::Signal;
use serde_json::json;
use tasker_core::ids::TaskId;
use tasker_e2e::database::{Database, check_log};
use tasker_e2e::home::Home;
use tasker_e2e::process::Running;
use tasker_e2e::recorder::{Call, Recorder, Reply};
use tasker_testkit::postgres::Server;

const PATIENCE: Duration = Duration::from_secs(180);

/// A step of a killed worker runs again within this time.
const RECOVERY: Duration = Duration::from_secs(10);

/// Every kind of join, and enough executions for steps that fail now and then and lose their worker.
const WORKFLOW: &str = r#"
name: mixed
version: "1.0.0"
handler_config:
  url: "{{ context.url }}/{{ step.name }}"
  json: { number: "{{ context.number }}", attempt: "{{ step.attempt }}" }
step_templates:
  - { name: begin, handler: http, default_retry_limit: 12 }
  - { name: left, handler: http, default_retry_limit: 12, depends_on_step: begin }
  - { name: right, handler: http, default_retry_limit: 12, depends_on_step: begin }
  - { name: alone, handler: http, default_retry_limit: 12 }
  - { name: join, handler: http, default_retry_limit: 12, depends_on_steps: [left, right] }
  - { name: end, handler: http, default_retry_limit: 12, depends_on_steps: [join, alone] }
"#;

const STEPS: usize = 6;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One call in ten fails, always the same ones; all take a while.
fn answer(call: &Call) -> Reply {
    let text = format!("{}{}", call.path, call.body);
    let dice = text.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let code = if dice % 10 == 0 { 500 } else { 200 };
    Reply::status(code).after(Duration::from_millis(u64::from(20 + dice % 80)))
}

struct Nodes {
    home: Home,
    url: String,
    running: Vec<Running>,
}

impl Nodes {
    fn start(home: Home, url: &str, count: usize) -> Result<Self> {
        home.write("tasker.toml", "[execution]\nmax_concurrent_steps = 24\n")?;
        let mut nodes = Self { home, url: url.to_owned(), running: Vec::new() };
        (0..count).try_for_each(|_| nodes.add())?;
        Ok(nodes)
    }

    fn add(&mut self) -> Result<()> {
        let worker = self.home.start(&["worker", "run", "--database-url", &self.url])?;
        self.running.push(worker);
        Ok(())
    }

    /// The oldest node dies, a new one takes its place.
    fn replace_oldest(&mut self) -> Result<()> {
        self.running.remove(0).kill()?;
        self.add()
    }

    fn stop(self) -> Result<()> {
        for worker in self.running {
            worker.signal(Signal::TERM)?;
            let finished = worker.finish()?;
            ensure!(finished.code == 143, "a worker ended with {}", finished.code);
        }
        self.home.ok(&["db", "check", "--database-url", &self.url])?;
        Ok(())
    }
}

async fn submitted(database: &Database, server: &Recorder, count: usize) -> Result<Vec<TaskId>> {
    database.register(WORKFLOW).await?;
    let contexts = (0..count).map(|number| json!({ "number": number, "url": server.url() }));
    database.submit("mixed", contexts).await
}

/// All tasks are complete, each accepted attempt was settled once, and every log is in order.
async fn all_is_well(database: &Database, tasks: &[TaskId]) -> Result<()> {
    for task in tasks {
        let state = database.ended(*task, PATIENCE).await?;
        ensure!(state == tasker_core::state::TaskState::Complete, "task {task} ended as {state}");
    }
    let log = database.log().await?;
    check_log(&log)?;
    let mut completed: HashMap<(TaskId, String), usize> = HashMap::new();
    for key in log.iter().filter_map(completion) {
        *completed.entry(key).or_default() += 1;
    }
    ensure!(completed.len() == tasks.len() * STEPS, "{} steps completed", completed.len());
    ensure!(completed.values().all(|times| *times == 1), "a step completed more than once");
    Ok(())
}

fn completion(entry: &tasker_store::read::LogEntry) -> Option<(TaskId, String)> {
    use tasker_core::record::Change;
    use tasker_core::state::StepState;
    match entry.transition.change {
        Change::Step { to: StepState::Complete, .. } => Some((entry.task, entry.step.as_ref()?.to_string())),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_nodes_lose_nothing_and_their_steps_run_again_soon() -> Result<()> {
    let place = Server::for_tests().database().await;
    let server = Recorder::open(answer).await?;
    let database = Database::on_server(place.url()).await?;
    let mut nodes = Nodes::start(Home::new()?, place.url(), 3)?;
    database.live_workers(3, PATIENCE).await?;
    let tasks = submitted(&database, &server, setting("TASKER_E2E_NODE_TASKS", 300)).await?;
    for _ in 0..setting("TASKER_E2E_NODE_KILLS", 4) {
        server.wait_for(server.calls().len() + 40, PATIENCE).await.ok();
        nodes.replace_oldest()?;
    }
    all_is_well(&database, &tasks).await?;
    database.close().await;
    nodes.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_step_of_a_killed_node_runs_again_within_ten_seconds() -> Result<()> {
    let place = Server::for_tests().database().await;
    // The first call is never answered in time; its repeat is.
    let server = Recorder::open(|call| match (call.path.as_str(), call.body["attempt"].as_u64()) {
        ("/begin", Some(1)) => Reply::status(200).after(Duration::from_secs(120)),
        _ => Reply::status(200),
    })
    .await?;
    let database = Database::on_server(place.url()).await?;
    let mut nodes = Nodes::start(Home::new()?, place.url(), 1)?;
    database.live_workers(1, PATIENCE).await?;
    let tasks = submitted(&database, &server, 1).await?;
    wait_for_call(&server, "/begin", 1).await?;
    let died = Instant::now();
    nodes.running.remove(0).kill()?;
    nodes.add()?;
    wait_for_call(&server, "/begin", 2).await?;
    ensure!(died.elapsed() <= RECOVERY, "it ran again only {:?} after its worker died", died.elapsed());
    all_is_well(&database, &tasks).await?;
    database.close().await;
    nodes.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_slept_beyond_its_lease_settles_nothing() -> Result<()> {
    let place = Server::for_tests().database().await;
    let server = Recorder::open(|call| match (call.path.as_str(), call.body["attempt"].as_u64()) {
        ("/begin", Some(1)) => Reply::status(200).after(Duration::from_secs(2)),
        _ => Reply::status(200),
    })
    .await?;
    let database = Database::on_server(place.url()).await?;
    let mut nodes = Nodes::start(Home::new()?, place.url(), 1)?;
    database.live_workers(1, PATIENCE).await?;
    let tasks = submitted(&database, &server, 1).await?;
    wait_for_call(&server, "/begin", 1).await?;
    let sleeper = nodes.running.remove(0);
    sleeper.signal(Signal::STOP)?;
    nodes.add()?;
    all_is_well(&database, &tasks).await?;
    sleeper.signal(Signal::CONT)?;
    // Awake, it finds itself lost and begins anew; what it did before changes nothing.
    database.live_workers(2, PATIENCE).await?;
    nodes.running.push(sleeper);
    ensure!(server.calls_to("/begin").len() == 2, "{} calls", server.calls_to("/begin").len());
    all_is_well(&database, &tasks).await?;
    database.close().await;
    nodes.stop()
}

async fn wait_for_call(server: &Recorder, path: &str, count: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while server.calls_to(path).len() < count {
        ensure!(Instant::now() < deadline, "{path} was not called {count} times");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
