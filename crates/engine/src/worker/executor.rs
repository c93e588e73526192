//! Executor: runs handlers, and makes an outcome of every way in which they can end.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tasker_core::decide::Input;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::plan::Plan;
use tasker_store::workers::ClaimKey;
use tasker_store::write::Work;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, debug, info, info_span};

use super::attempt::{self, Attempt};
use super::slots::Slot;
use crate::handler::Handlers;
use crate::lanes::Lanes;
use crate::observe::Observer;
use crate::settler::Item;

/// How long a handler that was told to stop may go on before it is dropped.
const OVERRUN: Duration = Duration::from_secs(10);

/// How long it is remembered that a heartbeat told of a claim: longer than any answer of a store may take.
const ANSWERS_TAKE: Duration = Duration::from_secs(60);

/// How exact time limits are.
const TICK: Duration = Duration::from_millis(25);

/// Runs the claims of one worker.
pub(crate) struct Executor {
    handlers: Handlers,
    attempts: attempt::Settings,
    lanes: Lanes,
    observer: Arc<dyn Observer>,
    held: Mutex<HashMap<ClaimKey, Held>>,
    /// Claims that a heartbeat told of. The answer that should have may still come.
    told: Mutex<Vec<(Instant, ClaimKey)>>,
    /// Claims that were settled while a heartbeat is under way: its answer may still tell of them.
    settled_meanwhile: Mutex<Option<Vec<ClaimKey>>>,
    watched: Watched,
    overrunning: Mutex<Vec<(Instant, AbortHandle)>>,
    changed: Notify,
    /// Where handlers run, whoever starts them.
    runtime: Handle,
}

/// Up to when nothing has to be ended, as whoever ends attempts knows.
#[derive(Default)]
struct Watched {
    until: Mutex<Option<Instant>>,
    sooner: Notify,
}

/// A claim whose outcome is not settled.
struct Held {
    cancellation: CancellationToken,
    deadline: Instant,
    timeout: Duration,
    plan: Arc<Plan>,
    started: Instant,
    span: Span,
    task: Option<AbortHandle>,
    reported: bool,
}

