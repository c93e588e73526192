//! More requests than the server may work on, before a database that is slow: some are turned away, and what was accepted
//! is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection, Row};
use tasker_e2e::api::{self, ApiServer};
use tasker_e2e::home::Home;
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability};
use tasker_torture::{Address, Relay};
use url::Url;

/// Callers at once, many more than the server may serve.
const CALLERS: usize = 64;

/// Tasks that each asks for, one after the other, each under a key of its own.
const TASKS: usize = 3;

/// How often a caller asks for the same task at most.
const TRIES: usize = 3_000;

/// What everything takes longer on the way between the server and its database.
const DELAY: Duration = Duration::from_millis(2);

/// What memory may grow by, however many ask.
const MORE_MEMORY: u64 = 64 << 20;

const SETTINGS: &[(&str, &str)] = &[("TASKER_API_MAX_REQUESTS", "4"), ("TASKER_API_REQUEST_TIMEOUT", "2s")];

/// What came of the requests of one caller.
#[derive(Default)]
struct Outcome {
    /// Ids of tasks by key.
    accepted: BTreeMap<String, String>,
    turned_away: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_overload_some_are_turned_away_and_nothing_accepted_is_lost() -> Result<()> {
    let cluster = Cluster::start(Durability::None);
    let direct = cluster.url("postgres");
    PostgresStore::migrate(&direct).await?;
    let parsed = Url::parse(&direct)?;
    let relay = Relay::before(Address::of(&parsed)?.context("the server has an address")?).await?;
    let home = Home::new()?;
    let file = home.write(
        "order.yaml",
        "name: order\nversion: \"1.0.0\"\nstep_templates: [{name: one, handler: clerk}]\n",
    )?;
    let file = file.to_string_lossy().into_owned();
    let arguments = ["--no-worker", "--definitions", &file];
    let server = ApiServer::start(&home, &relay.url(&parsed), &arguments, SETTINGS).await?;
    let before = server.usage()?;
    relay.delay(DELAY);
    let callers = (0..CALLERS).map(|caller| tokio::spawn(insist(server.url().to_owned(), caller)));
    let mut accepted = BTreeMap::new();
    let mut turned_away = 0;
    for caller in callers.collect::<Vec<_>>() {
        let outcome = caller.await??;
        accepted.extend(outcome.accepted);
        turned_away += outcome.turned_away;
    }
    relay.delay(Duration::ZERO);
    let after = server.usage()?;
    server.stop()?;
    ensure!(turned_away > 0, "nobody was turned away: this was no overload");
    ensure!(
        after.peak <= before.peak + MORE_MEMORY,
        "the server had {} bytes before, and {} at most under overload",
        before.peak,
        after.peak
    );
    all_are_there_once(&direct, &accepted).await
}

/// Asks for each task until it is accepted.
async fn insist(url: String, caller: usize) -> Result<Outcome> {
    let client = api::caller()?;
    let mut outcome = Outcome::default();
    for n in 0..TASKS {
        let key = format!("{caller}-{n}");
        let body: Arc<str> = format!(r#"{{"name": "order", "context": {{"key": "{key}"}}}}"#).into();
        for attempt in 1.. {
            let answer = api::create(&client, &url, Some(&key), body.clone()).await?;
            if answer.status == 201 {
                let id = answer.body["task"]["task_id"].as_str().context("a task has an id")?;
                outcome.accepted.insert(key, id.to_owned());
                break;
            }
            let is_refusal = matches!(answer.status.as_u16(), 429 | 503);
            ensure!(is_refusal, "{} {:#}", answer.status, answer.body);
            ensure!(answer.headers.contains_key("retry-after"), "{:#} does not say when", answer.body);
            ensure!(attempt < TRIES, "{key} was turned away {attempt} times: {:#}", answer.body);
            outcome.turned_away += 1;
            // A patient caller waits for as long as it is told; these are not.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(outcome)
}

/// Every task that was accepted is stored, and no request made two.
async fn all_are_there_once(url: &str, accepted: &BTreeMap<String, String>) -> Result<()> {
    let mut database = PgConnection::connect(url).await?;
    let rows = sqlx::query("SELECT task_id::text, context->>'key' FROM tasker.task_input")
        .fetch_all(&mut database)
        .await?;
    let mut stored = BTreeMap::new();
    for row in &rows {
        stored.insert(row.try_get::<String, _>(1)?, row.try_get::<String, _>(0)?);
    }
    ensure!(stored.len() == rows.len(), "{} tasks stand under {} keys", rows.len(), stored.len());
    let ids: BTreeSet<&String> = accepted.values().collect();
    ensure!(ids.len() == CALLERS * TASKS, "{} of {} tasks were accepted", ids.len(), CALLERS * TASKS);
    for (key, id) in accepted {
        ensure!(stored.get(key) == Some(id), "{key}: accepted was {id}, stored is {:?}", stored.get(key));
    }
    Ok(())
}
