//! The facade, as a program uses it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasker::testing::InlineEngine;
use tasker::{Error, StepContext, StepError, StepState, TaskState, Tasker};

const ONE: &str =
    "{name: one, version: 1.0.0, step_templates: [{name: a, handler: mine, default_retry_limit: 3}]}";

async fn double(_step: StepContext, input: Value) -> Result<u64, StepError> {
    Ok(input["n"].as_u64().unwrap_or_default() * 2)
}

async fn fail(_step: StepContext, _input: Value) -> Result<(), StepError> {
    Err(StepError::retryable("Busy", "busy", "not now"))
}

async fn refuse(_step: StepContext, _input: Value) -> Result<(), StepError> {
    Err(StepError::permanent("No", "no", "never"))
}

#[tokio::test]
async fn a_task_outlives_the_engine_that_accepted_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/tasker.db");
    let first = Tasker::builder().sqlite(&path).handler("mine", double).only_submits().build().await.unwrap();
    first.register(ONE).await.unwrap();
    let task = first.submit(tasker::request("one", json!({"n": 21})).unwrap()).await.unwrap().task_id;
    first.shutdown().await;
    let second = Tasker::builder().sqlite(&path).handler("mine", double).build().await.unwrap();
    assert_eq!(second.wait(task).await.unwrap(), TaskState::Complete);
    assert_eq!(second.result(task, "a").await.unwrap(), Some(json!(42)));
    assert_eq!(second.result(task, "b").await.unwrap(), None);
    second.shutdown().await;
}

#[tokio::test]
async fn as_18_a_handler_that_is_missing_is_an_error_before_anything_is_stored() {
    let tasker = Tasker::builder().temporary().handler("yours", double).build().await.unwrap();
    let Err(Error::Definition(problems)) = tasker.register(ONE).await else { panic!("it must be refused") };
    assert_eq!(problems[0].code, "handler_not_found");
    assert!(tasker.engine().definitions(None).await.unwrap().is_empty());
    tasker.shutdown().await;
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_by_build() {
    assert!(matches!(Tasker::builder().build().await, Err(Error::NoStore)));
    let named = Tasker::builder().temporary().handler("two words", double).build().await;
    assert!(matches!(named, Err(Error::Name(_))));
    assert!(matches!(tasker::request("one", json!([])), Err(Error::Context(_))));
    assert!(matches!(tasker::request("a b", json!({})), Err(Error::Name(_))));
}

#[tokio::test]
async fn as_41_as_42_retries_cost_no_time_in_tests() {
    let begin = Instant::now();
    let engine = InlineEngine::start(|builder| builder.handler("mine", fail)).await.unwrap();
    let text = ONE.replace("default_retry_limit: 3", "default_retry_limit: 6");
    let task = engine.run(&text, json!({})).await.unwrap();
    assert_eq!((task.state(), task.attempts("a")), (TaskState::Error, 6));
    assert_eq!(task.error("a").map(|error| error.code.as_str()), Some("busy"));
    // 1 + 2 + 4 + 8 + 16 seconds of waiting.
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    engine.shutdown().await;
}

#[tokio::test]
async fn as_43_a_permanent_failure_is_not_tried_again() {
    let engine = InlineEngine::start(|builder| builder.handler("mine", refuse)).await.unwrap();
    let task = engine.run(ONE, json!({})).await.unwrap();
    assert_eq!((task.step_state("a"), task.attempts("a")), (Some(StepState::Error), 1));
    engine.shutdown().await;
}
