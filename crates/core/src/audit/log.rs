//! Whether the log of a task is gapless, legal, and agrees with its rows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Audit;
use crate::ids::Ordinal;
use crate::record::{Change, StepRecord, Transition};
use crate::state::{StepState, TaskState};

/// What the log tells of one step.
#[derive(Default)]
struct Told {
    state: Option<StepState>,
    claims: u32,
    given_back: u32,
    completions: u32,
}

impl Audit<'_> {
    pub(super) fn log(&mut self, log: &[Transition]) {
        self.numbers_and_times(log);
        let mut task = None;
        let mut steps: BTreeMap<Ordinal, Told> = BTreeMap::new();
        for entry in log {
            match entry.change {
                Change::Task { from, to } => {
                    self.chained(None, entry.seq, task, from, to, TaskState::allows(from, to));
                    task = Some(to);
                }
                Change::Step { ordinal, from, to } => {
                    let told = steps.entry(ordinal).or_default();
                    let before = told.state;
                    told.note(from, to, entry);
                    self.chained(Some(ordinal), entry.seq, before, from, to, StepState::allows(from, to));
                }
            }
        }
        self.expect(None, "log_state", "the last state in the log", task, Some(self.task.state));
        self.steps_as_told(&steps);
    }

    fn numbers_and_times(&mut self, log: &[Transition]) {
        for (entry, expected) in log.iter().zip(1..) {
            self.expect(None, "log_gap", "the number of a log entry", entry.seq, expected);
        }
        self.expect(None, "log_length", "the number of log entries", log.len() as u64, self.task.log_seq);
        for pair in log.windows(2).filter(|pair| pair[1].at < pair[0].at) {
            let message = format!(
                "entry {} is of {}, before entry {} of {}",
                pair[1].seq, pair[1].at, pair[0].seq, pair[0].at
            );
            self.find(None, "log_time", message);
        }
        if let Some(last) = log.last().filter(|last| last.at > self.task.updated_at) {
            let message =
                format!("entry {} is of {}, after updated_at {}", last.seq, last.at, self.task.updated_at);
            self.find(None, "log_time", message);
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
                "log_chain",
                format!("entry {seq} leaves {from:?}, but the state was {before:?}"),
            );
        }
        if !allowed {
            self.find(step, "log_illegal", format!("entry {seq}: {from:?} -> {to:?} is not a legal change"));
        }
    }

    fn steps_as_told(&mut self, told: &BTreeMap<Ordinal, Told>) {
        let silent = Told::default();
        let records: Vec<&StepRecord> = self.steps.values().map(|detail| &detail.record).collect();
        for record in records {
            let (step, told) = (Some(record.ordinal), told.get(&record.ordinal).unwrap_or(&silent));
            let executions = told.claims.saturating_sub(told.given_back);
            self.expect(step, "log_state", "the last state in the log", told.state, Some(record.state));
            self.expect(step, "attempts_count", "attempts", record.attempts, executions);
            self.expect(step, "fence_count", "fence", record.fence.0, u64::from(told.claims));
            if told.completions > 1 {
                self.find(
                    step,
                    "completed_twice",
                    format!("the log completes the step {} times", told.completions),
                );
            }
        }
        for &step in told.keys().filter(|step| !self.steps.contains_key(step)).collect::<Vec<_>>() {
            self.find(None, "log_unknown_step", format!("the log tells of step {step}, which has no row"));
        }
    }
}

impl Told {
    fn note(&mut self, from: Option<StepState>, to: StepState, entry: &Transition) {
        self.claims += u32::from(to == StepState::InProgress);
        self.completions += u32::from(to == StepState::Complete);
        self.given_back += u32::from(from == Some(StepState::InProgress) && is_give_back(to, entry));
        self.state = Some(to);
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
