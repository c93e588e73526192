//! Where the steps of a task stand, as its log tells it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tasker_core::ids::Ordinal;
use tasker_core::names::StepName;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_wire::{TaskDocument, TransitionDocument};

/// The steps of a task.
pub struct Board {
    steps: Vec<Step>,
    positions: HashMap<StepName, Ordinal>,
    lines: Vec<Line>,
    counts: [usize; 6],
}

/// What never changes of a step.
struct Step {
    name: StepName,
    parents: Vec<Ordinal>,
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
    /// All steps of a task, pending.
    pub fn new(task: &TaskDocument) -> Self {
        let all = task.steps.as_deref().unwrap_or_default();
        let at: HashMap<&StepName, Ordinal> =
            all.iter().zip(0..).map(|(step, i)| (&step.name, Ordinal(i))).collect();
        let parents = |names: &[StepName]| names.iter().filter_map(|name| at.get(name).copied()).collect();
        let steps = all.iter();
        Self::of(
            steps.map(|step| Step { name: step.name.clone(), parents: parents(&step.parents) }).collect(),
        )
    }

    fn of(steps: Vec<Step>) -> Self {
        let positions = steps.iter().zip(0..).map(|(step, i)| (step.name.clone(), Ordinal(i))).collect();
        let line = Line {
            state: StepState::Pending,
            attempt: 0,
            since: Timestamp::default(),
            retry_at: None,
            error: None,
        };
        let n_steps = steps.len();
        let mut counts = [0; 6];
        counts[usize::from(StepState::Pending.code())] = n_steps;
        Self { lines: vec![line; n_steps], steps, positions, counts }
    }

    /// Takes in one log entry.
    pub fn apply(&mut self, entry: &TransitionDocument) -> Option<News> {
        let Some(name) = &entry.step_name else {
            let state = TaskState::from_name(&entry.to).filter(|state| !state.is_open())?;
            return Some(News::Ended { state });
        };
        let (step, to) = (*self.positions.get(name)?, StepState::from_name(&entry.to)?);
        self.step(step, to, entry.at.timestamp(), entry.metadata.as_ref().unwrap_or(&Value::Null))
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
        self.steps[step.index()].name.as_str()
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
        (0..).map(Ordinal).zip(&self.lines)
    }

    /// The steps that a step still waits for.
    pub fn waits_for(&self, step: Ordinal) -> Vec<&str> {
        let parents = self.steps[step.index()].parents.iter();
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
    use serde_json::json;

    use super::*;

    fn board() -> Board {
        let step = |name: &str, parents: &[&str]| Step {
            name: StepName::new(name).unwrap(),
            parents: parents.iter().map(|_| Ordinal(0)).collect(),
        };
        Board::of(vec![step("a", &[]), step("b", &["a"])])
    }

    fn entry(step: &str, to: StepState, seconds: i64, metadata: &str) -> TransitionDocument {
        let at = Timestamp::default().plus_seconds(seconds).to_string();
        let metadata: Value = serde_json::from_str(metadata).unwrap();
        serde_json::from_value(json!({
            "task_id": "01890a5d-ac96-774b-bcce-b302099a8057", "step_name": step, "seq": 1, "from": null,
            "to": to.as_str(), "at": at, "actor": "engine", "metadata": metadata,
        }))
        .unwrap()
    }

    #[test]
    fn the_log_tells_where_steps_stand() {
        let mut board = board();
        assert_eq!(board.counters(), "0/2 steps done, 2 waiting");
        assert_eq!(board.waits_for(Ordinal(1)), ["a"]);
        let started = board.apply(&entry("a", StepState::InProgress, 1, r#"{"attempt":1}"#));
        assert_eq!(started, Some(News::Started { step: Ordinal(0), attempt: 1 }));
        let failure = r#"{"attempt":1,"error":{"code":"x_y","message":"m"},"backoff_seconds":2,"next_retry_at":"1970-01-01T00:00:04Z"}"#;
        let failed = board.apply(&entry("a", StepState::Error, 2, failure));
        let expected =
            News::Failed { step: Ordinal(0), attempt: 1, error: "x_y: m".into(), again_in: Some(2) };
        assert_eq!(failed, Some(expected));
        assert_eq!(board.counters(), "0/2 steps done, 1 failed, 1 waiting");
        assert_eq!(board.apply(&entry("a", StepState::Pending, 4, "{}")), None);
        board.apply(&entry("a", StepState::InProgress, 4, r#"{"attempt":2}"#));
        let done = board.apply(&entry("a", StepState::Complete, 7, r#"{"attempt":2}"#));
        assert_eq!(
            done,
            Some(News::Done { step: Ordinal(0), state: StepState::Complete, took: Duration::from_secs(3) })
        );
        assert!(board.waits_for(Ordinal(1)).is_empty());
        assert_eq!(board.counters(), "1/2 steps done, 1 waiting");
    }
}
