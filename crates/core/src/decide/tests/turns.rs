//! Tasks whose steps run one at a time (`concurrent: false`).

use std::sync::Arc;

use crate::decide::{Action, NewLimit};
use crate::driver::{Driver, define, hiccup, refusal};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::state::TaskState;

fn one_at_a_time(steps: &[(&str, &[&str])]) -> Arc<Plan> {
    define(steps, |definition| definition.concurrent(false), |step| step)
}

#[test]
fn steps_take_turns_in_document_order() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &["a"]), ("c", &[]), ("d", &["b", "c"])]));
    for step in ["a", "b", "c", "d"] {
        assert_eq!(driver.queued(), [step]);
        driver.complete(&[step]);
    }
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn a_step_that_waits_for_its_next_attempt_keeps_its_turn() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &[])]));
    driver.fail("a", hiccup());
    assert_eq!((driver.queued(), driver.due()), (vec!["a"], vec![]));
    driver.wait(1).complete(&["a"]);
    assert_eq!(driver.due(), ["b"]);
}

#[test]
fn a_step_that_failed_for_good_passes_its_turn_on() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &["a"]), ("c", &[])]));
    driver.fail("a", refusal());
    assert_eq!(driver.queued(), ["c"]);
    driver.complete(&["c"]);
    assert_eq!((driver.task.state, driver.queued()), (TaskState::Error, vec![]));
}

#[test]
fn a_cancelled_step_passes_its_turn_on() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &[]), ("c", &[])]));
    driver.claim("a");
    driver.operate(Action::CancelStep(driver.at("a")));
    assert_eq!(driver.queued(), ["b"]);
    driver.operate(Action::ResolveStep { step: driver.at("b"), results: None });
    assert_eq!(driver.queued(), ["c"]);
}

#[test]
fn a_retried_step_waits_for_its_turn() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &[])]));
    driver.fail("a", refusal());
    driver.claim("b");
    let step = driver.at("a");
    driver.operate(Action::RetryStep { step, limit: NewLimit::Keep, new_idempotency_key: false });
    assert_eq!(driver.queued(), ["b"]);
    driver.settle("b", Outcome::Failure(refusal()));
    assert_eq!(driver.due(), ["a"]);
}

#[test]
fn a_reopened_task_has_one_row() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &[]), ("c", &["b"])]));
    driver.fail("a", refusal()).fail("b", refusal());
    assert_eq!(driver.task.state, TaskState::Error);
    driver.operate(Action::RetryTask { steps: Vec::new(), limit: NewLimit::Keep });
    assert_eq!((driver.task.state, driver.due()), (TaskState::Pending, vec!["a"]));
    driver.complete(&["a", "b", "c"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn a_lowered_limit_passes_the_turn_on_and_a_raised_one_waits_for_it() {
    let mut driver = Driver::new(one_at_a_time(&[("a", &[]), ("b", &[])]));
    driver.fail("a", hiccup());
    let edit = |driver: &mut Driver, limit| {
        let step = driver.at("a");
        driver.operate(Action::EditStep { step, retry_limit: Some(limit), inputs: None });
    };
    edit(&mut driver, 1);
    assert_eq!(driver.queued(), ["b"]);
    edit(&mut driver, 2);
    assert_eq!(driver.queued(), ["b"]);
    driver.complete(&["b"]);
    assert_eq!(driver.queued(), ["a"]);
}

#[test]
fn only_the_first_root_is_scheduled_at_the_start() {
    let driver = Driver::submit(one_at_a_time(&[("a", &[]), ("b", &[])]), |s| {
        s.not_before = Some(crate::driver::start().plus_seconds(60));
    });
    assert_eq!((driver.queued(), driver.due()), (vec!["a"], vec![]));
}
