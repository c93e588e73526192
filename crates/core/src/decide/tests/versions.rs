//! Versions of rows, and actions that are meant for one of them only.

use crate::decide::{Action, Answer, Input, RefusedChange};
use crate::driver::{Driver, hiccup, linear};
use crate::outcome::Outcome;
use crate::record::RowVersion;

/// An action that is meant for these versions.
fn expecting(action: Action, versions: &[RowVersion]) -> Input {
    Input::Operate { action, actor: "ann".into(), reason: None, expected: Some(versions.to_vec()) }
}

fn edit(tag: &str) -> Action {
    Action::EditTask { reason: None, tags: Some(vec![tag.into()]) }
}

fn code(answer: &Answer) -> &'static str {
    match answer {
        Answer::Refused(rejection) => rejection.code,
        _ => "accepted",
    }
}

#[test]
fn every_change_is_a_new_version_though_the_clock_stands_still() {
    let mut driver = Driver::new(linear(3));
    let mut seen = vec![driver.task.version()];
    let mut step = vec![driver.step("L1").record.version()];
    driver.claim("L1");
    seen.push(driver.task.version());
    step.push(driver.step("L1").record.version());
    driver.settle("L1", Outcome::Failure(hiccup()));
    seen.push(driver.task.version());
    step.push(driver.step("L1").record.version());
    driver.operate(edit("a"));
    seen.push(driver.task.version());
    driver.wait(-5).operate(edit("b"));
    seen.push(driver.task.version());
    assert!(seen.is_sorted_by(|before, after| before < after), "{seen:?}");
    assert!(step.is_sorted_by(|before, after| before < after), "{step:?}");
    let untouched = driver.step("L3").record.version();
    assert_eq!(untouched, RowVersion(driver.task.created_at.as_micros()));
}

#[test]
fn api_51_an_action_meant_for_another_version_changes_nothing() {
    let mut driver = Driver::new(linear(2));
    let old = driver.task.version();
    assert_eq!(driver.take(expecting(edit("a"), &[old])), Answer::Done);
    let before = driver.task.clone();
    for action in [edit("b"), Action::CancelTask { force: true }, Action::ResolveTask] {
        assert_eq!(code(&driver.take(expecting(action, &[old]))), "precondition_failed");
        assert_eq!(driver.task, before);
    }
    let new = driver.task.version();
    assert_eq!(driver.take(expecting(edit("c"), &[old, new])), Answer::Done);
    assert_eq!(code(&driver.take(expecting(edit("d"), &[]))), "precondition_failed");
}

#[test]
fn an_action_on_a_step_is_meant_for_a_version_of_the_step() {
    let mut driver = Driver::new(linear(2));
    let cancel = |driver: &Driver| Action::CancelStep(driver.at("L2"));
    let version = driver.step("L2").record.version();
    driver.operate(edit("a"));
    let of_task = driver.task.version();
    let action = cancel(&driver);
    assert_eq!(code(&driver.take(expecting(action, &[of_task]))), "precondition_failed");
    let action = cancel(&driver);
    assert_eq!(driver.take(expecting(action, &[version])), Answer::Done);
}

#[test]
fn api_52_of_two_actions_meant_for_one_version_the_first_wins() {
    let mut driver = Driver::new(linear(2));
    let version = driver.task.version();
    let answers =
        driver.batch(vec![expecting(edit("a"), &[version]), expecting(edit("b"), &[version])], None);
    assert_eq!(answers[0], Answer::Done);
    assert_eq!(code(&answers[1]), "precondition_failed");
}

#[test]
fn api_55_cancelling_again_changes_nothing() {
    let mut driver = Driver::new(linear(2));
    driver.operate(Action::CancelTask { force: false });
    let before = driver.task.clone();
    assert_eq!(driver.operate(Action::CancelTask { force: false }), Answer::Unchanged);
    assert_eq!(driver.operate(Action::CancelTask { force: true }), Answer::Unchanged);
    assert_eq!(driver.operate(Action::CancelStep(driver.at("L1"))), Answer::Unchanged);
    assert_eq!(driver.task, before);
}

#[test]
fn a_task_that_is_done_is_cancelled_by_force_only() {
    let mut driver = Driver::new(linear(1));
    driver.complete(&["L1"]);
    let refused = driver.operate(Action::CancelTask { force: false });
    assert_eq!(code(&refused), "invalid_state_transition");
    let Answer::Refused(rejection) = refused else { unreachable!() };
    assert_eq!(rejection.change, Some(RefusedChange { from: "complete", to: Some("cancelled") }));
    assert_eq!(driver.operate(Action::CancelTask { force: true }), Answer::Done);
}
