//! Analyses and diagrams through the engine: they tell of the task as it is at that moment.

mod support;

use std::sync::Arc;

use support::{Act, Bench, Script, eventually};
use tasker_core::analysis::{OverallHealth, TaskAnalysis};
use tasker_core::diagram::{DiagramFormat, DiagramOptions};
use tasker_core::graph::shapes;
use tasker_core::ids::TaskId;
use tasker_core::state::StepState;
use tasker_engine::ErrorKind;
use tasker_store::definitions::Selector;
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
    let running = bench.engine.task_diagram(task, DiagramOptions::default()).await.unwrap();
    assert!(running.render(DiagramFormat::Text).contains("L2  in_progress"));
    gate.add_permits(1);
    bench.engine.wait(task, Some(support::PATIENCE)).await.unwrap();
    let analysis = bench.engine.analyze_task(task).await.unwrap();
    assert_eq!(done(&analysis), [1; 6]);
    assert_eq!(analysis.task_execution_summary.overall_health, OverallHealth::Healthy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_are_drawn_and_what_is_not_there_is_not() {
    let bench = Bench::new(Script::default()).await;
    let definition = definition_of("tree", &shapes::tree());
    let (namespace, name) = (definition.namespace.clone(), definition.name.clone());
    bench.complete(definition).await;
    let selector = Selector { namespace, name, version: None };
    let options = DiagramOptions::default();
    let diagram = bench.engine.definition_diagram(selector.clone(), options.clone()).await.unwrap();
    assert_eq!((diagram.chart.nodes.len(), diagram.chart.edges.len()), (8, 10));
    let unknown = Selector { name: "nobody".parse().unwrap(), ..selector };
    let error = bench.engine.definition_diagram(unknown, options.clone()).await.unwrap_err();
    assert_eq!(error.code(), "definition_not_found");
    let nobody = TaskId(Uuid::nil());
    assert_eq!(bench.engine.analyze_task(nobody).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bench.engine.task_diagram(nobody, options).await.unwrap_err().code(), "task_not_found");
}
