//! Settler: the one path by which tasks change, one for each lane.
//!
//! Takes whatever outcomes and operators' actions have arrived, commits them as one transaction, and claims in the
//! same transaction what became free (continuation) or is due in the queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::decide::{Answer, Input};
use tasker_core::ids::TaskId;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::plan::Plan;
use tasker_core::record::Change;
use tasker_core::text::chain;
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::workers::ClaimKey;
use tasker_store::write::{Applied, ApplyBatch, Claiming, Ended, FromQueue, Logged};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::engine::Parts;
use crate::observe::{CommitKind, Observer};
use crate::patience::{REQUEST_PATIENCE, RETRY_WAITS};
use crate::worker::Core;
use crate::worker::claimer::Claimer;
use crate::worker::slots::{Borrower, Lent};

/// One input on its way to the store.
pub(crate) struct Item {
    task: TaskId,
    input: Input,
    claim: Option<ClaimKey>,
    reply: Option<oneshot::Sender<Result<Answer, StoreError>>>,
    arrived: Instant,
}

impl Item {
    /// What came of a claim of this node's worker.
    pub(crate) fn of_claim(key: ClaimKey, input: Input) -> Self {
        Self { task: key.task, input, claim: Some(key), reply: None, arrived: Instant::now() }
    }

    /// The claim of a worker that is lost.
    pub(crate) fn of_orphan(key: ClaimKey) -> Self {
        let input = Input::Settle { step: key.ordinal, fence: key.fence, outcome: Outcome::LeaseExpired };
        Self { task: key.task, input, claim: None, reply: None, arrived: Instant::now() }
    }

    /// An operator's action, and who waits for its answer.
    pub(crate) fn of_operator(
        task: TaskId,
        input: Input,
        reply: oneshot::Sender<Result<Answer, StoreError>>,
    ) -> Self {
        Self { task, input, claim: None, reply: Some(reply), arrived: Instant::now() }
    }

    /// The task that it is about.
    pub(crate) fn task(&self) -> TaskId {
        self.task
    }

    fn bytes(&self) -> usize {
        match &self.input {
            Input::Settle { outcome: Outcome::Success(result), .. } => result.as_str().len(),
            _ => 0,
        }
    }
}

/// Settles what arrives on some lanes.
pub(crate) fn start(parts: &Arc<Parts>, lanes: Vec<mpsc::Receiver<Item>>, tracker: &TaskTracker) {
    let claimer = Arc::new(Claimer::new(parts.options.poll_interval, Instant::now()));
    let mut leads = true;
    for items in lanes {
        tracker.spawn(run(parts.clone(), items, claimer.clone(), std::mem::take(&mut leads)));
    }
}

/// Runs until the engine shuts down; whatever had arrived by then is still committed.
async fn run(parts: Arc<Parts>, items: mpsc::Receiver<Item>, claimer: Arc<Claimer>, leads: bool) {
    let mut settler = Settler {
        parts,
        items,
        claimer,
        leads,
        waiting: VecDeque::new(),
        blocked: Vec::new(),
        retry_wait: RETRY_WAITS.0,
        end: None,
    };
    while settler.wait_for_work().await {
        settler.commit_once().await;
    }
}

struct Settler {
    parts: Arc<Parts>,
    items: mpsc::Receiver<Item>,
    claimer: Arc<Claimer>,
    /// Whether it asks the queue when nothing else is to be written. One lane does so for all.
    leads: bool,
    waiting: VecDeque<Item>,
    /// Items of tasks that another session holds, and when to try them again.
    blocked: Vec<(Instant, Item)>,
    /// How long the next failure of the database is waited out; grows from one to the next.
    retry_wait: Duration,
    /// When an engine that shuts down gives up on a database that cannot be used.
    end: Option<Instant>,
}

impl Settler {
    /// Resolves when there is something to commit or to claim; `false` when the engine has shut down.
    async fn wait_for_work(&mut self) -> bool {
        loop {
            self.take_arrived();
            let worker = self.parts.worker();
            let can_claim = self.leads && worker.as_ref().is_some_and(|worker| worker.has_free_slots());
            if !self.waiting.is_empty() || (can_claim && self.claimer.wants_to_ask(Instant::now())) {
                return true;
            }
            let is_open = !self.items.is_closed();
            let next_look = self.claimer.next_look().filter(|_| can_claim);
            let next_blocked = self.blocked.iter().map(|(at, _)| *at).min();
            tokio::select! {
                biased;
                item = self.items.recv() => match item {
                    Some(item) => self.waiting.push_back(item),
                    None => return false,
                },
                () = self.parts.hinted(), if self.leads => self.claimer.hint(),
                () = self.claimer.changed(), if self.leads => {}
                () = freed(worker.as_deref()), if self.leads && !can_claim => {}
                () = until(next_look) => {}
                () = until(next_blocked) => {}
                // Once: somebody who was promised a place may still be about to take it, and must be waited for.
                () = self.parts.shutdown.cancelled(), if is_open => self.items.close(),
            }
        }
    }

