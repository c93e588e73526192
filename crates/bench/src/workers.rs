//! Worker processes: how they are started and asked, and what they do.
//!
//! A worker reads lines from its standard input and writes lines to its standard output, each a JSON document: first it
//! is told what to do ([`Brief`]), then to take note of where it stands (`Mark`), at last to stop. It tells how many
//! tasks it has ended, and in the end what it used. It stops as well when its input ends, so it never outlives
//! whoever started it.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tasker_engine::{Engine, EngineOptions, Scope};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::counting::{CountingStore, Meter};
use crate::error::{BenchError, Trying};
use crate::handler::{Conduct, Ledger, handlers};
use crate::options::{Opener, WorkerCommand};
use crate::process::{self, Memory};

/// Time between two messages about tasks that ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How long a worker may say nothing while something is expected of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Brief {
    pub(crate) url: String,
    pub(crate) wait_micros: u64,
    pub(crate) failure_rate: f64,
    pub(crate) payload_bytes: usize,
}

/// What a worker is told later on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Order {
    /// The measured part begins.
    Mark,
    /// Stop.
    Stop,
}

/// What a worker tells.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
enum Message {
    /// It can begin.
    Ready,
    /// It knows that the measured part begins.
    Marked,
    /// It has ended so many tasks, the last of them then.
    Ended { count: u64, last_micros: u64 },
    /// It has stopped.
    Stopped(Used),
}

/// What a worker used in the measured part, and what its handlers did in all.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) cpu_seconds: f64,
    pub(crate) commits: u64,
    pub(crate) memory: Memory,
    pub(crate) executions: u64,
    pub(crate) failures: u64,
}

/// Does what a worker process does: runs steps of the database that it is told, until it is told to stop.
///
/// # Errors
/// It is told nothing that makes sense, or the database cannot be used.
pub async fn work(open: Opener, options: EngineOptions) -> Result<(), BenchError> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let line = lines.next_line().await.trying("reading what to do")?.unwrap_or_default();
    let brief: Brief = serde_json::from_str(&line).map_err(|error| BenchError::Worker {
        number: 0,
        what: format!("was not told what to do: {error}"),
    })?;
    let conduct = Conduct {
        wait: Duration::from_micros(brief.wait_micros),
        failure_rate: brief.failure_rate,
        payload_bytes: brief.payload_bytes,
    };
    let (ledger, meter) = (Arc::new(Ledger::default()), Meter::new(None));
    let store = CountingStore::over(open(brief.url).await?, meter.clone());
    let engine = Engine::new(store, handlers(conduct, ledger.clone()), options);
    let worker = engine.start_worker(Scope::All).await?;
    tell(Message::Ready)?;
    let mut used = obey(&mut lines, &ledger, &meter).await?;
    worker.stop().await;
    engine.shutdown().await;
    (used.executions, used.failures) = (ledger.executions(), ledger.failures());
    tell(Message::Stopped(used))
}

