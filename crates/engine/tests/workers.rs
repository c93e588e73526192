//! Workers that stop, vanish, freeze, and share one store (`spec/domain.md` 14.9 and 14.10).

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use support::{Act, Bench, Script, eventually, options, state, step};
use tasker_core::decide::{Answer, ClaimBudget, Input};
use tasker_core::graph::shapes;
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::state::{StepState, TaskState};
use tasker_engine::handler::Handlers;
use tasker_engine::use_cases::{Operation, Operator};
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_store::Store;
use tasker_store::workers::Heartbeat;
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, Work};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::{HANDLER, definition, definition_of};
use tokio::sync::Semaphore;

fn operator() -> Operator {
    Operator::named("ann").because(Some("a test".into()))
}

/// Claims by hand, as a worker that is about to vanish.
async fn claim_as(store: &dyn Store, worker: WorkerId) -> Vec<Work> {
    let handler = HandlerName::new(HANDLER).unwrap();
    let beat = Heartbeat {
        worker,
        name: "ghost".into(),
        version: "0".into(),
        handlers: vec![handler.clone()],
        capacity: 1,
        held: vec![],
        lease: Duration::from_secs(6),
        may_judge: false,
        rescue_limit: 0,
    };
    store.heartbeat(beat).await.unwrap();
    let budget = ClaimBudget { worker, slots: 1, handlers: [(handler, 1)].into(), only_task: None };
    let claiming = Some(Claiming { budget, from_queue: FromQueue::Last });
    store.apply(ApplyBatch { inputs: vec![], rules: Arc::default(), claiming }).await.unwrap().work
}

