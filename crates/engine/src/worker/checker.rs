//! Checker: looks for broken invariants in a few tasks at a time, for as long as a worker runs: the open tasks one after the
//! other, then those that ended since the last time, and so on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_store::integrity::{CheckPart, CheckPosition, CheckScope, Checked, Finding};
use tasker_store::{Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::engine::Parts;
use crate::integrity::IntegrityRecord;

/// Parts of a round that look at ended tasks: a busy node ends more tasks than can be looked at.
const ENDED_PARTS: usize = 6;

/// Tasks that ended longer ago were looked at by whoever ran them.
const LOOK_BACK: Duration = Duration::from_secs(3_600);

/// A round that met no task is followed by this many pauses.
const IDLE_PAUSES: u32 = 3;

/// Findings of one part.
const MOST_FINDINGS: usize = 100;

/// Runs until `stop`.
pub(crate) async fn run(parts: Arc<Parts>, stop: CancellationToken) {
    let Some(interval) = parts.options.check_interval else { return };
    let mut checker = Checker::default();
    let mut pauses = 1;
    loop {
        // Nodes that were started at once do not stay in step.
        let jitter = 0.9 + 0.2 * parts.options.entropy.fraction();
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval.mul_f64(jitter) * pauses) => {}
        }
        pauses = match checker.once(&*parts.store, &parts.integrity).await {
            Ok(true) => IDLE_PAUSES,
            Ok(false) => 1,
            Err(error) => {
                warn!(%error, "the database could not be checked");
                parts.integrity.failed(error.to_string());
                1
            }
        };
    }
}

/// How far a round has come.
#[derive(Default)]
struct Checker {
    stage: Stage,
    after: Option<CheckPosition>,
    pace: Pace,
    /// Tasks that this round has met.
    met: u64,
}

/// What a round looks at, one after the other.
#[derive(Clone, Default)]
enum Stage {
    /// Tasks about which something was found.
    #[default]
    Suspects,
    /// Tasks that are open.
    Open,
    /// Tasks that ended less than so long ago, in so many parts.
    Ended(Duration, usize),
}

impl Checker {
    /// Looks at one part; whether that ended a round which met no task.
    async fn once(&mut self, store: &dyn Store, record: &IntegrityRecord) -> Result<bool, StoreError> {
        if matches!(self.stage, Stage::Suspects) {
            self.stage = Stage::Open;
            let suspects = record.suspects();
            if !suspects.is_empty() {
                return self.look_again(store, record, suspects).await.map(|()| false);
            }
        }
        let scope = match &self.stage {
            Stage::Ended(span, _) => CheckScope::EndedWithin(*span),
            Stage::Suspects | Stage::Open => CheckScope::Open,
        };
        let checked = self.look(store, scope).await?;
        (self.met, self.after) = (self.met + checked.tasks, checked.next);
        tell(record.add(checked.tasks, checked.findings));
        Ok(self.advance(record))
    }

    async fn look_again(
        &mut self,
        store: &dyn Store,
        record: &IntegrityRecord,
        suspects: BTreeSet<TaskId>,
    ) -> Result<(), StoreError> {
        let these = CheckScope::These(suspects.iter().copied().collect());
        let part = CheckPart { scope: these, after: None, tasks: suspects.len(), findings: usize::MAX };
        let checked = store.check_part(part).await?;
        record.look_again(&suspects, &checked.findings);
        tell(record.add(checked.tasks, checked.findings));
        Ok(())
    }

    async fn look(&mut self, store: &dyn Store, scope: CheckScope) -> Result<Checked, StoreError> {
        let tasks = self.pace.tasks;
        let part = CheckPart { scope, after: self.after, tasks, findings: MOST_FINDINGS };
        let asked_at = Instant::now();
        let checked = store.check_part(part).await?;
        self.pace.learn(asked_at.elapsed(), checked.next.is_some());
        Ok(checked)
    }

    /// Goes on to the next part; whether a round ended that met no task.
    fn advance(&mut self, record: &IntegrityRecord) -> bool {
        let is_through = self.after.is_none();
        match &mut self.stage {
            Stage::Ended(_, left) if *left > 1 && !is_through => *left -= 1,
            Stage::Ended(..) => {
                record.round_ended();
                let was_idle = self.met == 0;
                (self.stage, self.after, self.met) = (Stage::Suspects, None, 0);
                return was_idle;
            }
            Stage::Suspects | Stage::Open if is_through => {
                let span = record.since_last_round().unwrap_or(LOOK_BACK).min(LOOK_BACK);
                self.stage = Stage::Ended(span, ENDED_PARTS);
            }
            Stage::Suspects | Stage::Open => {}
        }
        false
    }
}

/// Each finding is logged when it is new.
fn tell(findings: Vec<Finding>) {
    for Finding { code, task_id, step, message, .. } in findings {
        let task = task_id.map(tracing::field::display);
        error!(%code, task.id = task, step, "{message}; see `tasker db check`");
    }
}

/// How many tasks are looked at together: what the store answers soon.
struct Pace {
    tasks: usize,
}

impl Pace {
    const LEAST: usize = 5;
    const MOST: usize = 500;
    const BUDGET: Duration = Duration::from_millis(100);

    fn learn(&mut self, took: Duration, was_full: bool) {
        if took > Self::BUDGET {
            self.tasks = (self.tasks / 2).max(Self::LEAST);
        } else if was_full && took < Self::BUDGET / 4 {
            self.tasks = (self.tasks * 2).min(Self::MOST);
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { tasks: 50 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fit_the_budget() {
        let mut pace = Pace::default();
        let after = |pace: &mut Pace, millis: u64, was_full: bool| {
            pace.learn(Duration::from_millis(millis), was_full);
            pace.tasks
        };
        assert_eq!(after(&mut pace, 1, false), 50);
        assert_eq!(after(&mut pace, 50, true), 50);
        assert_eq!(after(&mut pace, 1, true), 100);
        assert_eq!([1; 5].map(|millis| after(&mut pace, millis, true)), [200, 400, 500, 500, 500]);
        assert_eq!([101; 8].map(|millis| after(&mut pace, millis, true)), [250, 125, 62, 31, 15, 7, 5, 5]);
    }
}
