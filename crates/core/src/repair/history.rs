//! What the log can still tell, although something is wrong.

use std::collections::BTreeMap;

use super::Stored;
use crate::audit::{Code, Finding, Told, steps_told};
use crate::ids::{Ordinal, WorkerId};
use crate::record::{Change, TaskRecord, Transition};
use crate::time::Timestamp;

/// The log of a task that may be damaged.
pub(super) struct History<'a> {
    log: &'a [Transition],
    steps: BTreeMap<Ordinal, Told<'a>>,
    is_whole: bool,
    is_in_order: bool,
}

impl<'a> History<'a> {
    /// `found` is what is wrong with the task.
    pub(super) fn of(stored: &Stored<'a>, found: &[Finding]) -> Self {
        let log = stored.log;
        let is_in_order = log.windows(2).all(|pair| pair[0].at <= pair[1].at);
        let broken = |code: Code| code.is_about_log() && code != Code::LogLength && code != Code::LogTime;
        // Claims that are not in the log may have been at its end, and nothing else would tell.
        let is_short = stored.task.log_seq > log.len() as u64;
        let counts_differ =
            found.iter().any(|finding| matches!(finding.code, Code::FenceCount | Code::AttemptsCount));
        let is_whole =
            is_in_order && !found.iter().any(|finding| broken(finding.code)) && !(is_short && counts_differ);
        Self { log, steps: steps_told(log), is_whole, is_in_order }
    }

    /// Whether nothing is wrong with the log itself.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether entries can be added.
    pub(super) fn can_go_on(&self, task: &TaskRecord) -> bool {
        self.is_whole && task.log_seq == self.len()
    }

    pub(super) fn len(&self) -> u64 {
        self.log.len() as u64
    }

    /// When the last entry was written, if their times can be believed.
    pub(super) fn last_at(&self) -> Option<Timestamp> {
        self.log.last().filter(|_| self.is_in_order).map(|entry| entry.at)
    }

    pub(super) fn step(&self, step: Ordinal) -> Option<&Told<'a>> {
        self.steps.get(&step)
    }

    /// When the step became what it is.
    pub(super) fn step_since(&self, step: Ordinal) -> Option<Timestamp> {
        Some(self.step(step)?.last?.at)
    }

    /// When the task became what it is.
    pub(super) fn task_since(&self) -> Option<Timestamp> {
        let of_task = |entry: &&Transition| matches!(entry.change, Change::Task { .. });
        self.log.iter().rev().find(of_task).map(|entry| entry.at)
    }

    /// The worker that took the step last.
    pub(super) fn holder(&self, step: Ordinal) -> Option<WorkerId> {
        WorkerId::of_actor(&self.step(step)?.last?.actor)
    }
}
