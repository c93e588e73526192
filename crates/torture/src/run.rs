//! Torture: round after round, each with another fault, on a database of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tasker_engine::EngineOptions;
use tasker_scratch::{Place, Scratch};
use tasker_store::{Store, StoreError};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::chance::Chance;
use crate::error::{TortureError, Trying};
use crate::fault;
use crate::feed::Load;
use crate::nodes::{Launch, Nodes};
use crate::relay::{Address, Relay};
use crate::report::TortureReport;
use crate::round::Round;
use crate::world::{Proof, Scene, World};

/// Few steps at once, so that all nodes take part.
const STEPS_AT_ONCE: usize = 64;

/// Steps that are due or run at once, for each node.
const BUSY: u64 = 20;

/// Commits of a round whose answer is lost.
const LOST_ANSWERS: usize = 20;

/// Opens the database behind a URL, making its schema if need be.
pub type Opener = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Arc<dyn Store>, StoreError>> + Send + Sync>;

/// What the program brings that tortures.
pub struct Host {
    /// Where the database is made.
    pub place: Place,
    /// Whether it stays afterwards. It stays in any case if something was found in it.
    pub keep: bool,
    /// How it is opened.
    pub open: Opener,
    /// How a worker of the database behind a URL is started. It ends with its standard input.
    pub launch: Box<dyn Fn(String) -> Launch + Send + Sync>,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct TortureOptions {
    /// How long; the round that runs then is ended.
    pub time: Duration,
    /// Worker processes.
    pub workers: usize,
    /// What workflows and the order of faults follow from.
    pub seed: u64,
}

/// How it goes.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// Something begins to be done, in round number so much.
    Began(usize, &'a str),
    /// It was done, and judged.
    Ended(usize, &'a Round),
}

/// The settings of a worker: the engine's own, with short waits, so that the last steps are not waited for.
pub fn worker_options(name: &str) -> EngineOptions {
    let mut options = EngineOptions {
        max_concurrent_steps: STEPS_AT_ONCE,
        worker_name: name.to_owned(),
        ..EngineOptions::default()
    };
    options.rules.backoff.table = vec![1; 12];
    options
}

/// Tortures until the time is over, something is found, or `stop`: then after the round that runs.
///
/// # Errors
/// The database cannot be used although nothing is done to it; a fault proved nothing.
pub async fn torture(
    options: TortureOptions,
    host: &Host,
    stop: &CancellationToken,
    say: &dyn Fn(News<'_>),
) -> Result<TortureReport, TortureError> {
    let began = Instant::now();
    let mut scratch = Scratch::make(&host.place, "torture", host.keep).await?;
    let mut chamber = Chamber::open(options, host, scratch.url()).await?;
    let mut report = TortureReport::new(options, chamber.relay.is_some(), scratch.url());
    let mut faults = Faults::new(options.seed);
    let is_over = || stop.is_cancelled() || began.elapsed() >= options.time;
    while report.findings.is_empty() && !is_over() {
        let fault = faults.next(&chamber);
        let number = report.rounds.len() + 1;
        say(News::Began(number, fault.name()));
        let round = chamber.round(fault).await?;
        say(News::Ended(number, &round));
        report.add(round);
    }
    report.findings.extend(chamber.world.check().await?);
    if report.findings.is_empty() {
        chamber.world.close().await?;
    } else {
        scratch.keep();
    }
    report.end(began.elapsed(), stop.is_cancelled(), host.keep || !report.findings.is_empty());
    Ok(report)
}

/// What is done in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    Kill,
    KillAll,
    Freeze,
    Cut,
    LoseAnswers,
    Slow,
}

impl Fault {
    const ALL: [Self; 6] =
        [Self::Kill, Self::KillAll, Self::Freeze, Self::Cut, Self::LoseAnswers, Self::Slow];

    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::KillAll => "kill all",
            Self::Freeze => "freeze",
            Self::Cut => "cut",
            Self::LoseAnswers => "lose answers",
            Self::Slow => "slow",
        }
    }

    /// Whether it can be done with this way to the server, if there is one to stand in.
    fn suits(self, relay: Option<&Relay>) -> bool {
        match self {
            Self::Kill | Self::KillAll | Self::Freeze => true,
            Self::Cut | Self::Slow => relay.is_some(),
            Self::LoseAnswers => relay.is_some_and(|relay| !relay.is_encrypted()),
        }
    }

    async fn inflict(self, scene: &mut Scene<'_>, relay: Option<&Relay>) -> Result<Proof, TortureError> {
        match (self, relay) {
            (Self::Cut, Some(relay)) => fault::cut(scene, relay).await,
            (Self::LoseAnswers, Some(relay)) => fault::lose_answers(scene, relay, LOST_ANSWERS).await,
            (Self::Slow, Some(relay)) => fault::slow(scene, relay).await,
            (Self::KillAll, _) => fault::kill_all(scene).await,
            (Self::Freeze, _) => fault::freeze(scene).await,
            (Self::Kill | Self::Cut | Self::LoseAnswers | Self::Slow, _) => fault::kill(scene).await,
        }
    }
}

/// All faults again and again, each time in another order.
struct Faults {
    chance: Chance,
    left: Vec<Fault>,
}

impl Faults {
    fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed), left: Vec::new() }
    }

    fn next(&mut self, chamber: &Chamber) -> Fault {
        loop {
            if self.left.is_empty() {
                self.left = Fault::ALL.to_vec();
                self.chance.shuffle(&mut self.left);
            }
            // Some can always be done, so this ends.
            if let Some(fault) = self.left.pop().filter(|fault| fault.suits(chamber.relay.as_ref())) {
                return fault;
            }
        }
    }
}

/// Where it happens.
struct Chamber {
    world: World,
    relay: Option<Relay>,
    load: Load,
    /// What the nodes write.
    _folder: TempDir,
}

impl Chamber {
    async fn open(options: TortureOptions, host: &Host, url: &str) -> Result<Self, TortureError> {
        let store = (host.open)(url.to_owned()).await?;
        let folder = tempfile::Builder::new().prefix("tasker-torture-").tempdir();
        let folder = folder.trying("making a folder for what workers write")?;
        let relay = match &host.place {
            Place::Sqlite { .. } => None,
            Place::Postgres { .. } => before(url).await?,
        };
        let way = relay.as_ref().map_or_else(|| url.to_owned(), |(relay, url)| relay.url(url));
        let mut nodes = Nodes::new(folder.path().to_owned(), (host.launch)(way));
        (0..options.workers).try_for_each(|_| nodes.add())?;
        let load = Load { busy: BUSY * options.workers as u64, most_steps: 300, least_tasks: 10 };
        let world = World::open(store, nodes, options.seed).await?;
        Ok(Self { world, relay: relay.map(|(relay, _)| relay), load, _folder: folder })
    }

    async fn round(&mut self, fault: Fault) -> Result<Round, TortureError> {
        let Self { world, relay, load, .. } = self;
        world.round(fault.name(), *load, async |scene| fault.inflict(scene, relay.as_ref()).await).await
    }
}

/// A relay before the server of this URL, if somebody may stand in between.
async fn before(url: &str) -> Result<Option<(Relay, Url)>, TortureError> {
    let url = Url::parse(url).map_err(TortureError::Url)?;
    // The database behind this URL has been opened.
    let Some(address) = Address::of(&url).ok().flatten() else { return Ok(None) };
    let relay = Relay::before(address).await.trying("opening a relay on a loopback port")?;
    Ok(Some((relay, url)))
}
