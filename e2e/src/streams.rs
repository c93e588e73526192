//! Many listeners to events at once, while tasks are created and run: each must be told everything, once, in order.
//!
//! Two servers share one PostgreSQL. Half of the listeners are cut off again and again and go on at the other server, some
//! read hardly anything until the end, some want only some events. In the end, what each was told is compared with the log.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Response};
use serde_json::Value;
use tasker_core::event;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::read::LogEntry;
use tasker_store_postgres::PostgresStore;
use tasker_testkit::postgres::{Cluster, Durability};
use tokio::sync::watch;

use crate::api::{self, ApiServer};
use crate::database::Database;
use crate::home::Home;

/// What listeners that do not want everything want.
const SOME: &str = event::TASK_COMPLETED;

/// How long a slow listener reads nothing, again and again.
const NAP: Duration = Duration::from_secs(2);

/// Longest time that the slowest may take to be told the rest once nothing new comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// For how long tasks are created.
    pub time: Duration,
    /// Listeners.
    pub listeners: usize,
    /// How many of them read hardly anything until the end.
    pub slow: usize,
    /// Tasks a second.
    pub tasks_per_second: u32,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Tasks that were created.
    pub tasks: usize,
    /// Events in the log.
    pub events: usize,
    /// Events that all listeners together were told.
    pub told: usize,
    /// How often a listener was cut off and went on.
    pub cuts: usize,
    /// From an event to its arrival at a listener that reads at once: in ascending order.
    pub delays: Vec<Duration>,
    /// Most memory of a server, in bytes.
    pub peak: u64,
    /// Processor time of both servers, in seconds.
    pub processor: f64,
}

/// Lets listeners listen while tasks are created, and compares what they were told.
///
/// # Errors
/// One of them was not told what the log holds, or something could not be done.
pub async fn run(order: Order) -> Result<Report> {
    let cluster = Cluster::start(Durability::Full);
    let url = cluster.url("postgres");
    PostgresStore::migrate(&url).await?;
    let home = Home::new()?;
    let file = home.write("order.yaml", api::ORDER)?.to_string_lossy().into_owned();
    let servers = [
        ApiServer::start(&home, &url, &["--definitions", &file], &[]).await?,
        ApiServer::start(&Home::new()?, &url, &["--no-worker"], &[]).await?,
    ];
    let addresses: Arc<[String]> = servers.iter().map(|server| server.url().to_owned()).collect();
    let (end, ended) = watch::channel(None);
    let listeners: Vec<_> = (0..order.listeners)
        .map(|n| tokio::spawn(Listener::new(n, order, addresses.clone(), ended.clone()).listen()))
        .collect();
    let tasks = create(order, &addresses[0]).await?;
    let database = Database::on_server(&url).await?;
    for task in &tasks {
        database.ended(*task, PATIENCE).await?;
    }
    let log = database.log().await?;
    end.send_replace(log.iter().map(|entry| entry.cursor.to_string()).next_back());
    let (mut told, mut cuts, mut delays) = (0, 0, Vec::new());
    for listener in listeners {
        let listener = listener.await??;
        listener.judge(&log)?;
        told += listener.told.len();
        cuts += listener.cuts;
        delays.extend(listener.delays);
    }
    delays.sort_unstable();
    let usage = servers.iter().map(ApiServer::usage).collect::<Result<Vec<_>>>()?;
    servers.into_iter().try_for_each(ApiServer::stop)?;
    Ok(Report {
        tasks: tasks.len(),
        events: log.len(),
        told,
        cuts,
        delays,
        peak: usage.iter().map(|usage| usage.peak).max().unwrap_or_default(),
        processor: usage.iter().map(|usage| usage.processor).sum(),
    })
}

/// Creates tasks at a steady pace.
async fn create(order: Order, url: &str) -> Result<Vec<TaskId>> {
    let body = api::order(url);
    let caller = api::caller()?;
    let mut pace = tokio::time::interval(Duration::from_secs(1) / order.tasks_per_second);
    let (begun, mut tasks) = (Instant::now(), Vec::new());
    while begun.elapsed() < order.time {
        pace.tick().await;
        let answer = api::create(&caller, url, None, body.clone()).await?;
        ensure!(answer.status == 201, "{} {:#}", answer.status, answer.body);
        tasks.push(serde_json::from_value(answer.body["task"]["task_id"].clone())?);
    }
    Ok(tasks)
}

/// Somebody who listens.
struct Listener {
    number: usize,
    addresses: Arc<[String]>,
    /// The position of the last event of all, once it is known.
    end: watch::Receiver<Option<String>>,
    is_slow: bool,
    /// The positions of what it was told, shortened.
    told: Vec<u64>,
    last: Option<String>,
    cuts: usize,
    delays: Vec<Duration>,
}

