//! Deterministic simulation: several engines over one store, in one thread, from one seed.
//!
//! The engines are the real ones. Their clock is virtual and moves only when everybody waits; their store is the memory
//! store behind connections that delay, fail and lose answers; their handlers do what chance wants. Chance also freezes,
//! kills, stops and restarts nodes, lets clients submit the same request twice and elsewhere, and operators act at any
//! moment. After every commit an [oracle](oracle) says what must not have happened. Then the faults stop, and everything
//! that can end must end.
//!
//! The same seed tells the same story, byte for byte: a failure is repeated by its number.

mod clients;
mod commits;
mod contact;
mod finale;
mod handler;
mod ledger;
mod node;
mod oracle;
mod seeds;
mod shared;
mod store;
mod story;
mod summary;
mod vitals;
mod world;

use std::sync::mpsc;
use std::time::Duration;

use tokio::time::Instant;

pub use self::seeds::{keep, kept};
pub use self::shared::Counts;
pub use self::summary::Summary;

use self::shared::lock;
use self::world::World;

/// What one seed led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What happened, one line per event.
    pub story: String,
    /// What must never happen and did.
    pub violation: Option<String>,
    /// What happened how often.
    pub counts: Counts,
}

/// How long a world may take, by real clocks. They take a few hundredths of a second.
const WATCHED_FOR: Duration = Duration::from_secs(240);

/// Lines of a story that a failure shows.
const TAIL: usize = 120;

/// Simulates the world of a seed.
///
/// # Panics
/// The runtime cannot be built.
pub fn run(seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing of the system");
    runtime.block_on(live(seed))
}

/// [`run`], unless the world of the seed does not end: then somebody is busy for ever while virtual time stands still,
/// and that is a violation too.
///
/// # Panics
/// No thread can be started.
pub fn run_watched(seed: u64) -> Report {
    let (report, reported) = mpsc::channel();
    std::thread::Builder::new()
        .name(format!("seed-{seed}"))
        // Whoever does not wait any more does not want the report.
        .spawn(move || report.send(run(seed)).ok())
        .expect("threads can be started");
    reported.recv_timeout(WATCHED_FOR).unwrap_or_else(|_| Report {
        seed,
        story: String::new(),
        violation: Some(format!("it has not ended after {} s", WATCHED_FOR.as_secs())),
        counts: Counts::default(),
    })
}

async fn live(seed: u64) -> Report {
    let start = Instant::now();
    let mut world = World::new(seed);
    let shared = world.shared.clone();
    tokio::select! {
        biased;
        () = shared.violated() => {}
        () = async {
            world.rage().await;
            world.settle_down().await;
        } => {}
    }
    let mut counts = *lock(&shared.counts);
    counts.millis = start.elapsed().as_millis() as u64;
    Report { seed, story: shared.story.text(), violation: shared.violation(), counts }
}

impl Report {
    /// The failure with the end of its story, and how to see it again; `None` if nothing is wrong.
    pub fn failure(&self) -> Option<String> {
        let violation = self.violation.as_ref()?;
        let lines: Vec<&str> = self.story.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        Some(format!(
            "{tail}\n\nseed {}: {violation}\nthe whole story: cargo xtask sim --seeds 1 --start {} --story",
            self.seed, self.seed
        ))
    }
}
