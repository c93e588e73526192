//! Worker: what makes a process run steps.

mod attempt;
mod checker;
pub(crate) mod claimer;
mod executor;
mod heartbeat;
mod pruner;
pub(crate) mod slots;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::plan::Plan;
use tasker_store::StoreError;
use tasker_store::workers::ClaimKey;
use tasker_store::write::Work;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use self::executor::{Executor, key_of};
use self::slots::{Borrower, Lent, Slots};
use crate::engine::{Engine, Parts};
use crate::entropy::Entropy;
use crate::handler::Handlers;
use crate::lanes::Lanes;
use crate::options::EngineOptions;

/// Which steps a worker runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All that its handlers can serve.
    All,
    /// Those of one task.
    Task(TaskId),
}

/// A running worker. Dropping it lets its handlers run on without anybody to stop them: call [`Worker::stop`].
pub struct Worker {
    engine: Engine,
    core: Arc<Core>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// How busy a worker is, now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkerLoad {
    /// Handlers that may run at once.
    pub slots: usize,
    /// Handlers that run.
    pub running: usize,
    /// Steps that are claimed and not settled.
    pub held: usize,
    /// Tasks that these steps belong to.
    pub tasks: usize,
    /// Handlers that go on although their attempt is over.
    pub overrunning: usize,
}

/// What the parts of a worker share.
pub(crate) struct Core {
    pub(crate) executor: Arc<Executor>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) lanes: Lanes,
    scope: Scope,
    handlers: Vec<HandlerName>,
    max_in_flight: usize,
    id: Mutex<WorkerId>,
    /// Whether the store knows the id. Claims of a worker that it does not know are taken away at once.
    is_registered: AtomicBool,
    entropy: Arc<dyn Entropy>,
    stopping: CancellationToken,
    beat_now: Notify,
    /// When the last heartbeat was answered.
    heard_at: Mutex<Instant>,
}

/// How the worker of a process is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkerPulse {
    /// How long ago its last heartbeat was answered.
    pub silent_for: Duration,
    /// How many handlers it serves.
    pub handlers: usize,
}

impl Worker {
    pub(crate) async fn start(engine: &Engine, scope: Scope) -> Result<Self, StoreError> {
        let core = Arc::new(Core::new(engine, scope));
        let first_sent = heartbeat::first(&engine.parts, &core).await?;
        engine.parts.set_worker(Some(core.clone()));
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let watched = core.executor.clone();
        let until = stop.clone();
        tracker.spawn(async move { watched.watch(until).await });
        tracker.spawn(listen(engine.parts.clone(), stop.clone()));
        tracker.spawn(heartbeat::run(engine.parts.clone(), core.clone(), first_sent, stop.clone()));
        tracker.spawn(pruner::run(engine.parts.clone(), stop.clone()));
        if scope == Scope::All {
            tracker.spawn(checker::run(engine.parts.clone(), stop.clone()));
        }
        tracker.close();
        info!(worker.id = %core.id(), handlers = core.handlers.len(), "worker started");
        Ok(Self { engine: engine.clone(), core, stop, tracker })
    }

    /// Its identity; a new one after it was judged lost.
    pub fn id(&self) -> WorkerId {
        self.core.id()
    }

    /// Handlers that run now.
    pub fn running(&self) -> usize {
        self.core.slots.in_use()
    }

    /// Handlers that go on although their attempt is over.
    pub fn overrunning(&self) -> usize {
        self.core.executor.n_overrunning()
    }

    /// Resolves when this worker runs nothing, and nothing that it could run is scheduled, claimed elsewhere or
    /// waiting for its time.
    ///
    /// # Errors
    /// [`StoreError`] if the queue cannot be read.
    pub async fn until_idle(&self) -> Result<(), StoreError> {
        let mut commits = self.engine.commits();
        loop {
            commits.mark_unchanged();
            if self.core.executor.n_held() == 0 && self.nothing_scheduled().await? {
                return Ok(());
            }
            let poll = self.engine.parts.options.poll_interval;
            // A commit is a hint; without one the queue is looked at again after the poll interval.
            let _ = tokio::time::timeout(poll, commits.changed()).await;
        }
    }

    async fn nothing_scheduled(&self) -> Result<bool, StoreError> {
        let queue = self.engine.parts.store.queue().await?;
        Ok(!queue.iter().any(|depth| self.core.handlers.contains(&depth.handler)))
    }

    /// Stops gracefully: claims no more, lets handlers run on for the grace period, interrupts the rest.
    pub async fn stop(self) {
        let grace = self.engine.parts.options.grace;
        self.stop_within(grace).await;
    }

    /// Stops at once: running attempts are interrupted.
    pub async fn stop_now(self) {
        self.stop_within(Duration::ZERO).await;
    }

    /// Stops gracefully with this grace period.
    pub async fn stop_within(self, grace: Duration) {
        self.core.stopping.cancel();
        if tokio::time::timeout(grace, self.core.executor.emptied()).await.is_err() {
            self.core.executor.interrupt_all().await;
            // Outcomes that cannot be committed now are left to the rescue by other workers.
            let _ = tokio::time::timeout(self.engine.parts.options.lease, self.core.executor.emptied()).await;
        }
        self.engine.parts.set_worker(None);
        self.stop.cancel();
        self.tracker.wait().await;
        let id = self.core.id();
        match self.engine.parts.store.worker_stopped(id).await {
            Ok(()) => info!(worker.id = %id, "worker stopped"),
            Err(error) => tracing::warn!(worker.id = %id, %error, "the worker's end could not be recorded"),
        }
    }
}

