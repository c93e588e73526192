//! A node of a simulated world: one engine after the other over the same store, each with a worker.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tasker_core::backoff::BackoffPolicy;
use tasker_core::decide::Rules;
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::WorkerId;
use tasker_engine::entropy::Entropy;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions, Scope, Worker};
use uuid::Uuid;

use super::handler::Scripted;
use super::shared::{Shared, lock};
use super::store::SimStore;
use super::vitals::{Life, Vitals};
use crate::definitions::handler;
use crate::random::{HANDLERS, Rng};

/// A machine that can run one engine at a time.
pub(super) struct Node {
    number: usize,
    n_lives: usize,
    served: Vec<&'static str>,
    running: Option<Running>,
}

/// What runs on a node.
pub(super) struct Running {
    pub(super) vitals: Arc<Vitals>,
    pub(super) engine: Engine,
    pub(super) worker: Arc<Mutex<Option<Worker>>>,
}

impl Running {
    /// The id of its worker, if that has started.
    pub(super) fn worker_id(&self) -> Option<WorkerId> {
        lock(&self.worker).as_ref().map(Worker::id)
    }

    /// Whether its worker has started, and runs nothing.
    pub(super) fn has_free_worker(&self) -> bool {
        lock(&self.worker).as_ref().is_some_and(|worker| worker.running() == 0)
    }
}

impl Node {
    /// A node on which nothing runs. The first one serves every handler; others perhaps not.
    pub(super) fn new(shared: &Shared, number: usize) -> Self {
        let served = HANDLERS.into_iter().filter(|_| number == 0 || shared.percent(75)).collect();
        Self { number, n_lives: 0, served, running: None }
    }

    pub(super) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Starts an engine and its worker, unless one runs.
    pub(super) fn start(&mut self, shared: &Arc<Shared>) {
        if self.running.is_some() {
            return;
        }
        self.n_lives += 1;
        let vitals = Arc::new(Vitals::new(self.number, self.n_lives));
        let store = Arc::new(SimStore { shared: shared.clone(), vitals: vitals.clone() });
        let options = options(shared, &vitals);
        let what = format!("starts with {} slots, serves {:?}", options.max_concurrent_steps, self.served);
        shared.story.tell(&vitals.name, what);
        let engine = Engine::new(store, handlers(shared, &vitals, &self.served), options);
        let worker = Arc::default();
        tokio::spawn(start_worker(shared.clone(), engine.clone(), vitals.clone(), Arc::clone(&worker)));
        lock(&shared.living).push(vitals.clone());
        self.running = Some(Running { vitals, engine, worker });
    }

    /// Ends it as `kill -9` would: whatever it was doing is not done any further.
    pub(super) fn kill(&mut self, shared: &Shared) {
        let Some(running) = self.running.take() else { return };
        shared.story.tell(&running.vitals.name, "is killed");
        shared.count(|counts| counts.kills += 1);
        running.vitals.turn(Life::Dead);
        bury(shared, &running.vitals);
    }

    /// Stops it gracefully, or, within no grace period, at once.
    pub(super) fn stop(&mut self, shared: &Arc<Shared>, grace: Duration) {
        let Some(running) = self.running.take() else { return };
        shared.story.tell(&running.vitals.name, format_args!("stops within {} s", grace.as_secs()));
        shared.count(|counts| counts.stops += 1);
        let shared = shared.clone();
        tokio::spawn(async move {
            let vitals = running.vitals.clone();
            let stopped = async {
                let worker = lock(&running.worker).take();
                if let Some(worker) = worker {
                    worker.stop_within(grace).await;
                }
                running.engine.shutdown().await;
            };
            // A node that never stops (frozen, say) is killed by whoever started it.
            let stopped = tokio::time::timeout(grace + Duration::from_secs(60), stopped).await;
            shared.story.tell(&vitals.name, if stopped.is_ok() { "has stopped" } else { "never stopped" });
            if stopped.is_err() && shared.is_calm() {
                shared.violate(format_args!("{} does not stop", vitals.name));
            }
            vitals.turn(Life::Dead);
            bury(&shared, &vitals);
        });
    }
}

/// Handlers that were running are gone.
fn bury(shared: &Shared, vitals: &Vitals) {
    lock(&shared.living).retain(|other| other.name != vitals.name);
    lock(&shared.ledger).drop_all_of(&vitals.name);
}

async fn start_worker(
    shared: Arc<Shared>,
    engine: Engine,
    vitals: Arc<Vitals>,
    place: Arc<Mutex<Option<Worker>>>,
) {
    let started = async {
        loop {
            match engine.start_worker(Scope::All).await {
                Ok(worker) => return worker,
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    };
    tokio::select! {
        biased;
        () = vitals.died() => {}
        worker = started => {
            shared.story.tell(&vitals.name, format_args!("has worker {}", shared.story.name(worker.id().0)));
            *lock(&place) = Some(worker);
        }
    }
}

fn handlers(shared: &Arc<Shared>, vitals: &Arc<Vitals>, served: &[&str]) -> Handlers {
    served.iter().fold(Handlers::new(), |handlers, name| {
        let limit = shared.percent(20).then(|| 1 + shared.below(2));
        handlers.with(handler(name), Scripted { shared: shared.clone(), vitals: vitals.clone(), limit })
    })
}

/// Few slots and small batches, so that everything that can be full is full.
fn options(shared: &Arc<Shared>, vitals: &Vitals) -> EngineOptions {
    let backoff = BackoffPolicy { max_seconds: 6, max_server_seconds: 6, ..BackoffPolicy::default() };
    EngineOptions {
        rules: Rules { backoff },
        identity: if shared.percent(20) { IdentityStrategy::Hash } else { IdentityStrategy::Default },
        max_concurrent_steps: 1 + shared.below(6),
        max_in_flight: [2, 4, 100][shared.below(3)],
        max_batch_items: [1, 3, 512][shared.below(3)],
        poll_interval: shared.millis(300, 1_500),
        grace: Duration::from_secs(5),
        worker_name: vitals.name.clone(),
        heartbeat_thread: false,
        // The oracle looks at each commit; what else is read would only make the stories longer.
        check_interval: None,
        entropy: Arc::new(Seeded {
            node: vitals.name.clone(),
            shared: shared.clone(),
            chance: Mutex::new((shared.fork(), 0)),
        }),
        ..EngineOptions::default()
    }
}

/// Ids and chance of one life of one node, from the seed.
struct Seeded {
    node: String,
    shared: Arc<Shared>,
    chance: Mutex<(Rng, u64)>,
}

impl Entropy for Seeded {
    fn id(&self) -> Uuid {
        let mut chance = lock(&self.chance);
        chance.1 += 1;
        let (bits, number) = (chance.0.bits() >> 2, chance.1);
        let time = u128::from(self.shared.story.millis()) << 80;
        let id = Uuid::from_u128(time | 0x7000_8000_0000_0000_0000 | u128::from(bits));
        self.shared.story.christen(id, format!("{}#{number}", self.node));
        id
    }

    fn fraction(&self) -> f64 {
        lock(&self.chance).0.below(1_000) as f64 / 1_000.0
    }
}
