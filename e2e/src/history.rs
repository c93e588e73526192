//! What the log tells about executions, and what must be true of it whatever happened to processes and servers.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_store::read::LogEntry;

use crate::database::check_log;
use crate::recorder::Call;

/// One execution that was accepted, from its claim to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// The step.
    pub step: String,
    /// 1, 2, ... for each step.
    pub number: u64,
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
pub struct History {
    /// Every execution of every step, in the order of their ends within each task.
    pub attempts: Vec<Attempt>,
    /// The last state of each task.
    pub tasks: HashMap<TaskId, TaskState>,
}

impl History {
    /// Reads a log in which every task has ended.
    ///
    /// # Errors
    /// It has gaps or changes that are not legal; a claim was settled twice or never; a step was executed after it was
    /// complete; an attempt was left out.
    pub fn read(log: &[LogEntry]) -> Result<Self> {
        check_log(log)?;
        let mut history = Self { attempts: Vec::new(), tasks: HashMap::new() };
        let mut steps: BTreeMap<(TaskId, String), Trace> = BTreeMap::new();
        let mut entries: Vec<&LogEntry> = log.iter().collect();
        entries.sort_by_key(|entry| (entry.task, entry.transition.seq));
        for entry in entries {
            match (entry.transition.change, &entry.step) {
                (Change::Step { from, to, .. }, Some(step)) => {
                    let trace = steps.entry((entry.task, step.to_string())).or_default();
                    let ended = trace.follow(entry, from, to);
                    history.attempts.extend(ended.with_context(|| format!("{step} of {}", entry.task))?);
                }
                (Change::Task { to, .. }, _) => {
                    history.tasks.insert(entry.task, to);
                }
                (Change::Step { .. }, None) => bail!("an entry of {} names no step", entry.task),
            }
        }
        for ((task, step), trace) in steps {
            ensure!(trace.running.is_none(), "{step} of {task} was claimed and never settled");
        }
        Ok(history)
    }

    /// Executions that were lost with their worker.
    pub fn lost(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.failed_as("lease_expired"))
    }

    /// For each execution that was lost: the worker, and when the step ran again, less the wait it was given.
    pub fn repeats(&self) -> Result<Vec<(String, Timestamp)>> {
        let begins: HashMap<(TaskId, &str, u64), Timestamp> =
            self.attempts.iter().map(|a| ((a.task, a.step.as_str(), a.number), a.began)).collect();
        let repeat = |lost: &Attempt| {
            let next = begins.get(&(lost.task, lost.step.as_str(), lost.number + 1));
            let next =
                next.with_context(|| format!("{} of {} was lost and not repeated", lost.step, lost.task))?;
            let wait = if let End::Failed(_, wait) = &lost.end { *wait } else { Duration::ZERO };
            Ok((lost.worker.clone(), next.minus(wait)))
        };
        self.lost().map(repeat).collect()
    }

    /// Compares with the calls that the server got from tasks, numbered as in `tasks`: no execution called twice, each
    /// that was settled did call, and ended as the server decided.
    pub fn agrees_with(&self, calls: &[Call], tasks: &[TaskId]) -> Result<()> {
        let mut called: HashMap<(TaskId, &str, u64), u16> = HashMap::new();
        for call in calls {
            let number = call.body["number"].as_u64().context("a number")?;
            let task = tasks[usize::try_from(number)?];
            let attempt = call.body["attempt"].as_u64().context("an attempt")?;
            let step = call.path.trim_start_matches('/');
            let before = called.insert((task, step, attempt), call.status);
            ensure!(before.is_none(), "attempt {attempt} of {step} of {task} was executed twice");
        }
        for attempt in &self.attempts {
            let status = called.get(&(attempt.task, attempt.step.as_str(), attempt.number)).copied();
            let is_true = match (&attempt.end, status) {
                (End::Complete, Some(200)) => true,
                (End::Failed(code, _), Some(status)) if *code == format!("HTTP_{status}") => true,
                (End::Failed(code, _), _) => code == "lease_expired",
                (End::Released, _) => true,
                _ => false,
            };
            ensure!(is_true, "the server said {status:?}, and the log {attempt:?}");
        }
        Ok(())
    }

    /// How many executions began so long after their claim.
    pub fn began_late(&self, calls: &[Call], tasks: &[TaskId], by: Duration) -> usize {
        let claims: HashMap<(TaskId, &str, u64), Timestamp> =
            self.attempts.iter().map(|a| ((a.task, a.step.as_str(), a.number), a.began)).collect();
        let is_late = |call: &&Call| {
            let numbers = (call.body["number"].as_u64(), call.body["attempt"].as_u64());
            let (Some(number), Some(attempt)) = numbers else { return false };
            let Some(task) = usize::try_from(number).ok().and_then(|number| tasks.get(number)) else {
                return false;
            };
            let claim = claims.get(&(*task, call.path.trim_start_matches('/'), attempt));
            claim.is_some_and(|claim| instant_of(call.came).since(*claim) >= by)
        };
        calls.iter().filter(is_late).count()
    }
}

impl Attempt {
    /// Whether it ended with this error.
    pub fn failed_as(&self, expected: &str) -> bool {
        matches!(&self.end, End::Failed(code, _) if code == expected)
    }
}

/// A step while its log is followed.
#[derive(Default)]
struct Trace {
    attempts: u64,
    running: Option<(Timestamp, String)>,
    is_complete: bool,
}

impl Trace {
    fn follow(
        &mut self,
        entry: &LogEntry,
        from: Option<StepState>,
        to: StepState,
    ) -> Result<Option<Attempt>> {
        let told: Value =
            entry.transition.metadata.as_deref().map_or(Ok(Value::Null), serde_json::from_str)?;
        if to == StepState::InProgress {
            ensure!(!self.is_complete, "executed after it was complete");
            ensure!(self.running.is_none(), "claimed while it was executed");
            self.attempts += 1;
            ensure!(told["attempt"] == self.attempts, "claim {} is told as {told}", self.attempts);
            self.running = Some((entry.transition.at, entry.transition.actor.clone()));
            return Ok(None);
        }
        if from != Some(StepState::InProgress) {
            return Ok(None);
        }
        let (began, worker) = self.running.take().context("settled without a claim")?;
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
            _ => ensure!(told["attempt"] == attempt.number, "attempt {} ended as {told}", attempt.number),
        }
        self.is_complete = attempt.end == End::Complete;
        Ok(Some(attempt))
    }
}

fn instant_of(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn end_of(to: StepState, told: &Value) -> Result<End> {
    Ok(match to {
        StepState::Complete => End::Complete,
        StepState::Pending => End::Released,
        StepState::Error => {
            let code = told["error"]["code"].as_str().context("a failure has a code")?;
            End::Failed(code.to_owned(), Duration::from_secs(told["backoff_seconds"].as_u64().unwrap_or(0)))
        }
        other => bail!("an execution ended as {other}"),
    })
}