    fn take_arrived(&mut self) {
        let now = Instant::now();
        self.waiting.extend(self.blocked.extract_if(.., |(at, _)| *at <= now).map(|(_, item)| item));
        while self.waiting.len() < self.parts.options.max_batch_items
            && let Ok(item) = self.items.try_recv()
        {
            self.waiting.push_back(item);
        }
    }

    /// One transaction, tried until it is committed or its items are given up.
    async fn commit_once(&mut self) {
        let mut parcels = vec![self.next_batch()];
        while let Some(mut parcel) = parcels.pop() {
            match self.apply(&parcel).await {
                Ok(committed) => {
                    finish(&self.parts, parcel, committed);
                    self.retry_wait = RETRY_WAITS.0;
                }
                Err(StoreError::Unstorable { .. }) if parcel.len() > 1 => {
                    parcels.push(parcel.split_off(parcel.len() / 2));
                    parcels.push(parcel);
                }
                Err(StoreError::Blocked { tasks, .. }) if !parcel.is_empty() => {
                    self.set_aside(&mut parcel, &tasks);
                    parcels.extend((!parcel.is_empty()).then_some(parcel));
                }
                Err(error) if error.may_be_retried() => {
                    warn!(error = %chain(&error), items = parcel.len(), "a commit failed and is tried again");
                    give_up_operators(&mut parcel);
                    if self.gives_up() {
                        warn!(items = parcel.len(), "the engine ends; other workers will rescue these steps");
                    } else if !parcel.is_empty() {
                        parcels.push(parcel);
                    }
                    self.pause(self.retry_wait).await;
                    self.retry_wait = (self.retry_wait * 2).min(RETRY_WAITS.1);
                }
                Err(error) => parcels.extend(self.unstorable(parcel, error)),
            }
        }
    }

