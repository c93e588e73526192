//! Where the steps of a task stand, as its log tells it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tasker_core::ids::Ordinal;
use tasker_core::plan::Plan;
use tasker_core::record::{Change, Transition};
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;

/// The steps of a task.
pub struct Board {
    plan: Arc<Plan>,
    lines: Vec<Line>,
    counts: [usize; 6],
}

/// One step.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// State.
    pub state: StepState,
    /// Executions so far.
    pub attempt: u32,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// Code of its last failure.
    pub error: Option<String>,
}

/// Something worth a line.
#[derive(Clone, PartialEq, Debug)]
pub enum News {
    /// A step began to run.
    Started { step: Ordinal, attempt: u32 },
    /// A step is done.
    Done { step: Ordinal, state: StepState, took: Duration },
    /// A step failed.
    Failed { step: Ordinal, attempt: u32, error: String, again_in: Option<u64> },
    /// A step was cancelled.
    Cancelled { step: Ordinal },
    /// The task is no longer open.
    Ended { state: TaskState },
}

impl Board {
    /// All steps pending.
    pub fn new(plan: Arc<Plan>) -> Self {
        let line = Line {
            state: StepState::Pending,
            attempt: 0,
            since: Timestamp::default(),
            retry_at: None,
            error: None,
        };
        let n_steps = plan.graph.n_steps();
        let mut counts = [0; 6];
        counts[usize::from(StepState::Pending.code())] = n_steps;
        Self { lines: vec![line; n_steps], plan, counts }
    }

    /// Takes in one log entry.
    pub fn apply(&mut self, entry: &Transition) -> Option<News> {
        let metadata =
            entry.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        match entry.change {
            Change::Task { to, .. } if !to.is_open() => Some(News::Ended { state: to }),
            Change::Task { .. } => None,
            Change::Step { ordinal, to, .. } => self.step(ordinal, to, entry.at, &metadata),
        }
    }

    fn step(&mut self, step: Ordinal, to: StepState, at: Timestamp, metadata: &Value) -> Option<News> {
        let line = &mut self.lines[step.index()];
        let took = at.since(line.since);
        self.counts[usize::from(line.state.code())] -= 1;
        self.counts[usize::from(to.code())] += 1;
        (line.state, line.since, line.retry_at) = (to, at, None);
        if let Some(attempt) = metadata["attempt"].as_u64() {
            line.attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        }
        let attempt = line.attempt;
        match to {
            StepState::Pending => None,
            StepState::InProgress => Some(News::Started { step, attempt }),
            StepState::Complete | StepState::ResolvedManually => Some(News::Done { step, state: to, took }),
            StepState::Cancelled => Some(News::Cancelled { step }),
            StepState::Error => {
                let text = |key: &str| metadata["error"][key].as_str().unwrap_or_default().to_owned();
                line.retry_at = metadata["next_retry_at"].as_str().and_then(Timestamp::parse);
                line.error = Some(text("code"));
                let error = format!("{}: {}", text("code"), text("message"));
                Some(News::Failed { step, attempt, error, again_in: metadata["backoff_seconds"].as_u64() })
            }
        }
    }

    /// The name of a step.
    pub fn name(&self, step: Ordinal) -> &str {
        self.plan.name(step).as_str()
    }

    /// How many steps there are.
    pub fn n_steps(&self) -> usize {
        self.lines.len()
    }

    /// How many steps are in a state.
    pub fn n_in(&self, state: StepState) -> usize {
        self.counts[usize::from(state.code())]
    }

    /// All steps, in document order.
    pub fn steps(&self) -> impl Iterator<Item = (Ordinal, &Line)> {
        self.plan.graph.steps().zip(&self.lines)
    }

    /// The steps that a step still waits for.
    pub fn waits_for(&self, step: Ordinal) -> Vec<&str> {
        let parents = self.plan.graph.parents(step).iter();
        parents
            .filter(|parent| !self.lines[parent.index()].state.is_done())
            .map(|parent| self.name(*parent))
            .collect()
    }

    /// `3/10 steps done, 2 running, 1 failed, 4 waiting`.
    pub fn counters(&self) -> String {
        let done = self.n_in(StepState::Complete) + self.n_in(StepState::ResolvedManually);
        let mut text = format!("{done}/{} steps done", self.n_steps());
        for (n, what) in [
            (self.n_in(StepState::InProgress), "running"),
            (self.n_in(StepState::Error), "failed"),
            (self.n_in(StepState::Cancelled), "cancelled"),
            (self.n_in(StepState::Pending), "waiting"),
        ] {
            if n > 0 {
                text.push_str(&format!(", {n} {what}"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::definition::{LoadOptions, load};

    use super::*;

    fn board() -> Board {
        let text = "name: n\nstep_templates:\n- {name: a, handler: x}\n- {name: b, handler: x, depends_on_step: a}\n";
        Board::new(Plan::new(load(text, &LoadOptions::default()).definition.unwrap()))
    }

    fn entry(ordinal: u32, to: StepState, seconds: i64, metadata: &str) -> Transition {
        Transition {
            seq: 1,
            change: Change::Step { ordinal: Ordinal(ordinal), from: None, to },
            at: Timestamp::default().plus_seconds(seconds),
            actor: "engine".into(),
            metadata: Some(metadata.into()),
        }
    }

    #[test]
    fn the_log_tells_where_steps_stand() {
        let mut board = board();
        assert_eq!(board.counters(), "0/2 steps done, 2 waiting");
        assert_eq!(board.waits_for(Ordinal(1)), ["a"]);
        let started = board.apply(&entry(0, StepState::InProgress, 1, r#"{"attempt":1}"#));
        assert_eq!(started, Some(News::Started { step: Ordinal(0), attempt: 1 }));
        let failure = r#"{"attempt":1,"error":{"code":"x_y","message":"m"},"backoff_seconds":2,"next_retry_at":"1970-01-01T00:00:04Z"}"#;
        let failed = board.apply(&entry(0, StepState::Error, 2, failure));
        let expected =
            News::Failed { step: Ordinal(0), attempt: 1, error: "x_y: m".into(), again_in: Some(2) };
        assert_eq!(failed, Some(expected));
        assert_eq!(board.counters(), "0/2 steps done, 1 failed, 1 waiting");
        assert_eq!(board.apply(&entry(0, StepState::Pending, 4, "{}")), None);
        board.apply(&entry(0, StepState::InProgress, 4, r#"{"attempt":2}"#));
        let done = board.apply(&entry(0, StepState::Complete, 7, r#"{"attempt":2}"#));
        assert_eq!(
            done,
            Some(News::Done { step: Ordinal(0), state: StepState::Complete, took: Duration::from_secs(3) })
        );
        assert!(board.waits_for(Ordinal(1)).is_empty());
        assert_eq!(board.counters(), "1/2 steps done, 1 waiting");
    }
}
