//! The handlers of a simulated world: what an execution does is chance, and each is written in the ledger.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tasker_core::ids::Ordinal;
use tasker_core::outcome::Failure;
use tasker_core::payload::Payload;
use tasker_engine::context::StepContext;
use tasker_engine::handler::StepHandler;

use super::commits::stored_result;
use super::ledger::End;
use super::shared::{Shared, lock};
use super::vitals::Vitals;

/// Results and contexts with this text are refused by the store.
pub(super) const UNSTORABLE: &str = "unstorable";

/// A handler of one life of one node.
pub(super) struct Scripted {
    pub(super) shared: Arc<Shared>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) limit: Option<usize>,
}

/// What an execution does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Works for so long, then succeeds.
    Work(Duration),
    /// Reads the result of a step that its claim did not bring, then succeeds.
    ReadAncestor,
    /// Works for so long, then fails; it may be tried again, at once or after so many seconds.
    Fail(Duration, Option<u32>),
    /// Fails for good.
    FailForGood,
    Panic,
    /// Goes on until it is told to stop, then fails.
    UntilTold,
    /// Goes on until it is told to stop, then succeeds all the same.
    UntilToldThenSucceed,
    /// Does not listen.
    Stubborn(Duration),
    /// Returns what the store refuses.
    Unstorable,
}

/// Ends an execution in the ledger, also if its handler is dropped.
struct Entry {
    shared: Arc<Shared>,
    number: usize,
    end: End,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.shared.ledger).end(self.number, self.end);
    }
}

#[async_trait]
impl StepHandler for Scripted {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        self.vitals.awake().await;
        let Some(mut entry) = self.begin(&step) else { return std::future::pending().await };
        let result = self.perform(self.deed(), &step).await;
        self.vitals.awake().await;
        entry.end = if result.is_ok() { End::Succeeded } else { End::Failed };
        result.map(|value| json!({ "execution": entry.number, "value": value }))
    }

    fn concurrency_limit(&self) -> Option<usize> {
        self.limit
    }
}

impl Scripted {
    /// Writes the execution into the ledger, and compares what the handler was given with what the store has.
    fn begin(&self, step: &StepContext) -> Option<Entry> {
        let shared = &self.shared;
        let ordinal = {
            let oracle = lock(&shared.oracle);
            let seen = oracle.task(step.task_id)?;
            seen.plan().position(step.step.as_str())?
        };
        shared.judge(self.judge_inputs(step, ordinal));
        let began = lock(&shared.ledger).begin(&self.vitals.name, ordinal, step.clone());
        let number = began.map_err(|wrong| shared.violate(wrong)).ok()?;
        shared.count(|counts| counts.executions += 1);
        let task = shared.story.name(step.task_id.0);
        let what = format_args!("execution {number}: {task} {} attempt {}", step.step, step.attempt);
        shared.story.tell(&self.vitals.name, what);
        Some(Entry { shared: shared.clone(), number, end: End::Dropped })
    }

    /// Every parent is done, and its result is the one that the step was given.
    fn judge_inputs(&self, step: &StepContext, ordinal: Ordinal) -> Result<(), String> {
        let oracle = lock(&self.shared.oracle);
        let Some(seen) = oracle.task(step.task_id) else {
            return Err(format!("a step of task {} began, which does not exist", step.task_id));
        };
        for &parent in seen.plan().graph.parents(ordinal) {
            let name = seen.plan().name(parent).as_str();
            let state = seen.step(parent).record.state;
            if !state.is_done() {
                return Err(format!(
                    "step {} of task {} began, but its parent {name} is {state}",
                    step.step, step.task_id
                ));
            }
            let stored = stored_result(&self.shared, step.task_id, parent).unwrap_or_else(Payload::null);
            if step.result(name) != Some(&stored) {
                return Err(format!(
                    "step {} of task {} was given another result of {name} than is stored",
                    step.step, step.task_id
                ));
            }
        }
        Ok(())
    }

    fn deed(&self) -> Deed {
        let shared = &self.shared;
        if shared.is_calm() {
            return Deed::Work(shared.millis(0, 40));
        }
        match shared.below(100) {
            0..=29 => Deed::Work(Duration::ZERO),
            30..=49 => Deed::Work(shared.millis(1, 200)),
            50..=62 => Deed::Work(shared.millis(200, 4_000)),
            63..=66 => Deed::Work(shared.millis(5_000, 15_000)),
            67..=70 => Deed::ReadAncestor,
            71..=79 => Deed::Fail(shared.millis(0, 300), None),
            80..=82 => Deed::Fail(Duration::ZERO, Some(shared.below(4) as u32)),
            83..=85 => Deed::FailForGood,
            86..=88 => Deed::Panic,
            89..=92 => Deed::UntilTold,
            93..=94 => Deed::UntilToldThenSucceed,
            95..=97 => Deed::Stubborn(shared.millis(2_000, 30_000)),
            _ => Deed::Unstorable,
        }
    }

    async fn perform(&self, deed: Deed, step: &StepContext) -> Result<Value, Failure> {
        match deed {
            Deed::Work(span) | Deed::Stubborn(span) => self.rest(span).await,
            Deed::ReadAncestor => return self.read_ancestor(step).await,
            Deed::Fail(span, retry_after) => {
                self.rest(span).await;
                let failure = Failure::retryable("Broken", "broken", "it broke");
                return Err(retry_after.into_iter().fold(failure, Failure::after));
            }
            Deed::FailForGood => return Err(Failure::permanent("Refused", "refused", "it is not possible")),
            // Unlike a panic of the macro's this one is not told on standard error.
            Deed::Panic => std::panic::resume_unwind(Box::new("a deliberate panic")),
            Deed::UntilTold => {
                step.cancellation.cancelled().await;
                return Err(Failure::retryable("Told", "told", "it was told to stop"));
            }
            Deed::UntilToldThenSucceed => step.cancellation.cancelled().await,
            Deed::Unstorable => return Ok(json!(UNSTORABLE)),
        }
        Ok(json!(null))
    }

    async fn read_ancestor(&self, step: &StepContext) -> Result<Value, Failure> {
        let ancestor = {
            let oracle = lock(&self.shared.oracle);
            let plan = oracle.task(step.task_id).map(|seen| seen.detail.plan.clone());
            plan.and_then(|plan| {
                let ordinal = plan.position(step.step.as_str())?;
                let far = plan.graph.ancestors(ordinal).into_iter().next()?;
                Some(plan.name(far).to_string())
            })
        };
        if let Some(name) = ancestor {
            step.result_of(&name).await?;
        }
        Ok(json!("read"))
    }

    async fn rest(&self, span: Duration) {
        if !span.is_zero() {
            tokio::time::sleep(span).await;
        }
        self.vitals.awake().await;
    }
}
