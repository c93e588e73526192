//! Asks the real server for tasks over many connections and tells how fast it answers: `cargo xtask load`.
//!
//! Callers, server and PostgreSQL share the machine. Each answer 201 comes after the commit; in the end all tasks that were
//! answered are counted in the database.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};
use tasker_e2e::api::{self, ApiServer};
use tasker_e2e::home::Home;
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability};

const USAGE: &str = "usage: load [--seconds N] [--connections N]";

/// Time before the measuring, for connections and caches.
const WARM_UP: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
struct Order {
    time: Duration,
    connections: usize,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(order) = order(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!(
        "{:<22} {:>10} {:>9} {:>9} {:>9} {:>11} {:>14}",
        "", "tasks/s", "p50 ms", "p99 ms", "max ms", "memory MiB", "processor s/s"
    );
    for (name, arguments) in [("nobody runs them", &["--no-worker"][..]), ("the server runs them", &[])] {
        if let Err(error) = measure(order, name, arguments).await {
            eprintln!("load: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn order(arguments: &[String]) -> Option<Order> {
    let mut order = Order { time: Duration::from_secs(15), connections: 64 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let number: u32 = words.next()?.parse().ok().filter(|number| *number > 0)?;
        match word.as_str() {
            "--seconds" => order.time = Duration::from_secs(number.into()),
            "--connections" => order.connections = number as usize,
            _ => return None,
        }
    }
    Some(order)
}

/// Prints one line.
async fn measure(order: Order, name: &str, arguments: &[&str]) -> Result<()> {
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.url("postgres");
    PostgresStore::migrate(&database).await?;
    let home = Home::new()?;
    let file = home.write("order.yaml", api::ORDER)?.to_string_lossy().into_owned();
    let arguments = [arguments, &["--definitions", &file]].concat();
    let server = ApiServer::start(&home, &database, &arguments, &[]).await?;
    let body = api::order(server.url());
    let (counting, stopping) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..order.connections)
        .map(|_| {
            let (url, body) = (server.url().to_owned(), body.clone());
            tokio::spawn(call(url, body, counting.clone(), stopping.clone()))
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let (before, begun) = (server.usage()?, Instant::now());
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(order.time).await;
    counting.store(false, Ordering::Relaxed);
    let (after, seconds) = (server.usage()?, begun.elapsed().as_secs_f64());
    stopping.store(true, Ordering::Relaxed);
    let (mut times, mut accepted) = (Vec::new(), 0);
    for caller in callers {
        let (measured, all) = caller.await??;
        times.extend(measured);
        accepted += all;
    }
    times.sort_unstable();
    let at = |share: f64| {
        let time = times.get((times.len() as f64 * share) as usize).or(times.last());
        time.map_or(0.0, |time: &Duration| time.as_secs_f64() * 1e3)
    };
    println!(
        "{name:<22} {:>10.0} {:>9.1} {:>9.1} {:>9.1} {:>11.0} {:>14.2}",
        times.len() as f64 / seconds,
        at(0.5),
        at(0.99),
        at(1.0),
        after.peak as f64 / f64::from(1 << 20),
        (after.processor - before.processor) / seconds,
    );
    server.stop()?;
    let mut database = PgConnection::connect(&database).await?;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM tasker.task").fetch_one(&mut database).await?;
    ensure!(stored == accepted, "{accepted} tasks were accepted, {stored} are stored");
    Ok(())
}

/// Asks for tasks, one after the other; answers with the times of those that were measured, and how many there were.
async fn call(
    url: String,
    body: Arc<str>,
    counting: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
) -> Result<(Vec<Duration>, i64)> {
    let client = api::caller()?;
    let (mut times, mut accepted) = (Vec::new(), 0);
    while !stopping.load(Ordering::Relaxed) {
        let answer = api::create(&client, &url, None, body.clone()).await.context("a caller")?;
        ensure!(answer.status == 201, "{} {:#}", answer.status, answer.body);
        accepted += 1;
        if counting.load(Ordering::Relaxed) {
            times.push(answer.time);
        }
    }
    Ok((times, accepted))
}
