//! The handler of every step: waits if told so, fails if told so, and tells when it ran.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_core::outcome::Failure;
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};

use crate::workload;

/// What a handler does.
#[derive(Clone, Debug)]
pub(crate) struct Conduct {
    pub(crate) wait: Duration,
    /// Share of steps whose first attempt fails, once failing is switched on.
    pub(crate) failure_rate: f64,
    pub(crate) payload_bytes: usize,
}

/// What handlers did.
#[derive(Default)]
pub(crate) struct Ledger {
    executions: AtomicU64,
    failures: AtomicU64,
    fails: AtomicBool,
    records: AtomicBool,
    spans: Mutex<Vec<Span>>,
}

/// One execution.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) task: TaskId,
    pub(crate) step: StepName,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

impl Ledger {
    /// Executions so far, the failed ones among them.
    pub(crate) fn executions(&self) -> u64 {
        self.executions.load(Ordering::Relaxed)
    }

    /// Executions that failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// From now on first attempts fail, as the conduct says.
    pub(crate) fn begin_to_fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    /// From now on the times of executions are kept.
    pub(crate) fn begin_to_record(&self) {
        self.records.store(true, Ordering::Relaxed);
    }

    /// Ends the record and gives it.
    pub(crate) fn recorded(&self) -> Vec<Span> {
        self.records.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, step: &StepContext, start: Instant) {
        if self.records.load(Ordering::Relaxed) {
            let span = Span { task: step.task_id, step: step.step.clone(), start, end: Instant::now() };
            self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        }
    }
}

/// The handlers of a node.
pub(crate) fn handlers(conduct: Conduct, ledger: Arc<Ledger>) -> Handlers {
    let result = workload::result(conduct.payload_bytes);
    Handlers::new().with(workload::handler_name(), Work { conduct, result, ledger })
}

struct Work {
    conduct: Conduct,
    result: Value,
    ledger: Arc<Ledger>,
}

#[async_trait]
impl StepHandler for Work {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let start = Instant::now();
        self.ledger.executions.fetch_add(1, Ordering::Relaxed);
        if !self.conduct.wait.is_zero() {
            tokio::time::sleep(self.conduct.wait).await;
        }
        if self.fails(&step) {
            self.ledger.failures.fetch_add(1, Ordering::Relaxed);
            return Err(Failure::retryable(
                "BenchFailure",
                "bench_failure",
                "a first attempt that was meant to fail",
            ));
        }
        let result = self.result.clone();
        self.ledger.record(&step, start);
        Ok(result)
    }
}

impl Work {
    fn fails(&self, step: &StepContext) -> bool {
        let may_fail = step.attempt == 1 && self.conduct.failure_rate > 0.0;
        may_fail
            && self.ledger.fails.load(Ordering::Relaxed)
            && is_drawn(step.task_id, step.step.as_str(), self.conduct.failure_rate)
    }
}

/// Whether a step is one of this share of all steps. Ids of tasks are random, so each run draws others.
fn is_drawn(task: TaskId, step: &str, rate: f64) -> bool {
    const SPREAD: f64 = (1_u64 << 53) as f64;
    let mut hasher = DefaultHasher::new();
    (task.0.as_bytes(), step).hash(&mut hasher);
    ((hasher.finish() >> 11) as f64) < rate * SPREAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_steps_that_is_drawn() {
        let drawn = |rate: f64| {
            let tasks = (0..10_000_u128).map(|n| TaskId(uuid::Uuid::from_u128(n)));
            tasks.filter(|task| is_drawn(*task, "a", rate)).count()
        };
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 10_000));
        assert!((2_800..3_200).contains(&drawn(0.3)), "{}", drawn(0.3));
    }
}
