//! Analyses through the engine: they tell of the task as it is at that moment.

mod support;

use std::sync::Arc;

use support::{Act, Bench, Script, eventually};
use tasker_core::analysis::{OverallHealth, TaskAnalysis};
use tasker_core::graph::shapes;
use tasker_core::ids::TaskId;
use tasker_core::state::StepState;
use tasker_testkit::definitions::definition_of;
use tokio::sync::Semaphore;
use uuid::Uuid;

fn done(analysis: &TaskAnalysis) -> Vec<u64> {
    analysis.parallelism_opportunities.levels.iter().map(|level| level.completed_steps).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_62_a_step_that_became_done_is_seen_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::default().step("L2", [Act::WaitFor(gate.clone())]);
    let bench = Bench::new(script).await;
    let task = bench.submit(definition_of("linear", &shapes::linear())).await;
    eventually("L2 to run", async || {
        let view = bench.engine.task(task).await.unwrap();
        view.steps[1].record.state == StepState::InProgress
    })
    .await;
    assert_eq!(done(&bench.engine.analyze_task(task).await.unwrap()), [1, 0, 0, 0, 0, 0]);
    gate.add_permits(1);
    bench.engine.wait(task, Some(support::PATIENCE)).await.unwrap();
    let analysis = bench.engine.analyze_task(task).await.unwrap();
    assert_eq!(done(&analysis), [1; 6]);
    assert_eq!(analysis.task_execution_summary.overall_health, OverallHealth::Healthy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_not_there_is_not_found() {
    let bench = Bench::new(Script::default()).await;
    let error = bench.engine.analyze_task(TaskId(Uuid::nil())).await.unwrap_err();
    assert_eq!(error.code(), "task_not_found");
}