    /// As many as fit the limits, at least one if any is waiting.
    fn next_batch(&mut self) -> Vec<Item> {
        let options = &self.parts.options;
        let mut batch: Vec<Item> = Vec::new();
        let mut bytes = 0;
        while let Some(item) = self.waiting.front() {
            bytes += item.bytes();
            let full = batch.len() >= options.max_batch_items || bytes > options.max_batch_bytes;
            if full && !batch.is_empty() {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }

    async fn apply(&self, parcel: &[Item]) -> Result<Committed, StoreError> {
        let worker = self.parts.worker();
        let lent = worker.as_ref().and_then(|worker| worker.lend(Borrower::Settle(parcel.len())));
        let how = lent.as_ref().map_or(FromQueue::Never, |_| self.claimer.take_turn(Instant::now()));
        if parcel.is_empty() && how == FromQueue::Never {
            return Ok(Committed::default());
        }
        let batch = ApplyBatch {
            inputs: parcel.iter().map(|item| (item.task, item.input.clone())).collect(),
            rules: self.parts.rules.clone(),
            claiming: lent.as_ref().map(|lent| Claiming { budget: lent.budget(), from_queue: how }),
        };
        let begin = Instant::now();
        let applied = self.parts.store.apply(batch).await;
        if applied.is_ok() && !parcel.is_empty() {
            self.parts.options.observer.committed(CommitKind::Settle, parcel.len(), begin.elapsed());
        }
        match applied {
            Ok(applied) => Ok(self.applied(applied, worker, lent, how)),
            Err(error) => {
                self.claimer.give_up(how);
                worker.inspect(|worker| worker.doubt(&error));
                Err(error)
            }
        }
    }

    fn applied(
        &self,
        applied: Applied,
        worker: Option<Arc<Core>>,
        lent: Option<Lent>,
        how: FromQueue,
    ) -> Committed {
        let Applied { answers, work, ended, logged, next_due, now } = applied;
        if let (Some(worker), Some(lent)) = (worker, lent) {
            let next_due = next_due.map(|due: Timestamp| due.since(now));
            let jitter = self.parts.options.entropy.fraction();
            self.claimer.learn(Instant::now(), how, lent.budget().slots, work.len(), next_due, jitter);
            worker.start(work, lent);
        }
        self.parts.watchers.committed(ended.iter().map(|ended| (ended.task, ended.state)));
        Committed { answers, ended, logged, now }
    }

    /// A task that another session holds waits alone and holds up nobody.
    fn set_aside(&mut self, parcel: &mut Vec<Item>, tasks: &[TaskId]) {
        let again_at = Instant::now() + RETRY_WAITS.1;
        let mut held: Vec<Item> = parcel.extract_if(.., |item| tasks.contains(&item.task)).collect();
        if held.is_empty() {
            // Whoever is blocked is not of this batch (a claim, say): the batch is tried again later as it is.
            held = std::mem::take(parcel);
        }
        give_up_operators(&mut held);
        self.blocked.extend(held.into_iter().map(|item| (again_at, item)));
    }

    /// An item that can never be written: an outcome becomes a failure that can, anything else is answered.
    fn unstorable(&self, parcel: Vec<Item>, error: StoreError) -> Option<Vec<Item>> {
        let mut error = Some(error);
        let mut again = Vec::new();
        for mut item in parcel {
            let cause = error.take().unwrap_or_else(|| StoreError::Corrupt("the batch failed".into()));
            match &item.input {
                Input::Settle { step, fence, outcome: Outcome::Success(_) } => {
                    let outcome = Outcome::Failure(not_storable(&cause));
                    item.input = Input::Settle { step: *step, fence: *fence, outcome };
                    again.push(item);
                }
                _ => self.drop_item(item, cause),
            }
        }
        (!again.is_empty()).then_some(again)
    }

    fn drop_item(&self, item: Item, cause: StoreError) {
        warn!(task.id = %item.task, error = %chain(&cause), "an input cannot be written and is dropped");
        if let (Some(worker), Some(key)) = (self.parts.worker(), item.claim) {
            worker.settled(key);
        }
        if let Some(reply) = item.reply {
            // Whoever went away does not want the answer.
            let _ = reply.send(Err(cause));
        }
    }

    /// Whether the engine is ending and has tried for long enough.
    fn gives_up(&mut self) -> bool {
        let now = Instant::now();
        let patience = self.parts.options.lease;
        self.parts.shutdown.is_cancelled() && *self.end.get_or_insert(now + patience) <= now
    }

    async fn pause(&self, wait: Duration) {
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            () = self.parts.shutdown.cancelled() => tokio::time::sleep(RETRY_WAITS.0).await,
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn freed(worker: Option<&Core>) {
    match worker {
        Some(worker) => worker.slots.freed().await,
        None => std::future::pending().await,
    }
}

/// What came of a batch.
#[derive(Default)]
struct Committed {
    answers: Vec<Answer>,
    /// Tasks that ended with it.
    ended: Vec<Ended>,
    /// What it changed.
    logged: Vec<Logged>,
    /// The store's time of the transaction.
    now: Timestamp,
}

fn finish(parts: &Parts, parcel: Vec<Item>, committed: Committed) {
    let worker = parts.worker();
    let observer = &*parts.options.observer;
    tell(observer, &committed.logged, committed.ended);
    for (item, answer) in parcel.into_iter().zip(committed.answers) {
        let claim = worker.as_ref().zip(item.claim);
        let plan = claim.and_then(|(worker, key)| worker.settled(key));
        observe(observer, &item.input, plan.as_deref(), &answer, committed.now);
        if matches!(answer, Answer::Stale) {
            debug!(task.id = %item.task, "an outcome came too late: the claim is no longer held");
        }
        if let Some(reply) = item.reply {
            // Whoever went away does not want the answer.
            let _ = reply.send(Ok(answer));
        }
    }
}

/// Tells what changed, and which tasks ended.
fn tell(observer: &dyn Observer, logged: &[Logged], mut ended: Vec<Ended>) {
    ended.sort_unstable_by_key(|ended| ended.task);
    for Logged { task, plan, changes } in logged {
        observer.states_changed(plan, changes);
        let has_ended =
            changes.iter().any(|change| matches!(change, Change::Task { to, .. } if !to.is_open()));
        if has_ended && let Ok(place) = ended.binary_search_by_key(task, |ended| ended.task) {
            observer.task_ended(plan, ended[place].state, ended[place].lasted);
        }
    }
}

/// Tells what came of an outcome.
fn observe(observer: &dyn Observer, input: &Input, plan: Option<&Plan>, answer: &Answer, now: Timestamp) {
    let Input::Settle { step, outcome, .. } = input else { return };
    match answer {
        Answer::Stale => observer.outcome_stale(),
        Answer::Settled { state, retry_at } => {
            if matches!(outcome, Outcome::LeaseExpired) {
                observer.lease_expired();
            }
            if let Some(plan) = plan {
                observer.outcome_settled(plan, *step, outcome, *state, retry_at.map(|at| at.since(now)));
            }
        }
        _ => {}
    }
}

/// Answers operators who have waited long enough; outcomes are kept.
fn give_up_operators(parcel: &mut Vec<Item>) {
    let late = |item: &Item| item.reply.is_some() && item.arrived.elapsed() >= REQUEST_PATIENCE;
    for item in parcel.extract_if(.., |item| late(item)) {
        let error = StoreError::Unavailable {
            trying: format!("changing task {}", item.task),
            source: format!("no commit for {} s", REQUEST_PATIENCE.as_secs()).into(),
        };
        item.reply.map(|reply| reply.send(Err(error)));
    }
}

fn not_storable(cause: &StoreError) -> Failure {
    let message = format!("the database cannot store the handler's result: {}", chain(cause));
    Failure::permanent("ResultNotStorable", "result_not_storable", message)
}
