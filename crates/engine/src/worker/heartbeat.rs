//! Heartbeat: tells that the worker lives, compares what it holds with what the store thinks it holds, and brings
//! the claims of lost workers to the settler (`engine.md` 5).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer};
use tasker_store::{Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Core;
use crate::engine::Parts;
use crate::options::EngineOptions;
use crate::settler::Item;

/// Most claims of lost workers that one heartbeat takes on.
const RESCUE_LIMIT: usize = 512;

/// Registers the worker, and learns of claims that lost workers left.
pub(crate) async fn first(parts: &Parts, core: &Arc<Core>) -> Result<(), StoreError> {
    let answer = parts.store.heartbeat(beat(&parts.options, core, false)).await?;
    Pulse::new(core.clone()).rescue(answer.orphans).await;
    Ok(())
}

/// Beats until `stop`. The beating has a thread of its own, so that handlers which block their threads do not make
/// the worker look lost.
pub(crate) async fn run(parts: Arc<Parts>, core: Arc<Core>, stop: CancellationToken) {
    let (ended, end) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("tasker-heartbeat".into()).spawn(move || {
        let _ended = ended;
        match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(own) => own.block_on(keep_beating(parts, core, stop)),
            Err(error) => warn!(%error, "the heartbeat cannot run"),
        }
    });
    match thread {
        // Resolves, with an error, when the thread drops its end.
        Ok(_) => drop(end.await),
        Err(error) => warn!(%error, "the heartbeat's thread cannot be started"),
    }
}

async fn keep_beating(parts: Arc<Parts>, core: Arc<Core>, stop: CancellationToken) {
    let options = parts.options.clone();
    let mut pulse = Pulse::new(core.clone());
    loop {
        tokio::select! {
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
    rescued: HashSet<ClaimKey>,
}

impl Pulse {
    fn new(core: Arc<Core>) -> Self {
        let now = Instant::now();
        Self { core, contact_since: Some(now), last_contact: now, rescued: HashSet::new() }
    }

    async fn once(&mut self, store: &dyn Store, options: &EngineOptions) {
        let may_judge = self.had_contact_for(options.lease);
        match store.heartbeat(beat(options, &self.core, may_judge)).await {
            Ok(answer) => {
                self.contact(options.lease);
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
    }

    fn contact(&mut self, lease: Duration) {
        let now = Instant::now();
        if now - self.last_contact > lease {
            self.contact_since = None;
        }
        self.contact_since.get_or_insert(now);
        self.last_contact = now;
    }

    async fn act_on(&mut self, answer: HeartbeatAnswer) {
        if answer.lost {
            info!(worker.id = %self.core.id(), "this worker was judged lost; it starts anew under another id");
            self.core.executor.drop_all();
            self.core.renew_id();
            self.core.beat_now.notify_one();
            return;
        }
        answer.revoked.into_iter().for_each(|key| self.core.executor.revoke(key));
        answer.unknown.into_iter().for_each(|work| self.core.take_up(work));
        self.rescue(answer.orphans).await;
    }

    /// Hands each orphan to the settler once; it is handed again only if a later heartbeat still finds it.
    async fn rescue(&mut self, orphans: Vec<ClaimKey>) {
        let found: HashSet<ClaimKey> = orphans.into_iter().collect();
        self.rescued.retain(|key| found.contains(key));
        for key in found {
            if self.rescued.insert(key) {
                // Without a settler the engine is gone; another worker rescues.
                let _ = self.core.items.send(Item::of_orphan(key)).await;
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
        held: core.executor.held_keys(),
        lease: options.lease,
        may_judge,
        rescue_limit: RESCUE_LIMIT,
    }
}
