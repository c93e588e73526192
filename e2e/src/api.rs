//! The server of the HTTP API as a process, and callers of it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, ClientBuilder, StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use tasker_torture::{PATIENCE, Running};

use crate::home::Home;

/// A server that runs.
pub struct ApiServer {
    process: Running,
    url: String,
}

/// What a request for a task was answered with, and how long that took.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body: a task, or a problem.
    pub body: Value,
    /// From the request's first byte to the answer's last.
    pub time: Duration,
}

/// What a process used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Most memory that it had, in bytes.
    pub peak: u64,
    /// Processor time, in seconds.
    pub processor: f64,
}

impl ApiServer {
    /// Starts one on a free port, over the database behind a URL, with settings by their variables, and waits until it serves.
    pub async fn start(
        home: &Home,
        url: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = home.command(&["server", "run", "--listen", "127.0.0.1:0"]);
        command.args(arguments).env("TASKER_DATABASE_URL", url).envs(settings.iter().copied());
        let mut process = Running::start(command, &home.path().join("out"))?;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(url) = where_it_serves(&process.stderr()) {
                return Ok(Self { process, url });
            }
            if !process.is_alive() || Instant::now() > until {
                bail!("the server does not serve:\n{}", process.stderr());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What all paths stand below.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it used.
    pub fn usage(&self) -> Result<Usage> {
        usage(self.process.id())
    }

    /// Kills it.
    pub fn kill(self) -> Result<()> {
        self.process.kill()?;
        Ok(())
    }

    /// Stops it, as a supervisor does.
    pub fn stop(self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        let ended = self.process.finish()?;
        ensure!(ended.code == 143, "the server ended with {}:\n{}", ended.code, ended.stderr);
        Ok(())
    }
}

/// The URL in the line with which a server tells that it serves.
fn where_it_serves(told: &str) -> Option<String> {
    let line = told.lines().find_map(|line| line.strip_prefix("serving "))?;
    line.split_once(' ').map(|(url, _)| url.to_owned())
}

/// A caller with a connection of its own.
pub fn caller() -> Result<Client> {
    Ok(client().timeout(PATIENCE).build()?)
}

/// Somebody who listens for as long as there is something to hear.
pub fn listener() -> Result<Client> {
    Ok(client().build()?)
}

fn client() -> ClientBuilder {
    // A second caller finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().pool_max_idle_per_host(1)
}

/// A definition of one step, that calls a server back where steps are run; else it waits for a worker.
pub const ORDER: &str = r#"
name: order
version: "1.0.0"
step_templates:
  - name: tell
    handler: http
    handler_config: { url: "{{ context.url }}" }
"#;

/// A request for a task of [`ORDER`] that calls this server back.
pub fn order(url: &str) -> Arc<str> {
    format!(r#"{{"name": "order", "context": {{"url": "{url}/health/live"}}}}"#).into()
}

/// Asks for a task.
pub async fn create(caller: &Client, url: &str, key: Option<&str>, body: Arc<str>) -> Result<Answer> {
    let mut request = caller.post(format!("{url}/tasks")).header(CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let begun = Instant::now();
    let response = request.body(body.to_string()).send().await.context("asking for a task")?;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.context("reading the answer")?;
    let time = begun.elapsed();
    let body = serde_json::from_slice(&bytes).with_context(|| format!("an answer {status} without JSON"))?;
    Ok(Answer { status, headers, body, time })
}

/// What a process used so far, as Linux tells it.
fn usage(process: u32) -> Result<Usage> {
    let folder = format!("/proc/{process}");
    let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).context("reading /proc");
    let status = read("status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    // The name stands in brackets and may hold anything; user and kernel time are the 12th and 13th word after it.
    let stat = read("stat")?;
    let (_, words) = stat.rsplit_once(") ").context("no name")?;
    let ticks: Vec<u64> = words.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    let processor = ticks.iter().sum::<u64>() as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(Usage { peak: peak * 1024, processor })
}
