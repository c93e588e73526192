//! What many seeds led to, in one line that depends on the seeds alone.

use std::collections::BTreeSet;

use super::{Counts, Report};
use tasker_core::ids::Digest;

/// What some seeds led to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many seeds.
    pub seeds: u64,
    /// Seeds that led to what must never happen.
    pub violations: BTreeSet<u64>,
    /// What happened how often.
    pub counts: Counts,
    /// The stories, folded into one number; their order does not matter.
    stories: u64,
}

impl Summary {
    /// Adds a seed.
    pub fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.counts += report.counts;
        if report.violation.is_some() {
            self.violations.insert(report.seed);
        }
        let digest = Digest::of(format!("{}\n{}", report.seed, report.story).as_bytes());
        let folded = digest.0.chunks(8).next().unwrap_or_default();
        self.stories ^= folded.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }

    /// The summary, of seeds from `start` on.
    pub fn line(&self, start: u64) -> String {
        let Counts { tasks, executions, settled, stale, actions, failed_calls, kills, freezes, .. } =
            self.counts;
        let Counts { stops, lost_workers, rescues, taken_up, lost_hints, millis, .. } = self.counts;
        let violations = match self.violations.len() {
            0 => "no violation".to_owned(),
            n => format!("{n} violations ({:?})", self.violations),
        };
        format!(
            "sim: {} seeds from {start}: {violations}; {tasks} tasks, {executions} executions, {settled} settled, {stale} \
             stale, {actions} actions; {failed_calls} failed calls, {kills} kills, {freezes} freezes, {stops} stops, \
             {lost_workers} lost workers, {rescues} rescues, {taken_up} taken up, {lost_hints} lost hints; {} virtual \
             hours; stories {:016x}",
            self.seeds,
            millis / 3_600_000,
            self.stories
        )
    }
}
