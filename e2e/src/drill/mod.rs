//! Drills: each does one thing to a place where random workflows run, proves that it was done, and has everything judged
//! that came of it. The same drill is a short test, and one of many in a loop (`cargo xtask drills`).

mod clock;
mod disk;
mod nodes;
mod place;
mod rights;
mod server;
mod sessions;
mod way;

use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use tasker_torture::{Finding, Kind, Load, Proof, Round, Scene};

pub use self::disk::{MOUNTED_VARIABLE, may_mount};
pub use self::place::{Place, Store, Wishes};

/// How long it may take until nodes go on when their server has returned.
const AFTER_RETURN: Duration = Duration::from_secs(5);

/// A drill.
#[async_trait(?Send)]
pub trait Drill: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What is done, in a few words.
    fn about(&self) -> &'static str;

    /// What the place must be like.
    fn wishes(&self) -> Wishes {
        Wishes::default()
    }

    /// How long it may take until work goes on, if that is limited.
    fn limit(&self) -> Option<Duration> {
        None
    }

    /// Does it. An error says that it was not done, or cannot be proven.
    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof>;
}

/// All drills of a store.
pub fn all(store: Store) -> Vec<Box<dyn Drill>> {
    let mut drills: Vec<Box<dyn Drill>> = vec![
        Box::new(nodes::Quiet),
        Box::new(nodes::Kill(store)),
        Box::new(nodes::KillAll(store)),
        Box::new(nodes::Freeze),
        Box::new(clock::Clock(store)),
        Box::new(disk::Tables(store)),
        Box::new(rights::Rights(store)),
    ];
    match store {
        Store::Sqlite => drills.push(Box::new(sessions::Busy)),
        Store::Postgres => {
            drills.extend(server::all());
            drills.extend(sessions::all());
            drills.extend(way::all());
            drills.push(Box::new(disk::Log));
        }
    }
    drills
}

/// The drill of this name.
///
/// # Errors
/// There is none; the message lists all.
pub fn named(store: Store, name: &str) -> Result<Box<dyn Drill>> {
    let names: Vec<&str> = all(store).iter().map(|drill| drill.name()).collect();
    all(store)
        .into_iter()
        .find(|drill| drill.name() == name)
        .with_context(|| format!("there is no drill {name:?} on {store:?}: {}", names.join(", ")))
}

/// Does a drill at a new place, and judges.
///
/// # Errors
/// The fault was not done, or cannot be proven, or the place cannot be made.
pub async fn run(drill: &dyn Drill, store: Store, seed: u64, load: Load) -> Result<Round> {
    let mut rounds = repeat(drill, store, seed, load, 1).await?;
    rounds.pop().context("one round was wanted")
}

/// Does a drill again and again at one new place, until something is found, and judges each time.
///
/// # Errors
/// As [`run`].
pub async fn repeat(
    drill: &dyn Drill,
    store: Store,
    seed: u64,
    load: Load,
    times: u64,
) -> Result<Vec<Round>> {
    let (place, mut world) = Place::open(store, drill.wishes(), seed).await?;
    let mut rounds: Vec<Round> = Vec::new();
    for number in 1..=times {
        let round = world.round(drill.name(), load, async |scene| drill.inflict(&place, scene).await).await;
        let mut round =
            round.with_context(|| format!("drill {}, round {number} of seed {seed}", drill.name()))?;
        round.findings.extend(world.check().await?);
        round.findings.extend(too_late(drill, &round));
        rounds.push(round);
        if rounds.iter().any(|round| !round.findings.is_empty()) {
            return Ok(rounds);
        }
    }
    world.close().await?;
    Ok(rounds)
}

fn too_late(drill: &dyn Drill, round: &Round) -> Option<Finding> {
    let (limit, took) = (drill.limit()?, round.recovery?);
    let message = format!("work went on only {took:.1?} after it could; it must within {limit:?}");
    (took > limit).then(|| Finding::new(Kind::Wrong, message))
}
