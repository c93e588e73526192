//! Retries and failures, end to end (`spec/domain.md` 14.6, `spec/authoring.md` AS-41 to AS-54).

mod support;

use std::time::Duration;

use serde_json::json;
use support::{Act, Bench, Script, eventually, ordinary, state, step};
use tasker_core::decide::NewLimit;
use tasker_core::graph::shapes;
use tasker_core::outcome::Failure;
use tasker_core::state::{StepState, TaskState};
use tasker_engine::use_cases::{Operation, Operator};
use tasker_testkit::definitions::{definition, definition_of};

fn linear() -> tasker_core::definition::Definition {
    definition_of("linear", &shapes::linear())
}

fn fails(n: usize) -> Vec<Act> {
    let mut acts = vec![Act::Fail(ordinary()); n];
    acts.push(Act::Return(json!("at last")));
    acts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_85_93_a_step_that_failed_once_is_tried_again_after_its_wait() {
    let bench = Bench::new(Script::default().step("L3", fails(1))).await;
    let task = bench.submit(linear()).await;
    let view = bench.settle(task).await;
    assert_eq!(view.detail.record.state, TaskState::InProgress);
    assert_eq!((state(&view, "L3"), step(&view, "L3").record.attempts), (StepState::Error, 1));
    assert_eq!(step(&view, "L3").error.as_ref().unwrap().code, "ordinary");
    assert_eq!(state(&view, "L4"), StepState::Pending);
    let row = step(&view, "L3").queue.as_ref().unwrap();
    assert_eq!(Some(row.run_at), step(&view, "L3").record.next_retry_at());
    assert_eq!(row.run_at.since(bench.clock.now()), Duration::from_secs(1));

    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Complete);
    assert_eq!(step(&view, "L3").record.attempts, 2);
    assert_eq!(step(&view, "L3").error, None);
    assert_eq!(step(&view, "L3").record.backoff_seconds, None);
    assert_eq!(bench.script.executions("L2"), 1);
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_86_as_42_a_step_that_always_fails_is_executed_three_times() {
    let bench = Bench::new(Script::default().step("L3", [Act::Fail(ordinary())])).await;
    let start = bench.clock.now();
    let task = bench.submit(linear()).await;
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Error);
    assert_eq!(bench.script.executions("L3"), 3);
    assert!(bench.clock.now().since(start) >= Duration::from_secs(1 + 2));
    for waiting in ["L4", "L5", "L6"] {
        assert_eq!(state(&view, waiting), StepState::Pending);
    }
    assert!(view.steps.iter().all(|step| step.queue.is_none()));
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_41_two_failures_then_success() {
    let bench = Bench::new(Script::default().step("L3", fails(2))).await;
    let task = bench.submit(linear()).await;
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Complete);
    assert_eq!(step(&view, "L3").record.attempts, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_87_as_43_a_permanent_error_ends_the_step_at_once_and_the_task_when_the_rest_is_done() {
    let refused = Failure::permanent("CardRefused", "card_refused", "no");
    let bench = Bench::new(Script::default().step("B1", [Act::Fail(refused)])).await;
    let task = bench.submit(definition_of("diamond", &shapes::diamond())).await;
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Error);
    assert_eq!(bench.script.executions("B1"), 1);
    assert!(!step(&view, "B1").record.retryable);
    assert_eq!(step(&view, "B1").error.as_ref().unwrap().code, "card_refused");
    assert_eq!((state(&view, "A2"), state(&view, "M")), (StepState::Complete, StepState::Pending));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_44_a_step_that_is_not_retryable_runs_once() {
    for (acts, ends) in [(fails(0), TaskState::Complete), (fails(1), TaskState::Error)] {
        let bench = Bench::new(Script::default().step("only", acts)).await;
        let mut once = definition("once", &[("only", &[])]);
        once.steps[0].retryable = false;
        let task = bench.submit(once).await;
        let view = bench.drive(task).await;
        assert_eq!(view.detail.record.state, ends);
        assert_eq!(bench.script.executions("only"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_88_as_45_a_wait_that_the_error_asks_for_is_kept() {
    let bench =
        Bench::new(Script::default().step("L3", [Act::Fail(ordinary().after(60)), Act::Return(json!(1))]))
            .await;
    let task = bench.submit(linear()).await;
    let view = bench.settle(task).await;
    let failed_at = step(&view, "L3").record.last_attempted_at.unwrap();
    assert_eq!(step(&view, "L3").queue.as_ref().unwrap().run_at, failed_at.plus_seconds(60));
    bench.clock.advance_seconds(59);
    bench.settle(task).await;
    assert_eq!(bench.script.executions("L3"), 1);
    bench.clock.advance_seconds(1);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
    assert_eq!(bench.script.executions("L3"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_89_an_exhausted_branch_does_not_stop_the_other() {
    let bench = Bench::new(Script::default().step("B1", [Act::Fail(ordinary())])).await;
    let task = bench.submit(definition_of("diamond", &shapes::diamond())).await;
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Error);
    assert_eq!((state(&view, "A1"), state(&view, "A2")), (StepState::Complete, StepState::Complete));
    for never in ["B2", "M", "E"] {
        assert_eq!(state(&view, never), StepState::Pending);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_90_a_retry_does_not_wait_for_a_slow_sibling() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let script = Script::default().step("A1", fails(1)).step("B1", [Act::WaitFor(gate.clone())]);
    let bench = Bench::new(script).await;
    let task = bench.submit(definition_of("diamond", &shapes::diamond())).await;
    eventually("A1 to fail", async || {
        state(&bench.engine.task(task).await.unwrap(), "A1") == StepState::Error
    })
    .await;
    bench.clock.advance_seconds(1);
    eventually("A2 to end", async || state(&bench.engine.task(task).await.unwrap(), "A2").is_done()).await;
    gate.add_permits(1);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
    assert_eq!(bench.script.started().len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_91_each_failed_step_is_due_at_its_own_time() {
    let script = Script::default()
        .step("a", [Act::Fail(ordinary().after(60)), Act::Return(json!(1))])
        .step("b", [Act::Fail(ordinary().after(180)), Act::Return(json!(1))]);
    let bench = Bench::new(script).await;
    let task = bench.submit(definition("two", &[("a", &[]), ("b", &[])])).await;
    let view = bench.settle(task).await;
    let due = |name| step(&view, name).queue.as_ref().unwrap().run_at.since(bench.clock.now());
    assert_eq!((due("a"), due("b")), (Duration::from_secs(60), Duration::from_secs(180)));
    bench.clock.advance_seconds(60);
    eventually("a to be done", async || state(&bench.engine.task(task).await.unwrap(), "a").is_done()).await;
    assert_eq!(bench.script.executions("b"), 1);
    bench.clock.advance_seconds(120);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_92_an_old_server_wait_does_not_survive_into_the_next_failure() {
    let acts = [Act::Fail(ordinary().after(300)), Act::Fail(ordinary()), Act::Return(json!(1))];
    let bench = Bench::new(Script::default().step("only", acts)).await;
    let task = bench.submit(definition("once", &[("only", &[])])).await;
    bench.settle(task).await;
    bench.clock.advance_seconds(300);
    eventually("the second execution", async || bench.script.executions("only") == 2).await;
    let view = bench.settle(task).await;
    assert_eq!(step(&view, "only").record.backoff_seconds, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_95_as_50_a_panic_is_a_failed_execution_and_nothing_else() {
    let bench = Bench::new(Script::default().step("a", [Act::Panic, Act::Return(json!(1))])).await;
    let task = bench.submit(definition("panics", &[("a", &[]), ("b", &[])])).await;
    let view = bench.settle(task).await;
    let error = step(&view, "a").error.clone().unwrap();
    assert_eq!((error.code.as_str(), error.retryable), ("handler_panicked", true));
    assert!(error.message.contains("a deliberate panic"), "{}", error.message);
    assert_eq!(state(&view, "b"), StepState::Complete);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_96_as_52_a_step_beyond_its_limit_fails_and_its_late_result_is_dropped() {
    let bench =
        Bench::new(Script::default().step("only", [Act::UntilCancelled, Act::Return(json!("second"))])).await;
    let mut short = definition("short", &[("only", &[])]);
    short.steps[0].timeout_seconds = 1;
    let task = bench.submit(short).await;
    let view = bench.settle(task).await;
    let error = step(&view, "only").error.clone().unwrap();
    assert_eq!((error.class.as_str(), error.code.as_str()), ("StepTimeout", "step_timeout"));
    assert_eq!(step(&view, "only").record.attempts, 1);
    let view = bench.drive(task).await;
    assert_eq!(step(&view, "only").results.as_ref().unwrap().as_str(), r#""second""#);
    bench.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_51_a_result_that_cannot_be_stored_is_a_permanent_failure() {
    let cases = [
        (json!("x".repeat(10 << 20)), "result_too_large"),
        (json!({"a": "nul \u{0} inside"}), "invalid_text"),
    ];
    for (value, code) in cases {
        let bench = Bench::new(Script::default().step("only", [Act::Return(value)])).await;
        let task = bench.submit(definition("large", &[("only", &[])])).await;
        let view = bench.drive(task).await;
        assert_eq!(view.detail.record.state, TaskState::Error);
        assert_eq!(step(&view, "only").error.as_ref().unwrap().code, code);
        assert_eq!(bench.script.executions("only"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_82_121_a_done_step_is_not_executed_again_when_the_task_goes_on() {
    let bench = Bench::new(Script::default().step("L3", fails(3))).await;
    let task = bench.submit(linear()).await;
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Error);
    let operator = Operator::named("ann");
    let keep = Operation::RetryStep { step: "L3".into(), limit: NewLimit::Keep, new_idempotency_key: false };
    let refused = bench.engine.operate(task, keep, operator.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "retry_limit_reached");
    assert!(refused.help().unwrap().contains(&format!("tasker step retry {task} L3 --more 1")));
    let more =
        Operation::RetryStep { step: "L3".into(), limit: NewLimit::More(1), new_idempotency_key: false };
    bench.engine.operate(task, more, operator).await.unwrap();
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Complete);
    assert_eq!((bench.script.executions("L1"), bench.script.executions("L3")), (1, 4));
    bench.assert_sound().await;
}
