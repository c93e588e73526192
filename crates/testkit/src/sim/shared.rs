//! What all parts of one simulated world share.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::memory::MemoryStore;
use tokio::sync::watch;
use tokio::time::Instant;

use super::ledger::Ledger;
use super::oracle::Oracle;
use super::story::Story;
use super::vitals::Vitals;
use crate::random::Rng;

/// One simulated world.
pub(super) struct Shared {
    pub(super) story: Story,
    pub(super) store: Arc<MemoryStore>,
    pub(super) oracle: Mutex<Oracle>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) counts: Mutex<Counts>,
    /// The lives of the nodes that run now.
    pub(super) living: Mutex<Vec<Arc<Vitals>>>,
    /// Tasks that clients asked for, and whether somebody was told that they are accepted.
    pub(super) asked: Mutex<BTreeMap<TaskId, bool>>,
    /// Clients that wait for an answer.
    pub(super) clients: AtomicUsize,
    /// Batches that a node writes at once: two in the worlds of even seeds.
    pub(super) lanes: usize,
    chance: Mutex<Rng>,
    calm: AtomicBool,
    violation: watch::Sender<Option<String>>,
}

/// What happened how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Tasks that were accepted.
    pub tasks: u64,
    /// Executions of handlers that began.
    pub executions: u64,
    /// Outcomes that were settled.
    pub settled: u64,
    /// Outcomes that came too late.
    pub stale: u64,
    /// Operators' actions that were done.
    pub actions: u64,
    /// Store calls that were made to fail, or whose answers were lost.
    pub failed_calls: u64,
    /// Nodes killed.
    pub kills: u64,
    /// Nodes frozen.
    pub freezes: u64,
    /// Nodes stopped gracefully.
    pub stops: u64,
    /// Workers judged lost.
    pub lost_workers: u64,
    /// Claims taken from lost workers.
    pub rescues: u64,
    /// Claims that workers learned of by their heartbeats.
    pub taken_up: u64,
    /// Hints of other nodes that were lost.
    pub lost_hints: u64,
    /// Virtual time, in milliseconds.
    pub millis: u64,
}

impl Shared {
    /// An empty world. Must be called inside the runtime whose clock it lives by.
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let start = Instant::now();
        let began = Timestamp::parse("2026-01-31T09:00:00Z").expect("the text is RFC 3339");
        let store = Arc::new(MemoryStore::new(Arc::new(move || began.plus(Instant::now() - start))));
        Arc::new(Self {
            story: Story::new(start),
            oracle: Mutex::new(Oracle::new(store.clone())),
            store,
            ledger: Mutex::default(),
            counts: Mutex::default(),
            living: Mutex::default(),
            asked: Mutex::default(),
            clients: AtomicUsize::new(0),
            chance: Mutex::new(Rng::new(seed)),
            lanes: if seed.is_multiple_of(2) { 2 } else { 1 },
            calm: AtomicBool::new(false),
            violation: watch::Sender::new(None),
        })
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&self, percent: usize) -> bool {
        lock(&self.chance).percent(percent)
    }

    /// A number below `n`, which is not 0.
    pub(super) fn below(&self, n: usize) -> usize {
        lock(&self.chance).below(n)
    }

    /// A span of this many milliseconds at least, and less than that.
    pub(super) fn millis(&self, least: u64, below: u64) -> Duration {
        Duration::from_millis(least + self.below((below - least) as usize) as u64)
    }

    /// Chance of its own for a part whose questions should not move the answers of others.
    pub(super) fn fork(&self) -> Rng {
        Rng::new(lock(&self.chance).bits())
    }

    /// Whether the faults have stopped.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// From now on nothing fails.
    pub(super) fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    /// Counts.
    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.counts));
    }

    /// Something happened that must never happen. The first one is kept and ends the world.
    pub(super) fn violate(&self, what: impl Display) {
        self.story.tell("!", format_args!("VIOLATION: {what}"));
        self.violation.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| what.to_string());
            is_first
        });
    }

    /// Tells of what an invariant says.
    pub(super) fn judge(&self, found: Result<(), String>) {
        if let Err(what) = found {
            self.violate(what);
        }
    }

    /// What must never happen and did.
    pub(super) fn violation(&self) -> Option<String> {
        self.violation.borrow().clone()
    }

    /// Resolves when something happened that must never happen.
    pub(super) async fn violated(&self) {
        // The sender lives as long as this.
        let _ = self.violation.subscribe().wait_for(Option::is_some).await;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.executions += other.executions;
        self.settled += other.settled;
        self.stale += other.stale;
        self.actions += other.actions;
        self.failed_calls += other.failed_calls;
        self.kills += other.kills;
        self.freezes += other.freezes;
        self.stops += other.stops;
        self.lost_workers += other.lost_workers;
        self.rescues += other.rescues;
        self.taken_up += other.taken_up;
        self.lost_hints += other.lost_hints;
        self.millis += other.millis;
    }
}

/// A lock whose holders never leave anything half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