/// Until it is told to stop; answers what was used since the mark.
async fn obey(
    lines: &mut Lines<BufReader<Stdin>>,
    ledger: &Ledger,
    meter: &Meter,
) -> Result<Used, BenchError> {
    let mut ended = meter.ended();
    let (mut cpu, mut commits, mut knows_peak) = (process::cpu_time(), meter.commits(), false);
    loop {
        tokio::select! {
            line = lines.next_line() => match order(&line.trying("reading an order")?) {
                Some(Order::Mark) => {
                    ledger.begin_to_fail();
                    knows_peak = process::reset_peak();
                    (cpu, commits) = (process::cpu_time(), meter.commits());
                    tell(Message::Marked)?;
                }
                Some(Order::Stop) | None => break,
            },
            Ok(()) = ended.changed() => {
                let now = *ended.borrow_and_update();
                tell(Message::Ended { count: now.count, last_micros: now.last_micros })?;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let memory = process::memory();
    Ok(Used {
        cpu_seconds: (process::cpu_time() - cpu).as_secs_f64(),
        commits: meter.commits() - commits,
        memory: Memory { peak: memory.peak.filter(|_| knows_peak), ..memory },
        ..Used::default()
    })
}

fn order(line: &Option<String>) -> Option<Order> {
    serde_json::from_str(line.as_deref()?).ok()
}

fn tell(message: Message) -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    let text = json(&message);
    writeln!(out, "{text}").and_then(|()| out.flush()).trying("telling what happened")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("messages have text keys and finite numbers")
}

/// Worker processes.
pub(crate) struct Fleet {
    crew: Vec<Crew>,
    news: mpsc::UnboundedReceiver<(usize, Option<Message>)>,
}

struct Crew {
    process: Child,
    orders: ChildStdin,
    ended: u64,
    last_micros: u64,
}

impl Fleet {
    /// Starts so many, and waits until all can begin.
    pub(crate) async fn start(n: usize, command: &WorkerCommand, brief: &Brief) -> Result<Self, BenchError> {
        let (sender, news) = mpsc::unbounded_channel();
        let mut crew = Vec::with_capacity(n);
        for number in 1..=n {
            let (one, told) = Crew::start(command)?;
            tokio::spawn(listen(number, told, sender.clone()));
            crew.push(one);
        }
        let mut fleet = Self { crew, news };
        fleet.order(&json(brief)).await?;
        fleet.all_say(|message| *message == Message::Ready).await?;
        Ok(fleet)
    }

    /// The measured part begins.
    pub(crate) async fn mark(&mut self) -> Result<(), BenchError> {
        self.order(&json(&Order::Mark)).await?;
        self.all_say(|message| *message == Message::Marked).await?;
        Ok(())
    }

    /// Waits until they have ended so many tasks; answers when the last one ended, in microseconds since 1970.
    pub(crate) async fn until_ended(&mut self, expected: u64) -> Result<u64, BenchError> {
        loop {
            let ended: u64 = self.crew.iter().map(|crew| crew.ended).sum();
            if ended >= expected {
                return Ok(self.crew.iter().map(|crew| crew.last_micros).max().unwrap_or(0));
            }
            let Ok(news) = tokio::time::timeout(PATIENCE, self.next()).await else {
                return Err(BenchError::Stalled { ended, expected, seconds: PATIENCE.as_secs() });
            };
            news?;
        }
    }

    /// Stops them; answers what each used.
    pub(crate) async fn stop(mut self) -> Result<Vec<Used>, BenchError> {
        self.order(&json(&Order::Stop)).await?;
        let said = self.all_say(|message| matches!(message, Message::Stopped(_))).await?;
        for crew in &mut self.crew {
            crew.process.wait().await.trying("waiting for a worker process")?;
        }
        let used = said.into_iter().filter_map(|message| match message {
            Message::Stopped(used) => Some(used),
            _ => None,
        });
        Ok(used.collect())
    }

    async fn order(&mut self, line: &str) -> Result<(), BenchError> {
        for crew in &mut self.crew {
            let written = crew.orders.write_all(format!("{line}\n").as_bytes()).await;
            written.trying("telling a worker process what to do")?;
        }
        Ok(())
    }

    /// Waits until each has said something that fits.
    async fn all_say(&mut self, fits: impl Fn(&Message) -> bool) -> Result<Vec<Message>, BenchError> {
        let mut said = Vec::new();
        while said.len() < self.crew.len() {
            let Ok(news) = tokio::time::timeout(PATIENCE, self.next()).await else {
                let what = format!("said nothing for {} s", PATIENCE.as_secs());
                return Err(BenchError::Worker { number: said.len() + 1, what });
            };
            said.extend(Some(news?).filter(&fits));
        }
        Ok(said)
    }

    async fn next(&mut self) -> Result<Message, BenchError> {
        let (number, message) = self.news.recv().await.unwrap_or((0, None));
        let what = || "ended before it was told to; what it said stands above".to_owned();
        let message = message.ok_or_else(|| BenchError::Worker { number, what: what() })?;
        if let (Message::Ended { count, last_micros }, Some(crew)) = (message, self.crew.get_mut(number - 1))
        {
            (crew.ended, crew.last_micros) = (count, last_micros);
        }
        Ok(message)
    }
}

impl Crew {
    fn start(command: &WorkerCommand) -> Result<(Self, ChildStdout), BenchError> {
        let mut process = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .trying("starting a worker process")?;
        let orders = process.stdin.take().expect("its input is a pipe");
        let told = process.stdout.take().expect("its output is a pipe");
        Ok((Self { process, orders, ended: 0, last_micros: 0 }, told))
    }
}

/// Passes on what a worker says, and that it says no more.
async fn listen(number: usize, told: ChildStdout, news: mpsc::UnboundedSender<(usize, Option<Message>)>) {
    let mut lines = BufReader::new(told).lines();
    let mut has_stopped = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(message) = serde_json::from_str(&line) else { break };
        has_stopped |= matches!(message, Message::Stopped(_));
        // Nobody listens any more when the run was given up.
        let _ = news.send((number, Some(message)));
    }
    if !has_stopped {
        let _ = news.send((number, None));
    }
}
