//! Executor: runs handlers, and makes an outcome of every way in which they can end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tasker_core::decide::Input;
use tasker_core::outcome::{Failure, Outcome};
use tasker_store::workers::ClaimKey;
use tasker_store::write::Work;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Attempt};
use super::slots::Slot;
use crate::handler::Handlers;
use crate::settler::Item;

/// How long a handler that was told to stop may go on before it is dropped.
const OVERRUN: Duration = Duration::from_secs(10);

/// How exact time limits are.
const TICK: Duration = Duration::from_millis(25);

/// Runs the claims of one worker.
pub(crate) struct Executor {
    handlers: Handlers,
    attempts: attempt::Settings,
    settle: mpsc::Sender<Item>,
    held: Mutex<HashMap<ClaimKey, Held>>,
    overrunning: Mutex<Vec<(Instant, AbortHandle)>>,
    changed: Notify,
    /// Where handlers run, whoever starts them.
    runtime: Handle,
}

/// A claim whose outcome is not settled.
struct Held {
    cancellation: CancellationToken,
    deadline: Instant,
    timeout: Duration,
    task: Option<AbortHandle>,
    reported: bool,
}

impl Executor {
    pub(crate) fn new(handlers: Handlers, attempts: attempt::Settings, settle: mpsc::Sender<Item>) -> Self {
        Self {
            handlers,
            attempts,
            settle,
            held: Mutex::default(),
            overrunning: Mutex::default(),
            changed: Notify::new(),
            runtime: Handle::current(),
        }
    }

    /// Runs a claimed step in a slot.
    pub(crate) fn start(self: &Arc<Self>, work: Work, slot: Slot) {
        let key = key_of(&work);
        let attempt = Attempt::new(work, &self.attempts);
        let held = Held {
            cancellation: attempt.cancellation.clone(),
            deadline: Instant::now() + attempt.timeout,
            timeout: attempt.timeout,
            task: None,
            reported: false,
        };
        match self.held().entry(key) {
            Entry::Occupied(_) => return,
            Entry::Vacant(entry) => entry.insert(held),
        };
        let executor = self.clone();
        let task = self.runtime.spawn(async move {
            let outcome = executor.run(attempt).await;
            drop(slot);
            executor.report(key, outcome).await;
        });
        if let Some(held) = self.held().get_mut(&key) {
            held.task = Some(task.abort_handle());
        }
        self.changed.notify_one();
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let handler = self.handlers.get(attempt.handler()).cloned();
        let Some(handler) = handler else {
            return Outcome::Failure(attempt.not_served());
        };
        match AssertUnwindSafe(attempt.run(&*handler)).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(panic) => Outcome::Failure(attempt::panicked(&*panic)),
        }
    }

    /// Hands an outcome to the settler, unless the claim already has one.
    async fn report(&self, key: ClaimKey, outcome: Outcome) {
        let first = self.held().get_mut(&key).is_some_and(Held::first_report);
        if first {
            self.send(key, outcome).await;
        }
    }

    async fn send(&self, key: ClaimKey, outcome: Outcome) {
        let input = Input::Settle { step: key.ordinal, fence: key.fence, outcome };
        // The settler is gone only when the engine is; then the claim is rescued by another worker.
        let _ = self.settle.send(Item::of_claim(key, input)).await;
    }

    /// Gives a claim back whose handler was not called.
    pub(crate) fn give_back(&self, key: ClaimKey) {
        let item = Item::of_claim(key, Input::GiveBack { step: key.ordinal, fence: key.fence });
        let settle = self.settle.clone();
        // Without a settler the engine is gone; then the claim is rescued by another worker.
        self.runtime.spawn(async move { settle.send(item).await });
    }

    /// The claim's outcome is committed, or came too late: it is held no more.
    pub(crate) fn settled(&self, key: ClaimKey) {
        if let Some(held) = self.held().remove(&key) {
            held.cancellation.cancel();
        }
        self.changed.notify_one();
    }

    /// Tells the handler of a claim to stop; whatever it still reports is settled as usual.
    pub(crate) fn revoke(&self, key: ClaimKey) {
        if let Some(held) = self.held().get_mut(&key) {
            held.cancellation.cancel();
            held.deadline = held.deadline.min(Instant::now() + OVERRUN);
        }
    }

    /// Drops every claim without reporting: the worker was found lost, others have them now.
    pub(crate) fn drop_all(&self) {
        for (_, held) in self.held().drain() {
            held.cancellation.cancel();
            self.abandon(&held);
        }
        self.changed.notify_one();
    }

    /// Ends every running handler: each attempt counts as interrupted.
    pub(crate) async fn interrupt_all(&self) {
        let keys: Vec<ClaimKey> = self.held_keys();
        for key in keys {
            self.end_early(key, Outcome::Interrupted).await;
        }
    }

    /// Claims that are not settled.
    pub(crate) fn held_keys(&self) -> Vec<ClaimKey> {
        self.held().keys().copied().collect()
    }

    /// How many claims are not settled.
    pub(crate) fn n_held(&self) -> usize {
        self.held().len()
    }

    /// Handlers that go on although their attempt is over.
    pub(crate) fn n_overrunning(&self) -> usize {
        let mut overrunning = self.overrunning.lock().unwrap_or_else(PoisonError::into_inner);
        overrunning.retain(|(_, task)| !task.is_finished());
        overrunning.len()
    }

    /// Resolves when no claim is held any more.
    pub(crate) async fn emptied(&self) {
        loop {
            let changed = self.changed.notified();
            if self.n_held() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Ends attempts whose time is over, and handlers that ignored it, until `stop`.
    pub(crate) async fn watch(&self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => self.end_overdue(Instant::now()).await,
            }
        }
    }

    async fn end_overdue(&self, now: Instant) {
        let overdue: Vec<(ClaimKey, Duration)> = {
            let held = self.held();
            held.iter()
                .filter(|(_, h)| !h.reported && h.deadline <= now)
                .map(|(k, h)| (*k, h.timeout))
                .collect()
        };
        for (key, timeout) in overdue {
            self.end_early(key, Outcome::Failure(timed_out(timeout))).await;
        }
        let mut overrunning = self.overrunning.lock().unwrap_or_else(PoisonError::into_inner);
        overrunning.retain(|(drop_at, task)| {
            if *drop_at <= now {
                task.abort();
            }
            !task.is_finished()
        });
    }

    /// Reports an outcome while the handler still runs, then tells the handler: what it says later does not count.
    async fn end_early(&self, key: ClaimKey, outcome: Outcome) {
        let first = self.held().get_mut(&key).is_some_and(|held| {
            let first = held.first_report();
            if first {
                held.cancellation.cancel();
                self.abandon(held);
            }
            first
        });
        if first {
            self.send(key, outcome).await;
        }
    }

    fn abandon(&self, held: &Held) {
        let mut overrunning = self.overrunning.lock().unwrap_or_else(PoisonError::into_inner);
        overrunning.extend(held.task.clone().map(|task| (Instant::now() + OVERRUN, task)));
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<ClaimKey, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Whether no outcome was reported before; from now on one was.
    fn first_report(&mut self) -> bool {
        !std::mem::replace(&mut self.reported, true)
    }
}

/// Identity of the claim of some work.
pub(crate) fn key_of(work: &Work) -> ClaimKey {
    ClaimKey { task: work.claim.task, ordinal: work.claim.ordinal, fence: work.claim.fence }
}

fn timed_out(timeout: Duration) -> Failure {
    let message = format!("the step did not end within its limit of {} s", timeout.as_secs_f64());
    Failure::retryable("StepTimeout", "step_timeout", message)
}
