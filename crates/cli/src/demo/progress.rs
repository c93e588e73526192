//! What the engine's log tells about the orders: the only source of everything that the demo shows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;
use tasker_core::ids::TaskId;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_store::read::LogEntry;

/// Everything known so far.
#[derive(Default)]
pub struct Progress {
    orders: HashMap<TaskId, Order>,
    running: HashMap<(TaskId, String), Timestamp>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Orders that ended, by state.
    pub ended: BTreeMap<TaskState, u32>,
    /// Executions that were repetitions.
    pub retries: u32,
    /// Failed executions, by error code.
    pub troubles: BTreeMap<String, u32>,
    /// Orders that did not complete.
    pub failures: Vec<Failed>,
    /// Executions that completed, by step.
    pub steps: BTreeMap<String, StepTimes>,
}

struct Order {
    number: u32,
    started: Option<Timestamp>,
    retries: u32,
    trouble: Option<(String, Trouble)>,
}

/// How long the executions of one step took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StepTimes {
    /// How many completed.
    pub count: u32,
    /// Together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// An order that did not complete, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Its number.
    pub order: u32,
    /// Its task.
    pub task: TaskId,
    /// The step that failed last.
    pub step: String,
    /// Why.
    pub code: String,
    /// The same for people.
    pub message: String,
}

/// Something worth a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// An execution failed.
    Trouble {
        /// The order.
        order: u32,
        /// The step.
        step: String,
        /// Why.
        code: String,
        /// Seconds until it is tried again; `None` if it is not.
        again_in: Option<u32>,
    },
    /// An order ended.
    Ended {
        /// The order.
        order: u32,
        /// How.
        state: TaskState,
        /// How long it took.
        took: Duration,
        /// How often one of its steps was repeated.
        retries: u32,
    },
}

/// What a log entry says of a failed execution.
#[derive(Clone, Deserialize)]
struct Trouble {
    error: TroubleError,
    backoff_seconds: Option<u32>,
}

#[derive(Clone, Deserialize)]
struct TroubleError {
    code: String,
    message: String,
}

impl Progress {
    /// Watches one more task; log entries of others are passed over.
    pub fn expect(&mut self, task: TaskId, number: u32) {
        self.orders.insert(task, Order { number, started: None, retries: 0, trouble: None });
    }

    /// Whether all expected orders ended.
    pub fn all_ended(&self) -> bool {
        self.orders_ended() == self.orders.len()
    }

    /// How many orders ended.
    pub fn orders_ended(&self) -> usize {
        self.ended.values().map(|count| *count as usize).sum()
    }

    /// How many orders ended in a state.
    pub fn ended_in(&self, state: TaskState) -> u32 {
        self.ended.get(&state).copied().unwrap_or(0)
    }

    /// How many steps run at this moment.
    pub fn steps_running(&self) -> usize {
        self.running.len()
    }

    /// How many steps completed.
    pub fn steps_done(&self) -> u32 {
        self.steps.values().map(|times| times.count).sum()
    }

