//! PostgreSQL goes away and comes back while nodes work: crashes, restarts, a fail-over, lost connections and answers.
//!
//! `TASKER_E2E_OUTAGE_TASKS` is the number of tasks of each test (default 80), `TASKER_E2E_RESTARTS` the number of restarts
//! (default 3), `TASKER_E2E_LOST_COMMITS` the number of commits whose answer is lost (default 10).

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tasker_e2e::history::History;
use tasker_e2e::nodes::Nodes;
use tasker_e2e::stage::{PATIENCE, Stage, answer, setting};
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability, Relay, Setup};

/// One outage is longer than any node may be silent.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(7);

/// A claim that its node knows of begins at once; one whose commit was not answered begins when a heartbeat tells of it,
/// which none does before it is two seconds old.
const LATE: Duration = Duration::from_millis(1_900);

fn tasks() -> usize {
    setting("TASKER_E2E_OUTAGE_TASKS", 80)
}

async fn durable_cluster() -> Result<Cluster> {
    // What the operating system has survives a crash of the server, if not one of the machine.
    let cluster = Cluster::start_with(Setup { settings: "fsync = off\n", ..Setup::new(Durability::Full) });
    PostgresStore::migrate(&cluster.url("postgres")).await?;
    Ok(cluster)
}

/// Nobody who was alive was judged lost, so no execution was taken from its node, and no process ended.
async fn nobody_was_rescued(stage: &mut Stage, history: &History, nodes: usize) -> Result<()> {
    stage.nodes.all_alive()?;
    ensure!(
        history.lost().next().is_none(),
        "{} executions were taken from live nodes",
        history.lost().count()
    );
    let workers = stage.database.workers().await?;
    ensure!(workers.len() == nodes, "{} workers registered, not {nodes}", workers.len());
    ensure!(workers.iter().all(|worker| worker.is_live()), "a live worker was judged lost: {workers:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn restarts_of_the_server_lose_nothing_and_no_node() -> Result<()> {
    let cluster = durable_cluster().await?;
    let mut stage = Stage::open(&cluster.url("postgres"), 3, answer).await?;
    let (tasks, restarts, began) = (tasks(), setting("TASKER_E2E_RESTARTS", 3), Instant::now());
    stage
        .submit_during(tasks, async |nodes, _, server| {
            for restart in 1..=restarts {
                Stage::part_is_done(server, tasks, restart, restarts + 1).await?;
                cluster.stop("immediate");
                if restart == 2 {
                    tokio::time::sleep(LONGER_THAN_A_LEASE).await;
                }
                cluster.run();
                nodes.all_alive()?;
            }
            Ok(())
        })
        .await?;
    let history = stage.all_is_well().await?;
    println!(
        "{tasks} tasks, {} executions and {restarts} restarts of the server in {:.1?}",
        history.attempts.len(),
        began.elapsed()
    );
    nobody_was_rescued(&mut stage, &history, 3).await?;
    stage.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_answers_to_commits_and_cut_connections_change_nothing() -> Result<()> {
    let cluster = durable_cluster().await?;
    let relay = Relay::before(&cluster).await;
    let mut stage = Stage::open(&relay.url("postgres"), 2, answer).await?;
    let (tasks, wanted) = (tasks(), setting("TASKER_E2E_LOST_COMMITS", 10));
    stage
        .submit_during(tasks, async |_: &mut Nodes, _, server| {
            lose_commits(&relay, wanted).await?;
            for cut in 1..=20 {
                Stage::part_is_done(server, tasks, cut, 21).await?;
                relay.cut();
            }
            Ok(())
        })
        .await?;
    let history = stage.all_is_well().await?;
    let taken_up = history.began_late(&stage.server.calls(), &stage.tasks, LATE);
    println!("{} commits lost their answer, {taken_up} claims were taken up later", relay.lost_commits());
    ensure!(taken_up > 0, "no claim was in a commit whose answer was lost");
    nobody_was_rescued(&mut stage, &history, 2).await?;
    stage.close().await
}

async fn lose_commits(relay: &Relay, wanted: usize) -> Result<()> {
    relay.lose_commits(4);
    let deadline = Instant::now() + PATIENCE;
    while relay.lost_commits() < wanted {
        ensure!(Instant::now() < deadline, "{} commits lost their answer", relay.lost_commits());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    relay.lose_commits(0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_goes_on_at_the_server_that_takes_over() -> Result<()> {
    let primary = durable_cluster().await?;
    let standby = primary.standby().await;
    let relay = Relay::before(&primary).await;
    let mut stage = Stage::open(&relay.url("postgres"), 2, answer).await?;
    let tasks = tasks();
    stage
        .submit_during(tasks, async |nodes, _, server| {
            Stage::part_is_done(server, tasks, 1, 2).await?;
            primary.stop("immediate");
            standby.promote();
            relay.lead_to(&standby);
            nodes.all_alive()
        })
        .await?;
    let history = stage.all_is_well().await?;
    nobody_was_rescued(&mut stage, &history, 2).await?;
    stage.close().await
}
