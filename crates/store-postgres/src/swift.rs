//! The swift way to apply a batch: if all of its tasks are known as this node left them, it is decided without reading
//! anything, and one statement locks the tasks, makes sure that they are as they are known, writes, and commits.
//!
//! Whatever was relied on and is not so (another node was there first, the clock was set) makes the statement write nothing;
//! then the batch goes the ordinary way.

use std::time::Instant;

use tasker_core::decide::{ClaimBudget, Rules};
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::write::{Applied, ApplyBatch, Claiming, FromQueue, Work};

use crate::Parts;
use crate::claim;
use crate::error::Trouble;
use crate::known::Known;
use crate::load::{self, Moment};
use crate::save::{self, Reliance, Written};
use crate::session::Begin;
use crate::verdicts::{Groups, Verdicts};
use crate::work;

/// The time and the stream as they were told last. Without new word they can be relied on for a while: the time is carried
/// forward by this node's clock, and the statement that relies on it makes sure.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    now: Timestamp,
    epoch: i32,
    heard: Instant,
}

impl Told {
    pub(crate) fn new(moment: &Moment) -> Self {
        Self { now: moment.now, epoch: moment.epoch, heard: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.heard.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.now.as_micros().saturating_add(elapsed))
    }
}

/// Applies a batch the swift way; `None` if it has to go the ordinary way, and nothing was written.
pub(crate) async fn apply(parts: &Parts, batch: &ApplyBatch) -> Result<Option<Applied>, Trouble> {
    let Some(draft) = Draft::of(parts, batch) else { return Ok(None) };
    if draft.verdicts.decided.iter().any(|decided| decided.has_extras()) {
        draft.put_back(parts);
        return Ok(None);
    }
    draft.write(parts).await
}

/// A batch that is decided and not written.
struct Draft {
    verdicts: Verdicts,
    known: Vec<Known>,
    work: Vec<Work>,
    epoch: i32,
    now: Timestamp,
    /// Whether the batch was to claim from the queue, had there been anything to claim.
    asks_queue: bool,
}

impl Draft {
    fn of(parts: &Parts, batch: &ApplyBatch) -> Option<Self> {
        let told = parts.told()?;
        let now = parts.clock.as_ref().map_or_else(|| told.now(), |clock| clock());
        let groups = Groups::of_inputs(batch.inputs.clone());
        let known = parts.known.take_all(groups.0.keys())?;
        let budget = batch.claiming.as_ref().map(|Claiming { budget, .. }| budget.clone());
        let verdicts = Verdicts::new(batch.inputs.len(), budget);
        let asks_queue =
            batch.claiming.as_ref().is_some_and(|claiming| claiming.from_queue != FromQueue::Never);
        let mut draft = Self { verdicts, known, work: Vec::new(), epoch: told.epoch, now, asks_queue };
        if draft.decide(parts, groups, &batch.rules) {
            return Some(draft);
        }
        draft.put_back(parts);
        None
    }

    /// Whether everything that was needed is known.
    fn decide(&mut self, parts: &Parts, groups: Groups, rules: &Rules) -> bool {
        for ((_, group), known) in groups.0.into_iter().zip(&self.known) {
            let Some(plan) = parts.plans.known(known.task.revision_id) else { return false };
            let Some(steps) = known.steps(&group.needs(&known.task, &plan)) else { return false };
            let decided = self.verdicts.decide(group, known.task.clone(), plan, steps, rules, self.now);
            self.verdicts.decided.push(decided);
        }
        let work = work::at_hand(parts, &self.verdicts.decided, &self.known);
        work.map(|work| self.work = work).is_some()
    }

    async fn write(self, parts: &Parts) -> Result<Option<Applied>, Trouble> {
        let relies = Reliance { now: parts.clock.is_none().then_some(self.now) };
        let session = parts.hot.once().await?;
        let ahead = Moment::ahead(self.now, self.epoch);
        let statement = save::statement(&session, ahead.stamp(), &self.verdicts.decided, Some(&relies));
        let rows = match session.alone(statement).await {
            Err(trouble) if trouble.is_lock_timeout() => {
                return self.blocked(parts).await;
            }
            other => other?,
        };
        match save::written(&rows)? {
            Written::By { xid, now } => Ok(Some(self.committed(parts, Moment { xid, now, ..ahead }).await)),
            Written::Not { unchanged } => {
                for known in self.known {
                    let id: TaskId = known.task.id;
                    if unchanged.contains(&id) { parts.known.put(known) } else { parts.known.is_shared(id) }
                }
                Ok(None)
            }
        }
    }

    async fn committed(mut self, parts: &Parts, moment: Moment) -> Applied {
        parts.tell(&moment);
        for (mut known, decided) in self.known.into_iter().zip(&self.verdicts.decided) {
            known.learn(&decided.plan, &decided.change, moment.stamp());
            parts.known.put(known);
        }
        if self.verdicts.leave_work(self.now) {
            parts.hints.tell(&parts.hot).await;
        }
        let next_due = match &self.verdicts.budget {
            Some(budget) if self.asks_queue => next_due(parts, budget).await,
            _ => None,
        };
        let ended = self.verdicts.ended();
        let answers = std::mem::take(&mut self.verdicts.answers);
        Applied { answers, work: self.work, ended, next_due, now: self.now }
    }

    /// Tells which tasks other sessions hold; if none does any more, the batch goes the ordinary way.
    async fn blocked(self, parts: &Parts) -> Result<Option<Applied>, Trouble> {
        let ids = self.known.iter().map(|known| known.task.id).collect();
        let mut session = parts.hot.begin(Begin::Write).await?;
        let held = load::held_by_others(&mut session, &ids).await;
        match session.end(held).await? {
            held if held.is_empty() => Ok(None),
            held => Err(Trouble::Blocked(held)),
        }
    }

    fn put_back(self, parts: &Parts) {
        self.known.into_iter().for_each(|known| parts.known.put(known));
    }
}

/// When the next step is due. What was committed is committed: if this cannot be read, the next look tells.
async fn next_due(parts: &Parts, budget: &ClaimBudget) -> Option<Timestamp> {
    let mut session = parts.hot.once().await.ok()?;
    let next_due = claim::next_due(&mut session, budget, &parts.marks).await;
    session.end(next_due).await.ok()?
}
