//! What the engine's own log tells about executions.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_engine::{Engine, UseCaseError};
use tasker_store::read::{Cursor, LogEntry, LogQuery};

use crate::finding::{Finding, Kind};

/// Log entries that are read at once.
const PAGE: usize = 5_000;

/// Code of executions that were lost with their worker.
pub const LEASE_EXPIRED: &str = "lease_expired";

/// One execution that was accepted, from its claim to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// The step.
    pub step: String,
    /// 1, 2, ... for each step.
    pub number: usize,
    /// Who claimed it: `worker:<id>`.
    pub worker: String,
    /// When it was claimed.
    pub began: Timestamp,
    /// When its end was committed.
    pub ended: Timestamp,
    /// How it ended.
    pub end: End,
}

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// With success.
    Complete,
    /// With this error, and this wait before the next one.
    Failed(String, Duration),
    /// It was given back.
    Released,
}

/// What the log tells.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every execution of every step, in the order of their ends within each task.
    pub attempts: Vec<Attempt>,
}

impl History {
    /// Reads a log in which every task has ended.
    ///
    /// # Errors
    /// It has gaps or changes that are not legal; a claim was settled twice or never; a step was executed after it was
    /// complete; an attempt was left out.
    pub fn read(log: &[LogEntry]) -> Result<Self, Finding> {
        check_log(log)?;
        let mut history = Self::default();
        let mut steps: BTreeMap<(TaskId, String), Trace> = BTreeMap::new();
        let mut entries: Vec<&LogEntry> = log.iter().collect();
        entries.sort_by_key(|entry| (entry.task, entry.transition.seq));
        for entry in entries {
            match (entry.transition.change, &entry.step) {
                (Change::Step { from, to, .. }, Some(step)) => {
                    let trace = steps.entry((entry.task, step.to_string())).or_default();
                    let ended = trace.follow(entry, from, to);
                    history.attempts.extend(ended.map_err(|wrong| about(entry.task, step, wrong))?);
                }
                (Change::Task { .. }, _) => {}
                (Change::Step { .. }, None) => {
                    return Err(Finding::new(Kind::Wrong, "an entry of the log names no step").of(entry.task));
                }
            }
        }
        match steps.into_iter().find(|(_, trace)| trace.running.is_some()) {
            None => Ok(history),
            Some(((task, step), _)) => {
                Err(about(task, &step, (Kind::Lost, "was claimed and never settled".into())))
            }
        }
    }

    /// Executions that were lost with their worker.
    pub fn lost(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.failed_as(LEASE_EXPIRED))
    }

    /// For each execution that was lost and had another one after it: the worker, and when the step ran again, less the
    /// wait it was given.
    pub fn repeats(&self) -> Vec<(&str, Timestamp)> {
        let begins: HashMap<(TaskId, &str, usize), Timestamp> =
            self.attempts.iter().map(|a| ((a.task, a.step.as_str(), a.number), a.began)).collect();
        let repeat = |lost: &'_ Attempt| {
            let next = *begins.get(&(lost.task, lost.step.as_str(), lost.number + 1))?;
            let wait = if let End::Failed(_, wait) = &lost.end { *wait } else { Duration::ZERO };
            Some(next.minus(wait))
        };
        self.lost().filter_map(|lost| Some((lost.worker.as_str(), repeat(lost)?))).collect()
    }
}

impl Attempt {
    /// Whether it ended with this error.
    pub fn failed_as(&self, expected: &str) -> bool {
        matches!(&self.end, End::Failed(code, _) if code == expected)
    }

    /// How long it took, from its claim to the commit of its end.
    pub fn lasted(&self) -> Duration {
        self.ended.since(self.began)
    }
}

/// A step while its log is followed.
#[derive(Default)]
struct Trace {
    attempts: usize,
    running: Option<(Timestamp, String)>,
    is_complete: bool,
}

/// What is wrong, and of which kind that is.
type Wrong = (Kind, String);

impl Trace {
    fn follow(
        &mut self,
        entry: &LogEntry,
        from: Option<StepState>,
        to: StepState,
    ) -> Result<Option<Attempt>, Wrong> {
        let told = told(entry)?;
        if to == StepState::InProgress {
            return self.claim(entry, &told).map(|()| None);
        }
        if from != Some(StepState::InProgress) {
            return Ok(None);
        }
        let running = self.running.take();
        let (began, worker) = running.ok_or_else(|| doubled("was settled without a claim"))?;
        let attempt = Attempt {
            task: entry.task,
            step: entry.step.as_ref().map(ToString::to_string).unwrap_or_default(),
            number: self.attempts,
            worker,
            began,
            ended: entry.transition.at,
            end: end_of(to, &told)?,
        };
        match attempt.end {
            End::Released => self.attempts -= 1,
            _ if told["attempt"] == attempt.number => {}
            _ => return Err((Kind::Wrong, format!("execution {} ended as {told}", attempt.number))),
        }
        self.is_complete = attempt.end == End::Complete;
        Ok(Some(attempt))
    }