impl Listener {
    fn new(
        number: usize,
        order: Order,
        addresses: Arc<[String]>,
        end: watch::Receiver<Option<String>>,
    ) -> Self {
        let (told, delays) = (Vec::new(), Vec::new());
        Self { number, addresses, end, is_slow: number < order.slow, told, last: None, cuts: 0, delays }
    }

    /// Whether it wants some events only.
    const fn is_picky(&self) -> bool {
        self.number % 5 == 4
    }

    /// After how many events it is cut off; 0: never.
    const fn patience(&self) -> usize {
        if self.number % 2 == 1 { 20 + self.number * 37 % 600 } else { 0 }
    }

    /// How long each arrival took is measured by one that reads all at once.
    fn measures(&self) -> bool {
        self.patience() == 0
            && !self.is_picky()
            && !self.is_slow
            && self.delays.len() < 1_000_000
            && self.number < 20
    }

    /// Listens until it was told the last event.
    async fn listen(mut self) -> Result<Self> {
        let client = api::listener()?;
        loop {
            let mut response = self.connect(&client).await?;
            if self.read(&mut response).await? {
                return Ok(self);
            }
            self.cuts += 1;
        }
    }

    async fn connect(&self, client: &Client) -> Result<Response> {
        let address = &self.addresses[(self.number + self.cuts) % self.addresses.len()];
        let wanted = if self.is_picky() { format!("&event={SOME}") } else { String::new() };
        let mut request = client.get(format!("{address}/events?after=start{wanted}"));
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.context("listening")?;
        ensure!(response.status() == 200, "a listener was answered {}", response.status());
        Ok(response)
    }

    /// Reads until it is cut off, or was told everything: then `true`.
    async fn read(&mut self, response: &mut Response) -> Result<bool> {
        let (mut text, mut heard) = (Vec::new(), 0);
        let mut id = String::new();
        loop {
            if self.is_told_all() {
                return Ok(true);
            }
            if self.patience() > 0 && heard >= self.patience() && self.end.borrow().is_none() {
                return Ok(false);
            }
            if self.is_slow && self.end.borrow().is_none() {
                tokio::time::sleep(NAP).await;
            }
            let chunk = tokio::select! {
                chunk = tokio::time::timeout(PATIENCE, response.chunk()) => chunk,
                // What it was told already may be the end.
                _ = self.end.changed() => continue,
            };
            let chunk = chunk.context("a listener was told nothing for too long")??;
            let Some(chunk) = chunk else { bail!("a stream ended while the server runs") };
            text.extend_from_slice(&chunk);
            let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            for line in text[..complete].split_inclusive(|byte| *byte == b'\n') {
                let line = line.trim_ascii_end();
                if let Some(position) = line.strip_prefix(b"id: ") {
                    id = String::from_utf8(position.to_vec())?;
                } else if let Some(data) = line.strip_prefix(b"data: ") {
                    self.hear(&id, data)?;
                    heard += 1;
                } else if line.is_empty() && !id.is_empty() {
                    self.last = Some(std::mem::take(&mut id));
                }
            }
            text.drain(..complete);
        }
    }

    fn hear(&mut self, id: &str, data: &[u8]) -> Result<()> {
        self.told.push(short(id));
        if self.measures() {
            let event: Value = serde_json::from_slice(data)?;
            let at =
                event["at"].as_str().and_then(Timestamp::parse).context("an event without an instant")?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            let at = Duration::from_micros(u64::try_from(at.as_micros())?);
            self.delays.push(now.saturating_sub(at));
        }
        Ok(())
    }

    /// Whether it was told the last event; of some only, whether it got as far.
    fn is_told_all(&self) -> bool {
        let end = self.end.borrow();
        end.is_some() && *end == self.last
    }

    /// Compares what it was told with the log.
    fn judge(&self, log: &[LogEntry]) -> Result<()> {
        let wanted = |entry: &&LogEntry| !self.is_picky() || event::name(&entry.transition.change) == SOME;
        let expected: Vec<u64> =
            log.iter().filter(wanted).map(|entry| short(&entry.cursor.to_string())).collect();
        if self.told == expected {
            return Ok(());
        }
        let first = self.told.iter().zip(&expected).take_while(|(told, expected)| told == expected).count();
        let of = |told: Option<&u64>| {
            log.iter()
                .find(|entry| Some(&short(&entry.cursor.to_string())) == told)
                .map(|entry| format!("{} {}:{}", entry.cursor, entry.task, entry.transition.seq))
        };
        bail!(
            "listener {} was told {} events where there were {}; event {first} is {:?} and should be {:?}",
            self.number,
            self.told.len(),
            expected.len(),
            of(self.told.get(first)),
            of(expected.get(first))
        )
    }
}

fn short(position: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    position.hash(&mut hasher);
    hasher.finish()
}
