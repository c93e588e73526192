//! The ledger: what was executed, written by those who were called. The engine does not know it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use crate::error::{TortureError, Trying};
use crate::recorder::{Call, Recorder, Reply};
use crate::workflow::{Fate, Workflow};

/// The ledger, and the server that writes it.
pub struct Ledger {
    recorder: Recorder,
    tasks: Arc<Tasks>,
}

/// The workflows of tasks, by the numbers of the tasks.
#[derive(Default)]
struct Tasks(Mutex<HashMap<u64, Arc<Workflow>>>);

/// One execution.
#[derive(Clone, PartialEq, Debug)]
pub struct Execution {
    /// Number of the task.
    pub task: u64,
    /// Name of the step.
    pub step: String,
    /// Number of the execution, as the step was told.
    pub attempt: usize,
    /// The idempotency key.
    pub key: String,
    /// What the step was given: results by the names of steps.
    pub inputs: Map<String, Value>,
    /// When it came.
    pub came: Instant,
    /// The same by the clock of the machine.
    pub came_at: SystemTime,
    /// When it was answered, if it was.
    pub answered: Option<Instant>,
}

impl Ledger {
    /// Opens an empty one.
    ///
    /// # Errors
    /// No loopback port can be had.
    pub async fn open() -> Result<Self, TortureError> {
        let tasks = Arc::new(Tasks::default());
        let known = tasks.clone();
        let recorder = Recorder::open(move |call| known.reply(call)).await;
        Ok(Self { recorder: recorder.trying("opening the ledger on a loopback port")?, tasks })
    }

    /// Where steps call it.
    pub fn url(&self) -> String {
        self.recorder.url()
    }

    /// Task `number` will be one of this workflow.
    pub fn expect(&self, number: u64, workflow: Arc<Workflow>) {
        self.tasks.lock().insert(number, workflow);
    }

    /// How many executions there were so far.
    pub fn count(&self) -> usize {
        self.recorder.count()
    }

    /// Waits for so many more.
    ///
    /// # Errors
    /// They do not come.
    pub async fn more(&self, count: usize, patience: Duration) -> Result<(), TortureError> {
        self.recorder.wait_for(self.count() + count, patience).await
    }

    /// Everything that was written since the last time, and calls that are no executions. Tasks that were expected are no
    /// more.
    pub fn take(&self) -> (Vec<Execution>, Vec<Call>) {
        self.tasks.lock().clear();
        let (mut executions, mut others) = (Vec::new(), Vec::new());
        for call in self.recorder.take_calls() {
            match Execution::of(call) {
                Ok(execution) => executions.push(execution),
                Err(call) => others.push(*call),
            }
        }
        (executions, others)
    }
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Workflow>>> {
        self.0.lock().expect("no holder of this lock panics")
    }

    /// What becomes of the execution that calls. Whoever is not expected is refused.
    fn reply(&self, call: &Call) -> Reply {
        let Ok(execution) = Execution::of(call.clone()) else { return Reply::status(400) };
        let workflow = self.lock().get(&execution.task).cloned();
        let found = workflow.as_ref().and_then(|workflow| {
            let step = workflow.position(&execution.step)?;
            let fate = workflow.steps[step].fates.get(execution.attempt.checked_sub(1)?)?;
            Some((workflow, step, *fate))
        });
        let Some((workflow, step, fate)) = found else { return Reply::status(404) };
        let answer = || workflow.answer(step, execution.attempt, &execution.inputs);
        match fate {
            Fate::Succeed(after) => Reply::status(200).body(answer()).after(after),
            Fate::Break => Reply::status(200).body(answer()).broken(),
            Fate::Fail => Reply::status(500),
            Fate::Busy(seconds) => Reply::status(503).retry_after(seconds),
            Fate::Refuse => Reply::status(422),
            Fate::Hang => Reply::never(),
        }
    }
}

impl Execution {
    fn of(mut call: Call) -> Result<Self, Box<Call>> {
        let number = |name: &str| call.body[name].as_u64();
        let told = (|| Some((number("task")?, number("attempt")?, call.body["step"].as_str()?.to_owned())))();
        let (Some((task, attempt, step)), Value::Object(inputs)) = (told, call.body["inputs"].take()) else {
            return Err(Box::new(call));
        };
        Ok(Self {
            task,
            step,
            attempt: usize::try_from(attempt).unwrap_or(usize::MAX),
            key: call.key.unwrap_or_default(),
            inputs,
            came: call.at,
            came_at: call.came,
            answered: call.answered,
        })
    }
}
