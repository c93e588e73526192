//! An engine over the reference store, with a clock that stands still and handlers that follow a script.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod counting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::{Value, json};
use tasker_core::definition::Definition;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, HandlerName};
use tasker_core::outcome::Failure;
use tasker_core::payload::Payload;
use tasker_core::record::StepDetail;
use tasker_core::request::TaskRequest;
use tasker_core::state::{StepState, TaskState};
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};
use tasker_engine::use_cases::TaskView;
use tasker_engine::{Engine, EngineOptions, Scope, Worker};
use tasker_store::Store;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::HANDLER;

/// Longest time that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a step does in one execution.
#[derive(Clone)]
pub enum Act {
    Return(Value),
    Fail(Failure),
    Panic,
    /// Meets other executions before it returns: proof that they overlap.
    Meet(Arc<tokio::sync::Barrier>),
    /// Waits for permission before it returns.
    WaitFor(Arc<tokio::sync::Semaphore>),
    /// Waits until it is told to stop, then returns.
    UntilCancelled,
    /// Never returns, whatever it is told.
    Hang,
}

/// What each step does, execution by execution, and what happened.
#[derive(Clone, Default)]
pub struct Script(Arc<Inner>);

#[derive(Default)]
struct Inner {
    acts: Mutex<HashMap<String, Vec<Act>>>,
    ledger: Mutex<Vec<Entry>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

/// One line of the ledger.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    Started(String),
    Ended(String),
}

impl Script {
    /// The acts of a step, in order; the last one is repeated. Steps without acts return `{"step": NAME}`.
    pub fn step(self, name: &str, acts: impl IntoIterator<Item = Act>) -> Self {
        self.0.acts.lock().unwrap().insert(name.into(), acts.into_iter().collect());
        self
    }

    pub fn started(&self) -> Vec<String> {
        let ledger = self.0.ledger.lock().unwrap();
        ledger
            .iter()
            .filter_map(|e| if let Entry::Started(name) = e { Some(name.clone()) } else { None })
            .collect()
    }

    pub fn executions(&self, step: &str) -> usize {
        self.started().iter().filter(|name| *name == step).count()
    }

    /// Whether every execution of `first` had ended before `then` started.
    pub fn ended_before(&self, first: &str, then: &str) -> bool {
        let ledger = self.0.ledger.lock().unwrap();
        let start = ledger.iter().position(|e| *e == Entry::Started(then.into()));
        let end = ledger.iter().rposition(|e| *e == Entry::Ended(first.into()));
        matches!((end, start), (Some(end), Some(start)) if end < start)
    }

    pub fn most_running(&self) -> usize {
        self.0.most_running.load(Ordering::SeqCst)
    }

    fn act(&self, step: &str, attempt: u32) -> Act {
        let acts = self.0.acts.lock().unwrap();
        let Some(acts) = acts.get(step) else { return Act::Return(json!({ "step": step })) };
        acts[(attempt as usize - 1).min(acts.len() - 1)].clone()
    }

    fn note(&self, entry: Entry) {
        self.0.ledger.lock().unwrap().push(entry);
    }
}

#[async_trait]
impl StepHandler for Script {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let name = step.step.to_string();
        self.note(Entry::Started(name.clone()));
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_running.fetch_max(running, Ordering::SeqCst);
        let result = perform(self.act(&name, step.attempt), &step).await;
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.note(Entry::Ended(name));
        result
    }
}

async fn perform(act: Act, step: &StepContext) -> Result<Value, Failure> {
    match act {
        Act::Return(value) => Ok(value),
        Act::Fail(failure) => Err(failure),
        Act::Panic => panic!("a deliberate panic"),
        Act::Meet(others) => {
            others.wait().await;
            Ok(json!(null))
        }
        Act::WaitFor(permission) => {
            permission.acquire().await.expect("the test keeps it open").forget();
            Ok(json!({ "step": step.step }))
        }
        Act::UntilCancelled => {
            step.cancellation.cancelled().await;
            Ok(json!("told to stop"))
        }
        Act::Hang => std::future::pending().await,
    }
}

/// An ordinary error.
pub fn ordinary() -> Failure {
    Failure::retryable("Ordinary", "ordinary", "it did not work")
}