impl Executor {
    pub(crate) fn new(
        handlers: Handlers,
        attempts: attempt::Settings,
        lanes: Lanes,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            handlers,
            attempts,
            lanes,
            observer,
            held: Mutex::default(),
            told: Mutex::default(),
            settled_meanwhile: Mutex::default(),
            watched: Watched::default(),
            overrunning: Mutex::default(),
            changed: Notify::new(),
            runtime: Handle::current(),
        }
    }

    /// Runs a claimed step in a slot.
    pub(crate) fn start(self: &Arc<Self>, work: Work, slot: Slot) {
        let key = key_of(&work);
        let (plan, claim) = (work.plan.clone(), work.claim.clone());
        let span = span_of(&work);
        let attempt = Attempt::new(work, &self.attempts);
        let started = Instant::now();
        let held = Held {
            cancellation: attempt.cancellation.clone(),
            deadline: started + attempt.timeout,
            timeout: attempt.timeout,
            plan,
            started,
            span: span.clone(),
            task: None,
            reported: false,
        };
        let deadline = held.deadline;
        match self.held().entry(key) {
            Entry::Occupied(_) => return,
            Entry::Vacant(entry) => {
                let held = entry.insert(held);
                if claim.starts_task {
                    self.observer.task_started(&held.plan, claim.waited);
                }
                self.observer.attempt_started(&held.plan, key.ordinal, claim.attempt, claim.waited);
            }
        }
        let executor = self.clone();
        let running = async move {
            debug!("a handler is called");
            let outcome = executor.run(attempt).await;
            drop(slot);
            executor.report(key, outcome).await;
        };
        let task = self.runtime.spawn(running.instrument(span));
        if let Some(held) = self.held().get_mut(&key) {
            held.task = Some(task.abort_handle());
        }
        self.watched.not_beyond(deadline);
        self.changed.notify_one();
    }

    /// A heartbeat is about to tell what is held.
    pub(crate) fn beat_begins(&self) -> Vec<ClaimKey> {
        *self.settled_meanwhile() = Some(Vec::new());
        self.held_keys()
    }

    /// The heartbeat was answered, or failed. Says what was settled meanwhile.
    pub(crate) fn beat_ends(&self) -> Vec<ClaimKey> {
        self.settled_meanwhile().take().unwrap_or_default()
    }

    fn settled_meanwhile(&self) -> std::sync::MutexGuard<'_, Option<Vec<ClaimKey>>> {
        self.settled_meanwhile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A heartbeat told of a claim: whatever else tells of it from now on is late.
    pub(crate) fn told_by_heartbeat(&self, key: ClaimKey) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(at, _)| now - *at < ANSWERS_TAKE);
        told.push((now, key));
    }

    /// Whether a heartbeat told of a claim before.
    pub(crate) fn is_late(&self, key: &ClaimKey) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(_, told)| told == key)
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
        let first = self.held().get_mut(&key).is_some_and(|held| {
            let first = held.first_report();
            if first {
                self.observe_end(key, held, &outcome);
            }
            first
        });
        if first {
            self.send(key, outcome).await;
        }
    }

    fn observe_end(&self, key: ClaimKey, held: &Held, outcome: &Outcome) {
        let is_success = matches!(outcome, Outcome::Success(_));
        let took = held.started.elapsed();
        held.span.in_scope(|| tell_end(outcome, took));
        self.observer.attempt_ended(&held.plan, key.ordinal, is_success, took);
    }

    async fn send(&self, key: ClaimKey, outcome: Outcome) {
        let input = Input::Settle { step: key.ordinal, fence: key.fence, outcome };
        // The settler is gone only when the engine is; then the claim is rescued by another worker.
        let _ = self.lanes.send(Item::of_claim(key, input)).await;
    }

    /// Gives a claim back whose handler was not called.
    pub(crate) fn give_back(&self, key: ClaimKey) {
        let item = Item::of_claim(key, Input::GiveBack { step: key.ordinal, fence: key.fence });
        let lanes = self.lanes.clone();
        // Without a settler the engine is gone; then the claim is rescued by another worker.
        self.runtime.spawn(async move { lanes.send(item).await });
    }

    /// The claim's outcome is committed, or came too late: it is held no more. Answers with the plan of its task.
    pub(crate) fn settled(&self, key: ClaimKey) -> Option<Arc<Plan>> {
        let held = self.held().remove(&key);
        if let Some(held) = &held {
            held.cancellation.cancel();
        }
        if let Some(settled) = &mut *self.settled_meanwhile() {
            settled.push(key);
        }
        self.changed.notify_one();
        held.map(|held| held.plan)
    }

    /// Tells the handler of a claim to stop; whatever it still reports is settled as usual.
    pub(crate) fn revoke(&self, key: ClaimKey) {
        let end_by = Instant::now() + OVERRUN;
        if let Some(held) = self.held().get_mut(&key) {
            held.cancellation.cancel();
            held.deadline = held.deadline.min(end_by);
        }
        self.watched.not_beyond(end_by);
    }

    /// Drops every claim without reporting: the worker was found lost, others have them now.
    pub(crate) fn drop_all(&self) {
        let mut dropped: Vec<(ClaimKey, Held)> = self.held().drain().collect();
        dropped.sort_by_key(|(key, _)| *key);
        for (_, held) in dropped {
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

    /// Claims that are not settled, in order.
    pub(crate) fn held_keys(&self) -> Vec<ClaimKey> {
        let mut keys: Vec<ClaimKey> = self.held().keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// How many claims are not settled.
    pub(crate) fn n_held(&self) -> usize {
        self.held().len()
    }

    /// How many tasks these claims belong to.
    pub(crate) fn n_tasks(&self) -> usize {
        let held = self.held();
        held.keys().map(|key| key.task).collect::<HashSet<_>>().len()
    }

    /// Handlers that go on although their attempt is over.
    pub(crate) fn n_overrunning(&self) -> usize {
        let mut overrunning = self.overrunning();
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
        loop {
            let next = self.next_end();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.watched.sooner.notified() => {}
                () = until(next) => {
                    self.end_overdue(Instant::now()).await;
                    // However many limits there are, they are looked at no more often than this.
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    }

    /// When the next attempt or handler has to be ended.
    fn next_end(&self) -> Option<Instant> {
        // While this looks, whatever comes is told.
        self.watched.set(None);
        let limit = self.held().values().filter(|held| !held.reported).map(|held| held.deadline).min();
        let over = self.overrunning().iter().map(|(drop_at, _)| *drop_at).min();
        let next = limit.into_iter().chain(over).min();
        self.watched.set(next);
        next
    }

    async fn end_overdue(&self, now: Instant) {
        let mut overdue: Vec<(ClaimKey, Duration)> = {
            let held = self.held();
            held.iter()
                .filter(|(_, h)| !h.reported && h.deadline <= now)
                .map(|(k, h)| (*k, h.timeout))
                .collect()
        };
        overdue.sort_unstable();
        for (key, timeout) in overdue {
            self.end_early(key, Outcome::Failure(timed_out(timeout))).await;
        }
        self.overrunning().retain(|(drop_at, task)| {
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
                self.observe_end(key, held, &outcome);
            }
            first
        });
        if first {
            self.send(key, outcome).await;
        }
    }

    fn abandon(&self, held: &Held) {
        let drop_at = Instant::now() + OVERRUN;
        self.overrunning().extend(held.task.clone().map(|task| (drop_at, task)));
        self.watched.not_beyond(drop_at);
    }

    fn overrunning(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, AbortHandle)>> {
        self.overrunning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<ClaimKey, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Something has to be ended at this time.
    fn not_beyond(&self, deadline: Instant) {
        if self.lock().is_none_or(|until| deadline < until) {
            self.sooner.notify_one();
        }
    }

    fn set(&self, until: Option<Instant>) {
        *self.lock() = until;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
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
    ClaimKey::from(&work.claim)
}

/// What log lines about an execution say besides: which it is, and what ties its task to whatever caused it.
fn span_of(work: &Work) -> Span {
    info_span!(
        "step",
        task.id = %work.claim.task,
        step = work.plan.name(work.claim.ordinal).as_str(),
        attempt = work.claim.attempt,
        correlation.id = work.correlation_id,
    )
}

/// Logs how an execution ended. Words of handlers, which may hold anything, are left out.
fn tell_end(outcome: &Outcome, took: Duration) {
    let duration_ms = took.as_millis();
    match outcome {
        Outcome::Success(_) => debug!(duration_ms, "a step succeeded"),
        Outcome::Failure(failure) => {
            let (class, code) = (failure.class.as_str(), failure.code.as_str());
            info!(duration_ms, error.class = class, error.code = code, "a step failed");
        }
        Outcome::LeaseExpired | Outcome::Interrupted => info!(duration_ms, "a step was interrupted"),
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn timed_out(timeout: Duration) -> Failure {
    let message = format!("the step did not end within its limit of {} s", timeout.as_secs_f64());
    Failure::retryable("StepTimeout", "step_timeout", message)
}
