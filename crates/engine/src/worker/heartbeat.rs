//! Heartbeat: tells that the worker lives, compares what it holds with what the store thinks it holds, and brings
//! the claims of lost workers to the settler (`engine.md` 5).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer};
use tasker_store::{Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Core;
use super::executor::key_of;
use crate::engine::Parts;
use crate::options::EngineOptions;
use crate::settler::Item;

/// Most claims of lost workers that one heartbeat takes on.
const RESCUE_LIMIT: usize = 512;

/// Registers the worker, and learns of claims that lost workers left. Answers with when it was sent.
pub(crate) async fn first(parts: &Parts, core: &Arc<Core>) -> Result<Instant, StoreError> {
    let sent_at = Instant::now();
    let answer = parts.store.heartbeat(beat(&parts.options, core, false)).await;
    core.executor.beat_ends();
    let answer = answer?;
    Pulse::new(core.clone(), sent_at).rescue(answer.orphans).await;
    Ok(sent_at)
}

/// Beats until `stop`, in a thread of its own where the settings say so. `first_sent` is when the first beat was.
pub(crate) async fn run(parts: Arc<Parts>, core: Arc<Core>, first_sent: Instant, stop: CancellationToken) {
    let pulse = Pulse::new(core, first_sent);
    if !parts.options.heartbeat_thread {
        return keep_beating(parts, pulse, stop).await;
    }
    let (ended, end) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("tasker-heartbeat".into()).spawn(move || {
        let _ended = ended;
        match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(own) => own.block_on(keep_beating(parts, pulse, stop)),
            Err(error) => warn!(%error, "the heartbeat cannot run"),
        }
    });
    match thread {
        // Resolves, with an error, when the thread drops its end.
        Ok(_) => drop(end.await),
        Err(error) => warn!(%error, "the heartbeat's thread cannot be started"),
    }
}

async fn keep_beating(parts: Arc<Parts>, mut pulse: Pulse, stop: CancellationToken) {
    let options = parts.options.clone();
    let core = pulse.core.clone();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = core.beat_now.notified() => {}
            () = tokio::time::sleep(options.heartbeat_interval) => {}
        }
        pulse.once(&*parts.store, &options).await;
    }
}

/// What the heartbeat remembers between two beats.
struct Pulse {
    core: Arc<Core>,
    contact_since: Option<Instant>,
    last_contact: Instant,
    rescued: BTreeSet<ClaimKey>,
}

impl Pulse {
    /// After a beat that was sent then and is answered now.
    fn new(core: Arc<Core>, sent_at: Instant) -> Self {
        Self { core, contact_since: Some(Instant::now()), last_contact: sent_at, rescued: BTreeSet::new() }
    }

    async fn once(&mut self, store: &dyn Store, options: &EngineOptions) {
        let sent_at = Instant::now();
        let may_judge = self.had_contact_for(options.lease);
        let answer = store.heartbeat(beat(options, &self.core, may_judge)).await;
        let settled = self.core.executor.beat_ends();
        match answer {
            Ok(mut answer) => {
                self.core.heard();
                self.contact(sent_at, options.lease);
                answer.unknown.retain(|work| !settled.contains(&key_of(work)));
                self.act_on(answer).await;
            }
            Err(error) => {
                self.contact_since = None;
                warn!(%error, "a heartbeat failed");
            }
        }
    }

    /// Only a node that itself had unbroken contact for a whole lease may judge others.
    fn had_contact_for(&self, lease: Duration) -> bool {
        self.contact_since.is_some_and(|since| since.elapsed() >= lease)
            && self.last_contact.elapsed() <= lease
    }

    /// An answer proves contact at some time between question and answer, so a gap is counted from a question to the
    /// next answer.
    fn contact(&mut self, asked_at: Instant, lease: Duration) {
        let now = Instant::now();
        if now - self.last_contact > lease {
            self.contact_since = None;
        }
        self.contact_since.get_or_insert(now);
        self.last_contact = asked_at;
    }

    async fn act_on(&mut self, answer: HeartbeatAnswer) {
        if answer.lost {
            info!(worker.id = %self.core.id(), "this worker was judged lost; it starts anew under another id");
            self.core.executor.drop_all();
            self.core.renew_id();
            self.core.beat_now.notify_one();
            return;
        }
        self.core.registered();
        for work in answer.unknown {
            self.core.take_up(work, &answer.revoked);
        }
        answer.revoked.into_iter().for_each(|key| self.core.executor.revoke(key));
        self.rescue(answer.orphans).await;
    }

    /// Hands each orphan to the settler once; it is handed again only if a later heartbeat still finds it.
    async fn rescue(&mut self, orphans: Vec<ClaimKey>) {
        let found: BTreeSet<ClaimKey> = orphans.into_iter().collect();
        self.rescued.retain(|key| found.contains(key));
        for key in found {
            if self.rescued.insert(key) {
                // Without a settler the engine is gone; another worker rescues.
                let _ = self.core.lanes.send(Item::of_orphan(key)).await;
            }
        }
    }
}

fn beat(options: &EngineOptions, core: &Core, may_judge: bool) -> Heartbeat {
    Heartbeat {
        worker: core.id(),
        name: options.worker_name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        handlers: core.handlers.clone(),
        capacity: u32::try_from(core.slots.capacity()).unwrap_or(u32::MAX),
        held: core.executor.beat_begins(),
        lease: options.lease,
        may_judge,
        rescue_limit: RESCUE_LIMIT,
    }
}