/// An engine under test.
pub struct Bench {
    pub engine: Engine,
    pub worker: Worker,
    pub store: Arc<dyn Store>,
    pub clock: TestClock,
    pub script: Script,
    _checked: CheckedAtEnd,
}

/// Looks for broken invariants at the end of a test.
struct CheckedAtEnd(Arc<dyn Store>);

impl Drop for CheckedAtEnd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // The memory store answers at once; stores that make callers wait are looked at by their own tests.
        if let Some(checked) = self.0.check(100).now_or_never() {
            assert_eq!(checked.unwrap(), vec![]);
        }
    }
}

/// Settings that react at once: the store's clock stands still, so only real waiting is sped up.
pub fn options() -> EngineOptions {
    let mut options = EngineOptions {
        poll_interval: Duration::from_millis(5),
        heartbeat_interval: Duration::from_millis(20),
        grace: Duration::from_secs(5),
        ..EngineOptions::default()
    };
    options.rules.backoff.jitter = None;
    options
}

impl Bench {
    pub async fn new(script: Script) -> Self {
        Self::with(script, options()).await
    }

    pub async fn with(script: Script, options: EngineOptions) -> Self {
        let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
        Self::over(store, clock, script, options).await
    }

    pub async fn over(
        store: Arc<dyn Store>,
        clock: TestClock,
        script: Script,
        options: EngineOptions,
    ) -> Self {
        let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), script.clone());
        let engine = Engine::new(store.clone(), handlers, options);
        let worker = engine.start_worker(Scope::All).await.unwrap();
        let _checked = CheckedAtEnd(store.clone());
        Self { engine, worker, store, clock, script, _checked }
    }

    pub async fn submit(&self, definition: Definition) -> TaskId {
        self.submit_with(definition, json!({})).await
    }

    pub async fn submit_with(&self, definition: Definition, context: Value) -> TaskId {
        let request = request(&definition.name, &context);
        self.engine.register(definition, false).await.unwrap();
        self.engine.submit(request).await.unwrap().task_id
    }

    /// Runs a task to its end, moving the clock whenever this worker has nothing to do.
    pub async fn drive(&self, task: TaskId) -> TaskView {
        let mut rounds = 0;
        loop {
            if self.engine.wait(task, Some(Duration::from_millis(30))).await.unwrap().is_some() {
                return self.engine.task(task).await.unwrap();
            }
            let queue = self.engine.queue().await.unwrap();
            if self.worker.running() == 0 && queue.iter().all(|depth| depth.due == 0) {
                self.clock.advance_seconds(1);
            }
            rounds += 1;
            assert!(rounds < 2_000, "the task does not end: {:?}", self.engine.explain_task(task).await);
        }
    }

    /// Runs a task until it only waits for its time (or has ended).
    pub async fn settle(&self, task: TaskId) -> TaskView {
        eventually("the task to wait or end", async || {
            let queue = self.engine.queue().await.unwrap();
            queue.iter().all(|depth| depth.running == 0 && depth.due == 0)
        })
        .await;
        self.engine.task(task).await.unwrap()
    }

    /// Runs and checks that everything completed, and that the store has nothing to complain about.
    pub async fn complete(&self, definition: Definition) -> TaskView {
        let task = self.submit(definition).await;
        let view = self.drive(task).await;
        assert_eq!(view.detail.record.state, TaskState::Complete);
        assert!(view.steps.iter().all(|step| step.record.state == StepState::Complete));
        self.assert_sound().await;
        view
    }

    pub async fn assert_sound(&self) {
        assert_eq!(self.store.check(100).await.unwrap(), vec![]);
    }
}

pub fn request(name: &DefinitionName, context: &Value) -> TaskRequest {
    let context = Payload::from_value(context, 1 << 20).unwrap();
    TaskRequest { context, ..TaskRequest::new(Default::default(), name.clone()) }
}

/// The step of a name.
pub fn step<'a>(view: &'a TaskView, name: &str) -> &'a StepDetail {
    let ordinal = view.detail.plan.position(name).unwrap_or_else(|| panic!("there is no step {name}"));
    &view.steps[ordinal.index()]
}

/// The state of a step.
pub fn state(view: &TaskView, name: &str) -> StepState {
    step(view, name).record.state
}

/// Waits for something to become true.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
