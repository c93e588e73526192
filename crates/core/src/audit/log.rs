//! Whether the log of a task is gapless, legal, and agrees with its rows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Audit, Code};
use crate::ids::Ordinal;
use crate::record::{Change, StepRecord, Transition};
use crate::state::{StepState, TaskState};

/// What the log tells of one step.
#[derive(Default)]
pub(crate) struct Told<'a> {
    /// Its last entry.
    pub(crate) last: Option<&'a Transition>,
    pub(crate) state: Option<StepState>,
    pub(crate) claims: u32,
    given_back: u32,
    completions: u32,
}

/// What the log tells of each step that it names.
pub(crate) fn steps_told(log: &[Transition]) -> BTreeMap<Ordinal, Told<'_>> {
    let mut steps: BTreeMap<Ordinal, Told<'_>> = BTreeMap::new();
    for entry in log {
        if let Change::Step { ordinal, from, to } = entry.change {
            steps.entry(ordinal).or_default().note(from, to, entry);
        }
    }
    steps
}

impl Audit<'_> {
    pub(super) fn log(&mut self, log: &[Transition]) {
        self.numbers_and_times(log);
        let mut task = None;
        let mut steps = BTreeMap::new();
        for entry in log {
            match entry.change {
                Change::Task { from, to } => {
                    self.chained(None, entry.seq, task, from, to, TaskState::allows(from, to));
                    task = Some(to);
                }
                Change::Step { ordinal, from, to } => {
                    let before = steps.insert(ordinal, to);
                    self.chained(Some(ordinal), entry.seq, before, from, to, StepState::allows(from, to));
                }
            }
        }
        self.expect(None, Code::LogState, "the last state in the log", task, Some(self.task.state));
        self.steps_as_told(&steps_told(log));
    }

    fn numbers_and_times(&mut self, log: &[Transition]) {
        for (entry, expected) in log.iter().zip(1..) {
            self.expect(None, Code::LogGap, "the number of a log entry", entry.seq, expected);
        }
        self.expect(None, Code::LogLength, "the number of log entries", log.len() as u64, self.task.log_seq);
        for pair in log.windows(2).filter(|pair| pair[1].at < pair[0].at) {
            let message = format!(
                "entry {} is of {}, before entry {} of {}",
                pair[1].seq, pair[1].at, pair[0].seq, pair[0].at
            );
            self.find(None, Code::LogTime, message);
        }
        if let Some(last) = log.last().filter(|last| last.at > self.task.updated_at) {
            let message =
                format!("entry {} is of {}, after updated_at {}", last.seq, last.at, self.task.updated_at);
            self.find(None, Code::LogTime, message);
        }
    }

    fn chained<S: PartialEq + std::fmt::Debug>(
        &mut self,
        step: Option<Ordinal>,
        seq: u64,
        before: Option<S>,
        from: Option<S>,
        to: S,
        allowed: bool,
    ) {
        if from != before {
            self.find(
                step,
                Code::LogChain,
                format!("entry {seq} leaves {from:?}, but the state was {before:?}"),
            );
        }
        if !allowed {
            self.find(
                step,
                Code::LogIllegal,
                format!("entry {seq}: {from:?} -> {to:?} is not a legal change"),
            );
        }
    }

    fn steps_as_told(&mut self, told: &BTreeMap<Ordinal, Told<'_>>) {
        let silent = Told::default();
        let records: Vec<&StepRecord> = self.steps.values().map(|detail| &detail.record).collect();
        for record in records {
            let (step, told) = (Some(record.ordinal), told.get(&record.ordinal).unwrap_or(&silent));
            self.expect(step, Code::LogState, "the last state in the log", told.state, Some(record.state));
            self.expect(step, Code::AttemptsCount, "attempts", record.attempts, told.executions());
            self.expect(step, Code::FenceCount, "fence", record.fence.0, u64::from(told.claims));
            if told.completions > 1 {
                self.find(
                    step,
                    Code::CompletedTwice,
                    format!("the log completes the step {} times", told.completions),
                );
            }
        }
        for &step in told.keys().filter(|step| !self.steps.contains_key(step)).collect::<Vec<_>>() {
            self.find(None, Code::LogUnknownStep, format!("the log tells of step {step}, which has no row"));
        }
    }
}

impl<'a> Told<'a> {
    /// Claims that were not given back.
    pub(crate) fn executions(&self) -> u32 {
        self.claims.saturating_sub(self.given_back)
    }

    fn note(&mut self, from: Option<StepState>, to: StepState, entry: &'a Transition) {
        self.claims += u32::from(to == StepState::InProgress);
        self.completions += u32::from(to == StepState::Complete);
        self.given_back += u32::from(from == Some(StepState::InProgress) && is_give_back(to, entry));
        self.state = Some(to);
        self.last = Some(entry);
    }
}

/// A claim given back leaves its step pending, or cancelled with its task; the metadata tells it from a cancelled run.
fn is_give_back(to: StepState, entry: &Transition) -> bool {
    let released = || {
        let metadata = entry.metadata.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        metadata.is_some_and(|details| details.get("released_by").is_some())
    };
    match to {
        StepState::Pending => true,
        StepState::Cancelled => released(),
        _ => false,
    }
}
