//! How tasks of the standard shapes are executed (`spec/domain.md` 14.5).

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{Act, Bench, Script, eventually, options, step};
use tasker_core::graph::shapes;
use tasker_core::state::TaskState;
use tasker_engine::EngineOptions;
use tasker_testkit::definitions::{definition, definition_of};
use tokio::sync::{Barrier, Semaphore};

fn meeting(script: Script, steps: &[&str]) -> Script {
    let barrier = Arc::new(Barrier::new(steps.len()));
    steps.iter().fold(script, |script, step| script.step(step, [Act::Meet(barrier.clone())]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_71_linear_runs_every_step_once_in_order() {
    let bench = Bench::new(Script::default()).await;
    let view = bench.complete(definition_of("linear", &shapes::linear())).await;
    assert_eq!(bench.script.started(), ["L1", "L2", "L3", "L4", "L5", "L6"]);
    assert!(view.steps.iter().all(|step| step.record.attempts == 1 && step.record.processed_at.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_72_diamond_branches_overlap_and_merge() {
    let bench = Bench::new(meeting(Script::default(), &["A1", "B1"])).await;
    bench.complete(definition_of("diamond", &shapes::diamond())).await;
    assert!(bench.script.ended_before("A2", "M") && bench.script.ended_before("B2", "M"));
    assert_eq!(bench.script.started().last().map(String::as_str), Some("E"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_73_parallel_merge_starts_all_roots_and_merges_after_all_inputs() {
    let bench = Bench::new(meeting(Script::default(), &["U1", "O1", "I", "P"])).await;
    bench.complete(definition_of("parallel", &shapes::parallel_merge())).await;
    for input in ["U2", "O2", "I", "P"] {
        assert!(bench.script.ended_before(input, "M"), "{input}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_74_tree_joins_after_all_four_leaves() {
    let bench = Bench::new(meeting(Script::default(), &["A1", "A2", "B1", "B2"])).await;
    bench.complete(definition_of("tree", &shapes::tree())).await;
    for leaf in ["A1", "A2", "B1", "B2"] {
        assert!(bench.script.ended_before(leaf, "Z"), "{leaf}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_75_mixed_waits_only_for_what_it_depends_on() {
    let gate = Arc::new(Semaphore::new(0));
    let bench = Bench::new(Script::default().step("Op", [Act::WaitFor(gate.clone())])).await;
    let task = bench.submit(definition_of("mixed", &shapes::mixed())).await;
    eventually("F to end although Op runs", async || {
        let view = bench.engine.task(task).await.unwrap();
        step(&view, "F").record.state.is_done()
    })
    .await;
    assert!(bench.engine.task(task).await.unwrap().detail.record.state.is_open());
    gate.add_permits(1);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
    assert!(bench.script.ended_before("Cr", "F") && bench.script.ended_before("Cl", "F"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_76_independent_steps_overlap() {
    let bench = Bench::new(meeting(Script::default(), &["a", "b"])).await;
    bench.complete(definition("overlap", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])])).await;
    assert!(bench.script.ended_before("a", "c") && bench.script.ended_before("b", "c"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_78_no_more_steps_run_at_once_than_allowed() {
    let steps: Vec<String> = (0..30).map(|n| format!("s{n}")).collect();
    let list: Vec<(&str, &[&str])> = steps.iter().map(|name| (name.as_str(), [].as_slice())).collect();
    let bench = Bench::with(Script::default(), EngineOptions { max_concurrent_steps: 5, ..options() }).await;
    bench.complete(definition("wide", &list)).await;
    assert_eq!(bench.script.started().len(), 30);
    assert!(bench.script.most_running() <= 5, "{}", bench.script.most_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_80_a_slow_step_does_not_hold_up_quick_ones() {
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::default().step("slow", [Act::WaitFor(gate.clone())]);
    let bench = Bench::with(script, EngineOptions { max_concurrent_steps: 2, ..options() }).await;
    let quick: Vec<String> = (0..20).map(|n| format!("q{n}")).collect();
    let mut list: Vec<(&str, &[&str])> = vec![("slow", &[])];
    list.extend(quick.iter().map(|name| (name.as_str(), [].as_slice())));
    let task = bench.submit(definition("slow_and_quick", &list)).await;
    eventually("all quick steps to end", async || {
        let view = bench.engine.task(task).await.unwrap();
        view.steps[1..].iter().all(|step| step.record.state.is_done())
    })
    .await;
    gate.add_permits(1);
    assert_eq!(bench.drive(task).await.detail.record.state, TaskState::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_77_83_results_are_stored_as_returned_and_seen_by_dependents() {
    let script = Script::default()
        .step("one", [Act::Return(json!({"total": 12.5}))])
        .step("two", [Act::Return(json!(null))]);
    let bench = Bench::new(script).await;
    let view =
        bench.complete(definition("results", &[("one", &[]), ("two", &["one"]), ("three", &["two"])])).await;
    assert_eq!(step(&view, "one").results.as_ref().unwrap().as_str(), r#"{"total":12.5}"#);
    assert_eq!(step(&view, "two").results.as_ref().unwrap().as_str(), "null");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_81_a_complete_task_offers_nothing_to_claim() {
    let bench = Bench::new(Script::default()).await;
    let view = bench.complete(definition_of("small", &shapes::small())).await;
    let before = bench.script.started().len();
    bench.clock.advance_seconds(3_600);
    bench.worker.until_idle().await.unwrap();
    assert_eq!(bench.script.started().len(), before);
    let again = bench.engine.task(view.detail.record.id).await.unwrap();
    assert_eq!(again.detail.record, view.detail.record);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_of_a_task_that_is_not_concurrent_run_one_at_a_time_in_document_order() {
    let bench = Bench::new(Script::default()).await;
    let mut serial = definition("serial", &[("c", &[]), ("a", &[]), ("z", &["c"]), ("b", &[])]);
    serial.concurrent = false;
    bench.complete(serial).await;
    assert_eq!(bench.script.most_running(), 1);
    assert_eq!(bench.script.started(), ["c", "a", "z", "b"]);
}