async fn submit_without_worker(store: Arc<dyn Store>, n_steps: usize) -> TaskId {
    let engine = Engine::new(store, Handlers::new(), options());
    let definition = definition_of(&format!("chain{n_steps}"), &shapes::chain(n_steps));
    let request = support::request(&definition.name, &json!({}));
    engine.register(definition, false).await.unwrap();
    let task = engine.submit(request).await.unwrap().task_id;
    engine.shutdown().await;
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_25_a_task_accepted_by_a_process_that_then_dies_is_run_by_another() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let task = submit_without_worker(store.clone(), 3).await;
    let bench = Bench::over(store, clock, Script::default(), options()).await;
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_127_a_step_of_a_lost_worker_is_executed_again() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let task = submit_without_worker(store.clone(), 2).await;
    let ghost = WorkerId(uuid::Uuid::now_v7());
    assert_eq!(claim_as(&*store, ghost).await.len(), 1);
    let quick = EngineOptions { lease: Duration::from_millis(60), ..options() };
    let bench = Bench::over(store, clock.clone(), Script::default(), quick).await;
    clock.advance_seconds(7);
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Complete);
    assert_eq!(view.steps[0].record.attempts, 2);
    assert_eq!(bench.script.executions(view.detail.plan.name(view.steps[0].record.ordinal).as_str()), 1);
    let log =
        bench.engine.log(tasker_store::read::LogQuery { task: Some(task), limit: 100, ..Default::default() });
    let expired =
        log.await.unwrap().iter().any(|entry| {
            entry.transition.metadata.as_ref().is_some_and(|text| text.contains("lease_expired"))
        });
    assert!(expired);
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_128_an_outcome_of_a_worker_that_slept_through_its_lease_is_dropped() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let task = submit_without_worker(store.clone(), 1).await;
    let work = claim_as(&*store, WorkerId(uuid::Uuid::now_v7())).await.remove(0);
    let quick = EngineOptions { lease: Duration::from_millis(60), ..options() };
    let bench = Bench::over(store.clone(), clock.clone(), Script::default(), quick).await;
    clock.advance_seconds(7);
    let view = bench.drive(task).await;
    let late = Input::Settle {
        step: work.claim.ordinal,
        fence: work.claim.fence,
        outcome: Outcome::Success(Payload::from_stored(r#""late""#)),
    };
    let batch = ApplyBatch { inputs: vec![(task, late)], rules: Arc::default(), claiming: None };
    assert_eq!(store.apply(batch).await.unwrap().answers, [Answer::Stale]);
    assert_eq!(bench.engine.task(task).await.unwrap().steps, view.steps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_125_126_workers_that_share_a_store_execute_every_step_once() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let script = Script::default();
    let mut benches = Vec::new();
    for _ in 0..4 {
        benches.push(Bench::over(store.clone(), clock.clone(), script.clone(), options()).await);
    }
    let mut tasks = Vec::new();
    for _ in 0..25 {
        tasks.push(benches[0].submit(definition_of("mixed", &shapes::mixed())).await);
    }
    for task in tasks {
        assert_eq!(benches[1].drive(task).await.detail.record.state, TaskState::Complete);
    }
    assert_eq!(script.started().len(), 25 * 9);
    benches[2].assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_lets_running_steps_end_and_starts_no_more() {
    let gate = Arc::new(Semaphore::new(0));
    let bench = Bench::new(Script::default().step("s1", [Act::WaitFor(gate.clone())])).await;
    let task = bench.submit(definition("chain", &[("s1", &[]), ("s2", &["s1"])])).await;
    eventually("s1 to start", async || bench.script.executions("s1") == 1).await;
    let Bench { engine, worker, store, script, .. } = bench;
    let mut stopping = std::pin::pin!(worker.stop());
    // Stopping has begun, and waits for s1, before s1 may end.
    tokio::select! {
        biased;
        () = &mut stopping => panic!("it does not wait for what runs"),
        () = std::future::ready(()) => gate.add_permits(1),
    }
    stopping.await;
    let view = engine.task(task).await.unwrap();
    assert_eq!((state(&view, "s1"), state(&view, "s2")), (StepState::Complete, StepState::Pending));
    assert_eq!(script.executions("s2"), 0);
    assert!(store.workers().await.unwrap()[0].stopped_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_outlives_the_grace_period_is_interrupted_and_tried_again_at_once() {
    let bench = Bench::new(Script::default().step("s1", [Act::UntilCancelled, Act::Return(json!(1))])).await;
    let task = bench.submit(definition("one", &[("s1", &[])])).await;
    eventually("s1 to start", async || bench.script.executions("s1") == 1).await;
    let Bench { engine, worker, store, clock, script, .. } = bench;
    worker.stop_within(Duration::from_millis(10)).await;
    let view = engine.task(task).await.unwrap();
    assert_eq!(step(&view, "s1").error.as_ref().unwrap().code, "interrupted");
    assert_eq!(step(&view, "s1").queue.as_ref().unwrap().run_at, clock.now());
    let bench = Bench::over(store, clock, script, options()).await;
    let view = bench.drive(task).await;
    assert_eq!((view.detail.record.state, step(&view, "s1").record.attempts), (TaskState::Complete, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_118_cancelling_a_running_task_records_the_outcome_and_starts_nothing_more() {
    let gate = Arc::new(Semaphore::new(0));
    let bench = Bench::new(Script::default().step("L2", [Act::WaitFor(gate.clone())])).await;
    let task = bench.submit(definition_of("linear", &shapes::linear())).await;
    eventually("L2 to start", async || bench.script.executions("L2") == 1).await;
    bench.engine.operate(task, Operation::CancelTask { force: false }, operator()).await.unwrap();
    gate.add_permits(1);
    eventually("L2's outcome", async || {
        state(&bench.engine.task(task).await.unwrap(), "L2") == StepState::Complete
    })
    .await;
    let view = bench.engine.task(task).await.unwrap();
    assert_eq!(view.detail.record.state, TaskState::Cancelled);
    assert_eq!(state(&view, "L3"), StepState::Cancelled);
    assert_eq!(bench.script.executions("L3"), 0);
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_step_tells_its_handler_to_stop() {
    let bench = Bench::new(Script::default().step("s1", [Act::UntilCancelled])).await;
    let task = bench.submit(definition("one", &[("s1", &[])])).await;
    eventually("s1 to start", async || bench.script.executions("s1") == 1).await;
    bench.engine.operate(task, Operation::CancelStep("s1".into()), operator()).await.unwrap();
    eventually("the handler to stop", async || bench.worker.running() == 0).await;
    let view = bench.drive(task).await;
    assert_eq!((view.detail.record.state, state(&view, "s1")), (TaskState::Error, StepState::Cancelled));
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_40_dom_115_a_step_whose_handler_nobody_serves_waits_and_explain_says_so() {
    let bench = Bench::new(Script::default()).await;
    let mut foreign = definition("foreign", &[("theirs", &[]), ("ours", &[])]);
    foreign.steps[0].handler = HandlerName::new("elsewhere").unwrap();
    let task = bench.submit(foreign).await;
    eventually("ours to end", async || state(&bench.engine.task(task).await.unwrap(), "ours").is_done())
        .await;
    let why = bench.engine.explain_step(task, "theirs").await.unwrap();
    assert!(why.explained.message.contains("elsewhere"), "{}", why.explained.message);
    assert!(bench.engine.task(task).await.unwrap().detail.record.state.is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_for_one_task_leaves_others_alone() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let other = submit_without_worker(store.clone(), 1).await;
    let mine = submit_without_worker(store.clone(), 2).await;
    let handlers = Handlers::new().with(HandlerName::new(HANDLER).unwrap(), Script::default());
    let engine = Engine::new(store, handlers, options());
    let worker = engine.start_worker(Scope::Task(mine)).await.unwrap();
    let ended = engine.wait(mine, Some(support::PATIENCE)).await.unwrap();
    assert_eq!(ended, Some(TaskState::Complete));
    worker.stop().await;
    clock.advance_seconds(1);
    assert_eq!(engine.task(other).await.unwrap().detail.record.state, TaskState::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_131_a_thousand_tasks_with_failures_all_complete_and_every_execution_is_accounted_for() {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let flaky = Act::Fail(support::ordinary());
    let script = Script::default()
        .step("L2", [flaky.clone(), Act::Return(json!(1))])
        .step("A1", [flaky.clone(), Act::Return(json!(1))])
        .step("Bg", [flaky, Act::Return(json!(1))]);
    let one = Bench::over(store.clone(), clock.clone(), script.clone(), options()).await;
    let two = Bench::over(store, clock, script.clone(), options()).await;
    let shapes = [shapes::linear(), shapes::diamond(), shapes::mixed(), shapes::small()];
    let mut tasks = Vec::new();
    for n in 0..1_000 {
        let shape = &shapes[n % shapes.len()];
        tasks.push((
            one.submit(definition_of(&format!("shape{}", n % shapes.len()), shape)).await,
            shape.names.len(),
        ));
    }
    for (task, _) in &tasks {
        assert_eq!(two.drive(*task).await.detail.record.state, TaskState::Complete);
    }
    let steps: usize = tasks.iter().map(|(_, n)| n).sum();
    // One step of every linear, diamond and mixed task fails once.
    assert_eq!(script.started().len(), steps + 750);
    one.assert_sound().await;
}
