//! Several nodes on one PostgreSQL database, of which some are killed or frozen.
//!
//! `TASKER_E2E_NODE_TASKS` is the number of tasks (default 200), `TASKER_E2E_NODE_KILLS` the number of kills (default 2).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tasker_core::time::Timestamp;
use tasker_e2e::database::Database;
use tasker_e2e::history::History;
use tasker_e2e::recorder::{Recorder, Reply};
use tasker_e2e::stage::{PATIENCE, Stage, answer, setting};
use tasker_testkit::postgres::{Database as Place, Server};

/// A step of a killed worker runs again within this time.
const RECOVERY: Duration = Duration::from_secs(10);

/// The first step of the task that the stage submits first.
const FIRST: &str = "/L1";

/// How soon steps ran again after the death of their worker: how many, and the longest wait.
async fn recoveries(
    history: &History,
    database: &Database,
    deaths: &HashMap<String, Timestamp>,
) -> Result<(usize, Duration)> {
    let workers = database.workers().await?;
    let names: HashMap<String, String> =
        workers.into_iter().map(|worker| (format!("worker:{}", worker.id), worker.name)).collect();
    let mut waits = Vec::new();
    for (worker, repeated) in history.repeats()? {
        let name = names.get(&worker).context("a worker that is known")?;
        let death = deaths.get(name).with_context(|| format!("{name} was rescued from, and lives"))?;
        waits.push(repeated.since(*death));
    }
    Ok((waits.len(), waits.into_iter().max().unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_nodes_lose_nothing_and_their_steps_run_again_soon() -> Result<()> {
    let place = Server::for_tests().database().await;
    let mut stage = Stage::open(place.url(), 3, answer).await?;
    let (tasks, kills) = (setting("TASKER_E2E_NODE_TASKS", 200), setting("TASKER_E2E_NODE_KILLS", 2));
    let began = Instant::now();
    let deaths = stage
        .submit_during(tasks, async |nodes, database, server| {
            let mut deaths = HashMap::new();
            for kill in 1..=kills {
                Stage::part_is_done(server, tasks, kill, kills + 1).await?;
                // Read before, so that what is measured is not shorter than what happens.
                let at = database.now().await?;
                deaths.insert(nodes.kill_oldest()?, at);
                nodes.add()?;
            }
            Ok(deaths)
        })
        .await?;
    let history = stage.all_is_well().await?;
    let (lost, longest) = recoveries(&history, &stage.database, &deaths).await?;
    println!(
        "{tasks} tasks, {} executions and {kills} kills in {:.1?}: {lost} executions were lost with their node, each ran \
         again within {longest:.1?} of its death",
        history.attempts.len(),
        began.elapsed()
    );
    ensure!(lost > 0, "the nodes were killed while they did nothing");
    ensure!(longest <= RECOVERY, "a step ran again only {longest:?} after its worker died");
    stage.close().await
}

/// A task on the only node, in the middle of its first step, whose first call takes this long.
async fn in_the_middle_of_a_step(takes: Duration) -> Result<(Place, Stage)> {
    let place = Server::for_tests().database().await;
    let script = move |call: &tasker_e2e::recorder::Call| match call.nth {
        1 if call.path == FIRST && call.body["attempt"] == 1 => Reply::status(200).after(takes),
        _ => Reply::status(200),
    };
    let mut stage = Stage::open(place.url(), 1, script).await?;
    stage.submit(1).await?;
    wait_for_calls(&stage.server, 1).await?;
    Ok((place, stage))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_step_of_a_killed_node_runs_again_within_ten_seconds() -> Result<()> {
    let (_place, mut stage) = in_the_middle_of_a_step(Duration::from_secs(120)).await?;
    let death = stage.database.now().await?;
    let name = stage.nodes.kill_oldest()?;
    stage.nodes.add()?;
    wait_for_calls(&stage.server, 2).await?;
    let history = stage.all_is_well().await?;
    let (lost, longest) = recoveries(&history, &stage.database, &HashMap::from([(name, death)])).await?;
    println!("the step of a killed node ran again {longest:.1?} after its death");
    ensure!(lost == 1, "{lost} executions were lost");
    ensure!(longest <= RECOVERY, "it ran again only {longest:?} after its worker died");
    stage.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_slept_beyond_its_lease_settles_nothing() -> Result<()> {
    let (_place, mut stage) = in_the_middle_of_a_step(Duration::from_secs(2)).await?;
    let sleeper = stage.nodes.take_oldest();
    sleeper.process.signal(Signal::STOP)?;
    stage.nodes.add()?;
    stage.all_is_well().await?;
    sleeper.process.signal(Signal::CONT)?;
    // Awake, it finds itself lost and begins anew; what it did before changes nothing.
    stage.database.live_workers(2, PATIENCE).await?;
    stage.nodes.running.push(sleeper);
    let history = stage.all_is_well().await?;
    ensure!(history.lost().count() == 1, "{} executions were lost", history.lost().count());
    ensure!(stage.server.calls_to(FIRST).len() == 2, "{} calls", stage.server.calls_to(FIRST).len());
    stage.close().await
}

async fn wait_for_calls(server: &Recorder, count: usize) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while server.calls_to(FIRST).len() < count {
        ensure!(Instant::now() < deadline, "{FIRST} was not called {count} times");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
