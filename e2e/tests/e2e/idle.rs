//! What nodes cost that have nothing to do.
//!
//! `TASKER_E2E_IDLE_SECONDS` is how long they are watched (default 30: in a shorter time its ends count for too much).

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sqlx::{Connection, PgConnection, Row};
use tasker_e2e::database::Database;
use tasker_e2e::home::Home;
use tasker_e2e::setting;
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability};
use tasker_torture::PATIENCE;

const NODES: usize = 20;

/// Statements of a node in a second: a look at the queue each second, a heartbeat every other, and a little.
const STATEMENTS: f64 = 1.6;

/// Locks and transactions of other sessions, each told from those of later transactions.
const HELD: &str = "SELECT concat_ws(' ', l.pid, l.virtualtransaction, l.locktype, l.mode, l.relation)
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND l.locktype <> 'virtualxid'
    UNION ALL
    SELECT concat_ws(' ', pid, 'is in a transaction since', xact_start) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL";

/// The server must be this test's own: every statement in it counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn idle_nodes_hold_no_lock_and_ask_little() -> Result<()> {
    let cluster = Cluster::start(Durability::None);
    let url = cluster.url("postgres");
    PostgresStore::migrate(&url).await?;
    let home = Home::new()?;
    let mut nodes = home.nodes(&url);
    (0..NODES).try_for_each(|_| nodes.add())?;
    let database = Database::on_server(&url).await?;
    database.live_workers(NODES, PATIENCE).await?;
    database.close().await;
    let mut watcher = PgConnection::connect(&url).await?;
    sqlx::raw_sql("CREATE EXTENSION pg_stat_statements").execute(&mut watcher).await?;
    let rate = statements_a_second(&mut watcher, Duration::from_secs(setting("TASKER_E2E_IDLE_SECONDS", 30)));
    let rate = rate.await? / NODES as f64;
    println!("an idle node issues {rate:.2} statements a second");
    ensure!(rate <= STATEMENTS, "an idle node issues {rate:.2} statements a second");
    no_lock_is_held(&mut watcher).await?;
    Ok(nodes.stop()?)
}

/// By the server's clock and count.
async fn statements_a_second(watcher: &mut PgConnection, time: Duration) -> Result<f64> {
    sqlx::raw_sql("SELECT pg_stat_statements_reset()").execute(&mut *watcher).await?;
    tokio::time::sleep(time).await;
    let counted = "SELECT coalesce(sum(calls), 0)::float8, extract(epoch FROM clock_timestamp() - i.stats_reset)::float8
        FROM pg_stat_statements_info AS i LEFT JOIN pg_stat_statements AS s
            ON s.query !~ 'pg_stat_statements' GROUP BY i.stats_reset";
    let row = sqlx::query(counted).fetch_one(watcher).await?;
    let (calls, seconds): (f64, f64) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(calls > 0.0, "no statement was counted");
    Ok(calls / seconds)
}

/// A statement holds locks while it runs; between statements there are none.
async fn no_lock_is_held(watcher: &mut PgConnection) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut held = held(watcher).await?;
    while !held.is_empty() {
        ensure!(Instant::now() < deadline, "idle nodes hold locks: {held:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = self::held(watcher).await?;
        held.retain(|lock| now.contains(lock));
    }
    Ok(())
}

async fn held(watcher: &mut PgConnection) -> Result<HashSet<String>> {
    Ok(sqlx::query_scalar(HELD).fetch_all(watcher).await?.into_iter().collect())
}