    fn claim(&mut self, entry: &LogEntry, told: &Value) -> Result<(), Wrong> {
        if self.is_complete {
            return Err(doubled("was executed after it was complete"));
        }
        if self.running.is_some() {
            return Err(doubled("was claimed while it was executed"));
        }
        self.attempts += 1;
        if told["attempt"] != self.attempts {
            return Err((Kind::Wrong, format!("claim {} is told as {told}", self.attempts)));
        }
        self.running = Some((entry.transition.at, entry.transition.actor.clone()));
        Ok(())
    }
}

fn doubled(what: &str) -> Wrong {
    (Kind::Doubled, what.to_owned())
}

fn about(task: TaskId, step: &impl std::fmt::Display, (kind, what): Wrong) -> Finding {
    Finding::new(kind, format!("by the log, step {step} {what}")).of(task)
}

fn told(entry: &LogEntry) -> Result<Value, Wrong> {
    let Some(text) = entry.transition.metadata.as_deref() else { return Ok(Value::Null) };
    serde_json::from_str(text)
        .map_err(|error| (Kind::Wrong, format!("has details that are no JSON: {error}")))
}

fn end_of(to: StepState, told: &Value) -> Result<End, Wrong> {
    Ok(match to {
        StepState::Complete => End::Complete,
        StepState::Pending => End::Released,
        StepState::Error => {
            let code = told["error"]["code"].as_str();
            let code = code.ok_or_else(|| (Kind::Wrong, format!("failed without a code: {told}")))?;
            End::Failed(code.to_owned(), Duration::from_secs(told["backoff_seconds"].as_u64().unwrap_or(0)))
        }
        other => return Err((Kind::Wrong, format!("ended as {other}"))),
    })
}

/// The whole log, of one task or of all.
///
/// # Errors
/// It cannot be read.
pub async fn whole_log(engine: &Engine, task: Option<TaskId>) -> Result<Vec<LogEntry>, UseCaseError> {
    let (mut log, mut after) = (Vec::new(), Cursor::START);
    loop {
        let page = engine.log(LogQuery { task, after, limit: PAGE }).await?;
        let Some(last) = page.last() else { return Ok(log) };
        after = last.cursor;
        log.extend(page);
    }
}

/// Checks each task's part of a log: numbers without a gap, every change from the state before, every change legal.
///
/// # Errors
/// What is wrong first.
pub fn check_log(log: &[LogEntry]) -> Result<(), Finding> {
    let mut tasks: BTreeMap<TaskId, Vec<&LogEntry>> = BTreeMap::new();
    for entry in log {
        tasks.entry(entry.task).or_default().push(entry);
    }
    for (task, entries) in &mut tasks {
        entries.sort_by_key(|entry| entry.transition.seq);
        check_task(entries)
            .map_err(|wrong| Finding::new(Kind::Wrong, format!("the log of the task: {wrong}")).of(*task))?;
    }
    Ok(())
}

fn check_task(entries: &[&LogEntry]) -> Result<(), String> {
    let mut task_state = None;
    let mut step_states: BTreeMap<u32, StepState> = BTreeMap::new();
    for (entry, number) in entries.iter().zip(1..) {
        if entry.transition.seq != number {
            return Err(format!("entry {number} has number {}", entry.transition.seq));
        }
        let (shown, is_next, is_legal) = match entry.transition.change {
            Change::Task { from, to } => {
                let before = task_state.replace(to);
                (format!("{from:?} to {to}"), from == before, TaskState::allows(from, to))
            }
            Change::Step { ordinal, from, to } => {
                let before = step_states.insert(ordinal.0, to);
                (format!("step {ordinal}, {from:?} to {to}"), from == before, StepState::allows(from, to))
            }
        };
        if !is_next || !is_legal {
            let why = if is_next { "is not legal" } else { "does not begin where the entry before ended" };
            return Err(format!("entry {number} ({shown}) {why}"));
        }
    }
    Ok(())
}