    /// From the first entry to the last.
    pub fn elapsed(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// Takes in one log entry.
    pub fn note(&mut self, entry: &LogEntry) -> Option<News> {
        self.orders.get(&entry.task)?;
        let at = entry.transition.at;
        self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
        match (entry.transition.change, &entry.step) {
            (Change::Task { from: None, .. }, _) => self.started(entry.task, at),
            (Change::Task { to, .. }, _) if !to.is_open() => self.order_ended(entry.task, to, at),
            (Change::Step { from, to, .. }, Some(step)) => {
                let key = (entry.task, step.as_str().to_owned());
                self.step_changed(key, (from, to), at, entry.transition.metadata.as_deref())
            }
            _ => None,
        }
    }

    fn started(&mut self, task: TaskId, at: Timestamp) -> Option<News> {
        self.orders.get_mut(&task)?.started = Some(at);
        None
    }

    fn order_ended(&mut self, task: TaskId, state: TaskState, at: Timestamp) -> Option<News> {
        *self.ended.entry(state).or_default() += 1;
        let order = self.orders.get(&task)?;
        if let (false, Some((step, trouble))) = (state == TaskState::Complete, &order.trouble) {
            self.failures.push(Failed {
                order: order.number,
                task,
                step: step.clone(),
                code: trouble.error.code.clone(),
                message: trouble.error.message.clone(),
            });
        }
        let took = order.started.map_or(Duration::ZERO, |started| at.since(started));
        Some(News::Ended { order: order.number, state, took, retries: order.retries })
    }

    fn step_changed(
        &mut self,
        key: (TaskId, String),
        change: (Option<StepState>, StepState),
        at: Timestamp,
        metadata: Option<&str>,
    ) -> Option<News> {
        match change {
            (Some(StepState::Error), StepState::Pending) => {
                self.retries += 1;
                self.orders.get_mut(&key.0)?.retries += 1;
                None
            }
            (_, StepState::InProgress) => {
                self.running.insert(key, at);
                None
            }
            (_, StepState::Complete) => self.step_completed(key, at),
            (_, StepState::Error) => self.step_failed(key, metadata),
            _ => None,
        }
    }

    fn step_completed(&mut self, key: (TaskId, String), at: Timestamp) -> Option<News> {
        let took = at.since(self.running.remove(&key)?);
        let times = self.steps.entry(key.1).or_default();
        times.count += 1;
        times.total += took;
        times.longest = times.longest.max(took);
        None
    }

    fn step_failed(&mut self, key: (TaskId, String), metadata: Option<&str>) -> Option<News> {
        self.running.remove(&key);
        let trouble: Trouble = serde_json::from_str(metadata?).ok()?;
        *self.troubles.entry(trouble.error.code.clone()).or_default() += 1;
        let order = self.orders.get_mut(&key.0)?;
        order.trouble = Some((key.1.clone(), trouble.clone()));
        let again_in = trouble.backoff_seconds;
        Some(News::Trouble { order: order.number, step: key.1, code: trouble.error.code, again_in })
    }
}

impl StepTimes {
    /// The mean.
    pub fn mean(&self) -> Duration {
        self.total.checked_div(self.count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::ids::Ordinal;
    use tasker_core::names::StepName;
    use tasker_core::record::Transition;
    use tasker_store::read::Cursor;

    use super::*;

    const TASK: TaskId = TaskId(uuid::Uuid::from_u128(1));

    fn entry(at_ms: i64, change: Change, metadata: Option<&str>) -> LogEntry {
        let step = matches!(change, Change::Step { .. }).then(|| StepName::new("pay").unwrap());
        LogEntry {
            cursor: Cursor::START,
            task: TASK,
            origin: None,
            step,
            transition: Transition {
                seq: 1,
                change,
                at: Timestamp::from_micros(at_ms * 1_000),
                actor: "engine".to_owned(),
                metadata: metadata.map(str::to_owned),
            },
        }
    }

    fn task(from: Option<TaskState>, to: TaskState) -> Change {
        Change::Task { from, to }
    }

    fn step(from: StepState, to: StepState) -> Change {
        Change::Step { ordinal: Ordinal(0), from: Some(from), to }
    }

    fn watching() -> Progress {
        let mut progress = Progress::default();
        progress.expect(TASK, 12);
        progress.note(&entry(0, task(None, TaskState::Pending), None));
        progress
    }

    const BUSY: &str = r#"{"attempt":1,"error":{"class":"HttpError","code":"HTTP_503","message":"busy","retryable":true},"backoff_seconds":1}"#;
    const REFUSED: &str =
        r#"{"attempt":1,"error":{"class":"HttpError","code":"HTTP_422","message":"no","retryable":false}}"#;

    #[test]
    fn a_retried_step_counts_once_as_retry_and_once_as_done() {
        use StepState::*;
        let mut progress = watching();
        progress.note(&entry(10, step(Pending, InProgress), None));
        let news = progress.note(&entry(20, step(InProgress, Error), Some(BUSY)));
        let expected = News::Trouble {
            order: 12,
            step: "pay".to_owned(),
            code: "HTTP_503".to_owned(),
            again_in: Some(1),
        };
        assert_eq!(news, Some(expected));
        progress.note(&entry(1_020, step(Error, Pending), None));
        progress.note(&entry(1_020, step(Pending, InProgress), None));
        progress.note(&entry(1_100, step(InProgress, Complete), None));
        let news = progress.note(&entry(1_100, task(Some(TaskState::InProgress), TaskState::Complete), None));
        let took = Duration::from_millis(1_100);
        assert_eq!(news, Some(News::Ended { order: 12, state: TaskState::Complete, took, retries: 1 }));
        assert_eq!((progress.retries, progress.steps_done(), progress.failures.len()), (1, 1, 0));
        assert_eq!(progress.steps["pay"].mean(), Duration::from_millis(80));
        assert!(progress.all_ended());
    }

    #[test]
    fn a_failed_order_names_its_step_and_reason() {
        use StepState::*;
        let mut progress = watching();
        progress.note(&entry(10, step(Pending, InProgress), None));
        progress.note(&entry(20, step(InProgress, Error), Some(REFUSED)));
        progress.note(&entry(20, task(Some(TaskState::InProgress), TaskState::Error), None));
        let expected = Failed {
            order: 12,
            task: TASK,
            step: "pay".to_owned(),
            code: "HTTP_422".to_owned(),
            message: "no".to_owned(),
        };
        assert_eq!(progress.failures, [expected]);
        assert_eq!((progress.retries, progress.ended_in(TaskState::Error)), (0, 1));
    }

    #[test]
    fn tasks_of_others_are_passed_over() {
        let mut progress = watching();
        let mut foreign = entry(5, task(Some(TaskState::InProgress), TaskState::Complete), None);
        foreign.task = TaskId(uuid::Uuid::from_u128(2));
        assert_eq!(progress.note(&foreign), None);
        assert_eq!(progress.orders_ended(), 0);
    }
}
