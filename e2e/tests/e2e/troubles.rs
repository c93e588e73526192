//! A server that answers, and does not do what it is asked to: sessions ended and statements cancelled by others, tables
//! locked, no connection left, no space left.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tasker_e2e::nodes::Nodes;
use tasker_e2e::recorder::Recorder;
use tasker_e2e::stage::{PATIENCE, Stage, answer};
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability, Setup, SmallDisk};

const TASKS: usize = 120;

/// Few connections, all of which anybody may take.
const SETTINGS: &str = "max_connections = 40\nsuperuser_reserved_connections = 0\n";

/// Sessions of this program.
const OURS: &str = "FROM pg_stat_activity WHERE application_name LIKE 'tasker%'";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ended_sessions_cancelled_statements_locked_tables_and_no_connection_are_waited_out() -> Result<()> {
    let cluster = Cluster::start_with(Setup { settings: SETTINGS, ..Setup::new(Durability::None) });
    let url = cluster.url("postgres");
    PostgresStore::migrate(&url).await?;
    let mut stage = Stage::open(&url, 2, answer).await?;
    let mut control = PgConnection::connect(&url).await?;
    stage
        .submit_during(TASKS, async |nodes, _, server| {
            end_and_cancel(&mut control, server).await?;
            lock_tables(&mut control, server).await?;
            take_connections(&url, &mut control, nodes).await?;
            nodes.all_alive()
        })
        .await?;
    stage.all_is_well().await?;
    stage.nodes.all_alive()?;
    stage.close().await
}

async fn count(control: &mut PgConnection, sql: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(format!("{sql} {OURS}"))).fetch_one(control).await?)
}

const END: &str = "SELECT count(pg_terminate_backend(pid))";

/// Ends all sessions, again and again: in the middle of transactions, and while they are idle. Cancels whatever runs when
/// it is asked for, as a statement timeout would.
async fn end_and_cancel(control: &mut PgConnection, server: &Recorder) -> Result<()> {
    let (mut ended, mut cancelled) = (0, 0);
    for n in 1..=10 {
        Stage::part_is_done(server, TASKS, n, 20).await?;
        ended += count(control, END).await?;
        for _ in 0..20 {
            cancelled +=
                count(control, "SELECT count(CASE WHEN state <> 'idle' THEN pg_cancel_backend(pid) END)")
                    .await?;
        }
    }
    println!("{ended} sessions were ended and {cancelled} statements cancelled");
    ensure!(ended >= 20 && cancelled > 0, "{ended} sessions ended, {cancelled} statements cancelled");
    Ok(())
}

/// Locks tables for longer than a statement waits for a lock.
async fn lock_tables(control: &mut PgConnection, server: &Recorder) -> Result<()> {
    for (n, table) in (11..).zip(["transition", "queue", "step", "task"]) {
        Stage::part_is_done(server, TASKS, n, 20).await?;
        let mut held = control.begin().await?;
        let lock = format!("LOCK TABLE tasker.{table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *held).await?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        held.rollback().await?;
    }
    Ok(())
}

/// Takes every connection that the server has, until all nodes have said that there is none.
async fn take_connections(url: &str, control: &mut PgConnection, nodes: &Nodes) -> Result<()> {
    let mut taken = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !nodes.running.iter().all(|node| node.process.stderr().contains("too many clients")) {
        ensure!(Instant::now() < deadline, "the nodes never lacked a connection");
        count(control, END).await?;
        while let Ok(connection) = PgConnection::connect(url).await {
            taken.push(connection);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_is_waited_for_and_told() -> Result<()> {
    let disk = match SmallDisk::new(128) {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: nobody may mount a disk here: {why}");
            return Ok(());
        }
    };
    let cluster = Cluster::start_with(Setup { disk: Some(&disk), ..Setup::new(Durability::None) });
    PostgresStore::migrate(&cluster.url("postgres")).await?;
    let mut stage = Stage::open(&cluster.url("postgres"), 1, answer).await?;
    stage
        .submit_during(TASKS, async |nodes, _, server| {
            Stage::part_is_done(server, TASKS, 1, 3).await?;
            disk.fill();
            let told = told_by_a_command(nodes);
            nodes.says("No space left on device").await?;
            disk.free();
            nodes.all_alive()?;
            told
        })
        .await?;
    let history = stage.all_is_well().await?;
    ensure!(history.lost().next().is_none(), "a live node lost its claims");
    stage.close().await
}

/// A command that cannot write says why.
fn told_by_a_command(nodes: &Nodes) -> Result<()> {
    // Too large, and too little alike, for the room that is left in pages.
    let ballast: String = (0..5_000).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
    let step = format!(
        "{{ name: a, handler: http, handler_config: {{ url: 'http://localhost/', json: {ballast} }} }}"
    );
    let file =
        nodes.write("large.yaml", &format!("name: large\nversion: '1.0.0'\nstep_templates: [{step}]\n"))?;
    let registered = nodes.command(&["definition", "register", &file])?;
    let refused = registered.expect_code(6).context("registering a definition on a full disk")?;
    let told = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(told.contains("No space left on device") && told.contains("has space"), "stderr: {told}");
    Ok(())
}
