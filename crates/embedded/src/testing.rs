//! Running workflows in tests: in memory, and without waiting for retries.
//!
//! ```
//! use tasker::testing::InlineEngine;
//! use tasker::{StepContext, StepError, TaskState};
//!
//! async fn flaky(step: StepContext, _: serde_json::Value) -> Result<u32, StepError> {
//!     match step.attempt {
//!         1 | 2 => Err(StepError::retryable("Busy", "busy", "try again")),
//!         attempt => Ok(attempt),
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tasker::Error> {
//! let engine = InlineEngine::start(|handlers| handlers.handler("flaky", flaky)).await?;
//! let definition = "{name: n, step_templates: [{name: a, handler: flaky, default_retry_limit: 3}]}";
//! let task = engine.run(definition, serde_json::json!({})).await?;
//! assert_eq!(task.state(), TaskState::Complete);
//! assert_eq!((task.attempts("a"), task.result("a")), (3, Some(3.into())));
//! # engine.shutdown().await;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;
use tasker_core::outcome::StepError;
use tasker_core::record::StepDetail;
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_engine::EngineOptions;
use tasker_engine::use_cases::TaskView;
use tasker_store::memory::MemoryStore;

use crate::builder::Builder;
use crate::error::Error;
use crate::tasker::{Tasker, request, result_in};

/// How often it is looked whether all that is left is waiting.
const LOOK: Duration = Duration::from_millis(2);

/// No worker is judged lost, however far time jumps.
const NO_LEASE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// An engine in memory whose clock jumps to the next thing that is due, so that retries cost no time.
pub struct InlineEngine {
    tasker: Tasker,
    clock: JumpingClock,
}

/// A task that ended.
pub struct EndedTask {
    view: TaskView,
}

impl InlineEngine {
    /// Starts one with the handlers that the closure adds.
    ///
    /// # Errors
    /// A handler's name breaks its rule.
    pub async fn start(handlers: impl FnOnce(Builder) -> Builder) -> Result<Self, Error> {
        let clock = JumpingClock::default();
        let store = Arc::new(MemoryStore::new(clock.source()));
        let options = EngineOptions { poll_interval: LOOK, lease: NO_LEASE, ..EngineOptions::default() };
        let tasker = handlers(Tasker::builder()).store(store).options(options).build().await?;
        Ok(Self { tasker, clock })
    }

    /// Runs one task of a definition (YAML or JSON) to its end.
    ///
    /// # Errors
    /// The definition is not valid, or the context is refused.
    pub async fn run(&self, definition: &str, context: impl Serialize) -> Result<EndedTask, Error> {
        let definition = self.tasker.register(definition).await?;
        let mut request = request(definition.name.as_str(), context)?;
        request.namespace = definition.namespace;
        request.version = Some(definition.version);
        let id = self.tasker.submit(request).await?.task_id;
        tokio::select! {
            state = self.tasker.wait(id) => { state?; }
            error = self.jump_over_waits() => return Err(error),
        }
        Ok(EndedTask { view: self.tasker.task(id).await? })
    }

    /// The engine itself.
    pub fn tasker(&self) -> &Tasker {
        &self.tasker
    }

    /// Ends it.
    pub async fn shutdown(self) {
        self.tasker.shutdown().await;
    }

    /// Moves time on whenever nothing runs and nothing is due, for as long as no error comes.
    async fn jump_over_waits(&self) -> Error {
        loop {
            tokio::time::sleep(LOOK).await;
            let queue = match self.tasker.engine().queue().await {
                Ok(queue) => queue,
                Err(error) => return error.into(),
            };
            let is_busy = queue.iter().any(|depth| depth.running + depth.due > 0);
            if let (false, Some(next)) = (is_busy, queue.iter().filter_map(|depth| depth.next_due_at).min()) {
                self.clock.jump_to(next);
            }
        }
    }
}

impl EndedTask {
    /// How it ended.
    pub fn state(&self) -> TaskState {
        self.view.detail.record.state
    }

    /// The state of a step; `None` if there is no such step.
    pub fn step_state(&self, step: &str) -> Option<StepState> {
        self.step(step).map(|detail| detail.record.state)
    }

    /// How often a step was executed.
    pub fn attempts(&self, step: &str) -> u32 {
        self.step(step).map_or(0, |detail| detail.record.attempts)
    }

    /// The result of a step.
    pub fn result(&self, step: &str) -> Option<Value> {
        result_in(&self.view, step)
    }

    /// The last failure of a step.
    pub fn error(&self, step: &str) -> Option<&StepError> {
        self.step(step)?.error.as_ref()
    }

    /// Everything about it.
    pub fn view(&self) -> &TaskView {
        &self.view
    }

    fn step(&self, step: &str) -> Option<&StepDetail> {
        let ordinal = self.view.detail.plan.position(step)?;
        self.view.steps.iter().find(|detail| detail.record.ordinal == ordinal)
    }
}

/// The host's clock plus all jumps. Clones are the same clock.
#[derive(Clone, Default)]
struct JumpingClock {
    ahead_micros: Arc<AtomicI64>,
}

impl JumpingClock {
    fn now(&self) -> Timestamp {
        let host = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let host = Timestamp::default().plus(host).as_micros();
        Timestamp::from_micros(host + self.ahead_micros.load(Ordering::SeqCst))
    }

    fn jump_to(&self, at: Timestamp) {
        let missing = at.as_micros() - self.now().as_micros();
        if missing > 0 {
            self.ahead_micros.fetch_add(missing, Ordering::SeqCst);
        }
    }

    fn source(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
