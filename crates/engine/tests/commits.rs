//! How many transactions work takes, and what happens when one of them fails.

mod support;

use std::sync::Arc;

use support::counting::{Counting, Strike};
use support::{Bench, Script, options};
use tasker_core::graph::shapes;
use tasker_core::state::TaskState;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::definition_of;

async fn bench() -> (Bench, Arc<Counting>) {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let counting = Counting::new(store);
    (Bench::over(counting.clone(), clock, Script::default(), options()).await, counting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linear_task_of_n_steps_takes_n_plus_1_commits() {
    for n in [1, 5, 40] {
        let (bench, counting) = bench().await;
        bench.complete(definition_of("chain", &shapes::chain(n))).await;
        assert_eq!(counting.writes(), n + 1, "{n} steps");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wide_task_takes_no_more_commits_than_a_chain_of_its_steps() {
    let (bench, counting) = bench().await;
    bench.complete(definition_of("fan", &shapes::fan_out(50))).await;
    assert!(counting.writes() <= 53, "{}", counting.writes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dom_129_a_commit_that_fails_is_tried_again_and_nothing_is_lost_or_done_twice() {
    for strikes in [[Strike::Before; 3], [Strike::After; 3], [Strike::Before, Strike::After, Strike::Before]]
    {
        let (bench, counting) = bench().await;
        counting.fail_next(&strikes);
        let task = bench.submit(definition_of("chain", &shapes::chain(6))).await;
        let view = bench.drive(task).await;
        assert_eq!(view.detail.record.state, TaskState::Complete, "{strikes:?}");
        assert!(view.steps.iter().all(|step| step.record.attempts <= 2), "{strikes:?}");
        for step in &view.detail.plan.definition.steps {
            assert!(bench.script.executions(step.name.as_str()) <= 2, "{strikes:?}");
        }
        bench.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_commit_was_not_answered_is_taken_up_without_another_attempt() {
    let (bench, counting) = bench().await;
    counting.fail_next(&[Strike::After]);
    let task = bench.submit(definition_of("chain", &shapes::chain(2))).await;
    let view = bench.drive(task).await;
    assert_eq!(view.detail.record.state, TaskState::Complete);
    assert!(view.steps.iter().all(|step| step.record.attempts == 1), "{:?}", bench.script.started());
}
