//! The database goes away under a server, and comes back; a server is killed before a worker ever saw its tasks.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::Value;
use tasker_core::state::TaskState;
use tasker_e2e::api::{self, ApiServer};
use tasker_e2e::database::Database;
use tasker_e2e::home::Home;
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability};

/// Longest time that a server may need to find out that its database is there again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What nobody is told of how the server is made and of what happened to it.
const SECRETS: [&str; 7] = ["sqlx", ".rs", "SELECT", "INSERT", "panicked", "socket", "os error"];

async fn look(url: &str, path: &str) -> Result<(StatusCode, Value)> {
    let response = api::caller()?.get(format!("{url}{path}")).send().await?;
    let status = response.status();
    let text = response.text().await?;
    let told = SECRETS.iter().find(|secret| text.contains(**secret));
    ensure!(told.is_none(), "{path} tells {told:?}: {text}");
    Ok((status, serde_json::from_str(&text)?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_30_api_114_api_132_while_the_database_is_gone_callers_are_told_to_come_back() -> Result<()> {
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.url("postgres");
    PostgresStore::migrate(&database).await?;
    let home = Home::new()?;
    let file = home.write("order.yaml", api::ORDER)?.to_string_lossy().into_owned();
    let settings = &[("TASKER_API_REQUEST_TIMEOUT", "3s")];
    let server =
        ApiServer::start(&home, &database, &["--no-worker", "--definitions", &file], settings).await?;
    let (caller, url) = (api::caller()?, server.url());
    ensure!(api::create(&caller, url, None, api::order(url)).await?.status == 201);

    cluster.kill();
    let gone = api::create(&caller, url, None, api::order(url)).await?;
    ensure!(gone.status == 503, "{} {:#}", gone.status, gone.body);
    ensure!(gone.headers.contains_key("retry-after"));
    let code = gone.body["code"].as_str().unwrap_or_default();
    ensure!(["SERVICE_UNAVAILABLE", "TIMEOUT"].contains(&code), "{:#}", gone.body);
    ensure!(gone.body["request_id"].is_string());
    let text = gone.body.to_string();
    ensure!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
    let (status, ready) = look(url, "/health/ready").await?;
    ensure!(status == 503 && ready["failed_checks"][0] == "database", "{status} {ready:#}");
    ensure!(look(url, "/health/live").await?.0 == 200);

    cluster.run();
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = api::create(&caller, url, None, api::order(url)).await?;
        if answer.status == 201 {
            break;
        }
        ensure!(Instant::now() < until, "the server did not find its database again: {:#}", answer.body);
    }
    let (_, list) = look(url, "/tasks?include_total=true").await?;
    let tasks = list["tasks"].as_array().context("a list")?;
    for task in tasks {
        let id = task["task_id"].as_str().context("an id")?;
        let (_, steps) = look(url, &format!("/tasks/{id}/workflow_steps")).await?;
        ensure!(steps["steps"].as_array().is_some_and(|steps| steps.len() == 1), "half a task: {steps:#}");
    }
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_31_a_task_that_was_accepted_runs_although_its_server_was_killed() -> Result<()> {
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.url("postgres");
    PostgresStore::migrate(&database).await?;
    let home = Home::new()?;
    let file = home.write("order.yaml", api::ORDER)?.to_string_lossy().into_owned();
    let server = ApiServer::start(&home, &database, &["--no-worker", "--definitions", &file], &[]).await?;
    let other = ApiServer::start(&Home::new()?, &database, &["--no-worker"], &[]).await?;
    let accepted = api::create(&api::caller()?, server.url(), None, api::order(other.url())).await?;
    ensure!(accepted.status == 201, "{:#}", accepted.body);
    let task = serde_json::from_value(accepted.body["task"]["task_id"].clone())?;
    server.kill()?;
    let again = ApiServer::start(&home, &database, &[], &[]).await?;
    let looking = Database::on_server(&database).await?;
    ensure!(looking.ended(task, PATIENCE).await? == TaskState::Complete);
    looking.close().await;
    again.stop()?;
    other.stop()
}