impl Core {
    /// How busy it is.
    pub(crate) fn load(&self) -> WorkerLoad {
        WorkerLoad {
            slots: self.slots.capacity(),
            running: self.slots.in_use(),
            held: self.executor.n_held(),
            tasks: self.executor.n_tasks(),
            overrunning: self.executor.n_overrunning(),
        }
    }

    fn new(engine: &Engine, scope: Scope) -> Self {
        let options = &engine.parts.options;
        let attempts = attempt::Settings {
            store: engine.parts.store.clone(),
            max_result_bytes: options.max_result_bytes,
        };
        let handlers = (*engine.handlers).clone();
        Self {
            slots: Slots::new(options.max_concurrent_steps, limits(&handlers, options)),
            handlers: handlers.names().cloned().collect(),
            executor: Arc::new(Executor::new(
                handlers,
                attempts,
                engine.lanes.clone(),
                options.observer.clone(),
            )),
            lanes: engine.lanes.clone(),
            scope,
            max_in_flight: options.max_in_flight,
            id: Mutex::new(WorkerId(options.entropy.id())),
            is_registered: AtomicBool::new(true),
            entropy: options.entropy.clone(),
            stopping: CancellationToken::new(),
            beat_now: Notify::new(),
            heard_at: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn id(&self) -> WorkerId {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pulse(&self) -> WorkerPulse {
        let heard_at = *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner);
        WorkerPulse { silent_for: heard_at.elapsed(), handlers: self.handlers.len() }
    }

    /// A heartbeat was answered.
    fn heard(&self) {
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Borrows free slots for a transaction that may claim; `None` if there are none, or the worker stops.
    pub(crate) fn lend(&self, borrower: Borrower) -> Option<Lent> {
        // Read before it is asked whether the store knows it: one that is renewed in between is not lent to.
        let id = self.id();
        if !self.may_claim() {
            return None;
        }
        let only_task = match self.scope {
            Scope::All => None,
            Scope::Task(task) => Some(task),
        };
        self.slots.lend(id, only_task, self.room_in_flight(), borrower)
    }

    /// Whether there is anything that [`Core::lend`] could lend.
    pub(crate) fn has_free_slots(&self) -> bool {
        self.may_claim() && self.slots.has_free() && self.room_in_flight() > 0
    }

    fn may_claim(&self) -> bool {
        self.is_registered.load(Ordering::SeqCst) && !self.stopping.is_cancelled()
    }

    /// How many more claims may be under way.
    fn room_in_flight(&self) -> usize {
        self.max_in_flight.saturating_sub(self.executor.n_held())
    }

    /// The outcome of a claim is committed, or came too late: there is room for another claim, which the lane that asks the
    /// queue may be waiting for. Answers with the plan of its task.
    pub(crate) fn settled(&self, key: ClaimKey) -> Option<Arc<Plan>> {
        let plan = self.executor.settled(key);
        self.slots.look_again();
        plan
    }

    /// Runs what a committed transaction claimed.
    pub(crate) fn start(self: &Arc<Self>, work: Vec<Work>, lent: Lent) {
        let slots = lent.spend(&work);
        for (work, slot) in
            work.into_iter().zip(slots).filter(|(work, _)| !self.executor.is_late(&key_of(work)))
        {
            if self.stopping.is_cancelled() {
                self.executor.give_back(key_of(&work));
            } else {
                self.executor.start(work, slot);
            }
        }
    }

    /// Runs a claim that is ours although we had not heard of it; gives it back when stopping, or if it is revoked.
    fn take_up(self: &Arc<Self>, work: Work, revoked: &[ClaimKey]) {
        let key = key_of(&work);
        self.executor.told_by_heartbeat(key);
        if self.stopping.is_cancelled() || revoked.contains(&key) {
            self.executor.give_back(key);
        } else {
            let slot = self.slots.force(&work.plan.step(work.claim.ordinal).handler);
            self.executor.start(work, slot);
        }
    }

    /// After a commit whose outcome is not known there may be claims that nobody runs: compares at once.
    pub(crate) fn doubt(&self, error: &StoreError) {
        if matches!(error, StoreError::OutcomeUnknown { .. }) {
            self.beat_now.notify_one();
        }
    }

    /// The worker was found lost: it goes on under another id, once the store has heard of that.
    fn renew_id(&self) {
        self.is_registered.store(false, Ordering::SeqCst);
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = WorkerId(self.entropy.id());
    }

    /// The store knows the id.
    fn registered(&self) {
        if !self.is_registered.swap(true, Ordering::SeqCst) {
            self.slots.look_again();
        }
    }
}

/// Passes the hints of other nodes on to the settler, until `stop`.
async fn listen(parts: Arc<Parts>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = parts.store.hinted() => parts.hint(),
        }
    }
}

/// The slots of each handler: its own limit, else that of the node.
fn limits(handlers: &Handlers, options: &EngineOptions) -> HashMap<HandlerName, usize> {
    let limit = |name: &HandlerName| {
        let own = handlers.get(name).and_then(|handler| handler.concurrency_limit());
        let set = options.handler_limits.get(name).copied();
        own.into_iter().chain(set).chain([options.max_concurrent_steps]).min().unwrap_or(1)
    };
    handlers.names().map(|name| (name.clone(), limit(name))).collect()
}
