//! The swift way to apply a batch: if all of its tasks are known as this node left them, it is decided without reading
//! anything, and one statement locks the tasks, makes sure that they are as they are known, writes, and commits.
//!
//! Whatever was relied on and is not so (another node was there first, the clock was set) makes the statement write nothing;
//! then the batch goes the ordinary way.

use std::time::Instant;

use tasker_core::decide::ClaimBudget;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::write::{Applied, ApplyBatch, FromQueue, Work};

use crate::Parts;
use crate::claim::{self, Found};
use crate::desk::{Desk, Open};
use crate::error::Trouble;
use crate::known::Known;
use crate::load::Moment;
use crate::save::{self, Reliance, Written};
use crate::verdicts::Verdicts;
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
pub(crate) async fn apply(
    parts: &Parts,
    batch: &ApplyBatch,
    found: Option<&Found>,
) -> Result<Option<Applied>, Trouble> {
    let Some(draft) = Draft::of(parts, batch, found) else { return Ok(None) };
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
    /// Whether the batch was to claim from the queue.
    asks_queue: bool,
}

impl Draft {
    fn of(parts: &Parts, batch: &ApplyBatch, found: Option<&Found>) -> Option<Self> {
        let told = parts.told()?;
        let now = parts.clock.as_ref().map_or_else(|| told.now(), |clock| clock());
        let now = found.map_or(now, |found| found.now.max(now));
        let due = found.map_or(&[][..], Found::due);
        let mut desk = Desk::new(parts, batch, now)?;
        if !desk.decide(batch, due) {
            desk.put_back();
            return None;
        }
        let Desk { verdicts, open, .. } = desk;
        let asks_queue =
            batch.claiming.as_ref().is_some_and(|claiming| claiming.from_queue != FromQueue::Never);
        let mut draft =
            Self { verdicts, known: Vec::new(), work: Vec::new(), epoch: told.epoch, now, asks_queue };
        for Open { known, deciding, .. } in open.into_values() {
            draft.known.push(known);
            draft.verdicts.decided.push(deciding.decided());
        }
        match work::at_hand(parts, &draft.verdicts.decided, &draft.known) {
            Some(work) => Some(Self { work, ..draft }),
            None => {
                draft.put_back(parts);
                None
            }
        }
    }

    async fn write(self, parts: &Parts) -> Result<Option<Applied>, Trouble> {
        let relies = Reliance { now: parts.clock.is_none().then_some(self.now) };
        let session = parts.hot.once().await?;
        let ahead = Moment::ahead(self.now, self.epoch);
        let statement = save::statement(&session, ahead.stamp(), &self.verdicts.decided, Some(&relies));
        match save::written(&session.alone(statement).await?)? {
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
        let (ended, logged) = (self.verdicts.ended(), self.verdicts.logged());
        let answers = std::mem::take(&mut self.verdicts.answers);
        Applied { answers, work: self.work, ended, logged, next_due, now: self.now }
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
