//! What a running worker knows about the soundness of its database.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tasker_core::ids::TaskId;
use tasker_store::integrity::Finding;
use tokio::time::Instant;

/// Most findings that are kept.
const MOST_FINDINGS: usize = 100;

/// What looking at a few tasks at a time has come to.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Integrity {
    /// Tasks looked at since the worker started, one that was looked at twice counting twice.
    pub checked_tasks: u64,
    /// How often everything was looked at: the open tasks, and those that ended since the time before.
    pub rounds: u64,
    /// When that was last the case, seconds ago.
    pub last_round_seconds_ago: Option<u64>,
    /// What is wrong, at most 100; what is not found again is taken out.
    pub findings: Vec<Finding>,
    /// Whether more is wrong than is kept.
    pub more_findings: bool,
    /// Why the database could not be looked at, if the last attempt failed.
    pub error: Option<String>,
}

/// The same while it comes to be.
#[derive(Default)]
pub(crate) struct IntegrityRecord(Mutex<Record>);

#[derive(Default)]
struct Record {
    integrity: Integrity,
    last_round: Option<Instant>,
}

impl IntegrityRecord {
    pub(crate) fn now(&self) -> Integrity {
        let record = self.record();
        let ago = record.last_round.map(|at| at.elapsed().as_secs());
        Integrity { last_round_seconds_ago: ago, ..record.integrity.clone() }
    }

    /// The tasks about which something was found.
    pub(crate) fn suspects(&self) -> BTreeSet<TaskId> {
        self.record().integrity.findings.iter().filter_map(|finding| finding.task_id).collect()
    }

    /// Notes what was found in so many tasks; gives what was not known before.
    pub(crate) fn add(&self, tasks: u64, findings: Vec<Finding>) -> Vec<Finding> {
        let mut record = self.record();
        let integrity = &mut record.integrity;
        integrity.checked_tasks += tasks;
        integrity.error = None;
        let mut new = findings;
        new.retain(|finding| !integrity.findings.iter().any(|known| is_same(known, finding)));
        let room = MOST_FINDINGS - integrity.findings.len();
        integrity.more_findings |= new.len() > room;
        new.truncate(room);
        integrity.findings.extend(new.iter().cloned());
        new
    }

    /// Keeps only what is still found in suspects that were looked at again.
    pub(crate) fn look_again(&self, suspects: &BTreeSet<TaskId>, findings: &[Finding]) {
        let mut record = self.record();
        let integrity = &mut record.integrity;
        integrity.findings.retain(|known| {
            let was_looked_at = known.task_id.is_some_and(|id| suspects.contains(&id));
            !was_looked_at || findings.iter().any(|finding| is_same(known, finding))
        });
        integrity.more_findings &= integrity.findings.len() == MOST_FINDINGS;
    }

    pub(crate) fn round_ended(&self) {
        let mut record = self.record();
        record.integrity.rounds += 1;
        record.last_round = Some(Instant::now());
    }

    pub(crate) fn failed(&self, error: String) {
        self.record().integrity.error = Some(error);
    }

    /// How long ago the last round ended.
    pub(crate) fn since_last_round(&self) -> Option<Duration> {
        self.record().last_round.map(|at| at.elapsed())
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two findings are about the same, whatever numbers they tell.
fn is_same(one: &Finding, other: &Finding) -> bool {
    (one.code, one.task_id, &one.step) == (other.code, other.task_id, &other.step)
}

#[cfg(test)]
mod tests {
    use tasker_core::audit::Code;
    use uuid::Uuid;

    use super::*;

    fn finding(task: u128, message: &str) -> Finding {
        Finding::new(Code::ActiveCount, Some(TaskId(Uuid::from_u128(task))), None, message)
    }

    #[test]
    fn a_finding_is_new_once_and_goes_when_it_is_mended() {
        let record = IntegrityRecord::default();
        assert_eq!(record.add(3, vec![finding(1, "active is 2")]).len(), 1);
        assert_eq!(record.add(3, vec![finding(1, "active is 3"), finding(2, "active is 0")]).len(), 1);
        assert_eq!((record.now().checked_tasks, record.now().findings.len()), (6, 2));
        let suspects = record.suspects();
        assert_eq!(suspects.len(), 2);
        record.look_again(&suspects, &[finding(2, "active is 0")]);
        assert_eq!(record.now().findings, [finding(2, "active is 0")]);
        record.look_again(&suspects, &[]);
        assert_eq!(record.now().findings, []);
        assert_eq!(record.add(1, vec![finding(1, "active is 2")]).len(), 1, "it came back");
    }

    #[test]
    fn findings_are_bounded() {
        let record = IntegrityRecord::default();
        let new = record.add(200, (0..150).map(|n| finding(n, "wrong")).collect());
        assert_eq!((new.len(), record.now().findings.len(), record.now().more_findings), (100, 100, true));
        record.look_again(&record.suspects(), &[]);
        assert_eq!((record.now().findings.len(), record.now().more_findings), (0, false));
    }
}
