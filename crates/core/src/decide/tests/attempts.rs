//! What one execution after the other leaves behind: waits, lost workers, stops, annotations.

use serde_json::json;

use crate::decide::{Action, Answer, Input, NewLimit};
use crate::driver::{Driver, budget, define, hiccup, linear, refusal, worker};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::state::{StepState, TaskState};

/// Seconds until the only step is due, now that its execution ended like this.
fn wait_after(driver: &mut Driver, outcome: Outcome) -> Option<u64> {
    driver.claim("L1");
    match driver.settle("L1", outcome) {
        Answer::Settled { state: StepState::Error, retry_at } => {
            let wait = retry_at.map(|at| at.since(driver.now).as_secs());
            driver.wait(wait.unwrap_or(0) as i64);
            wait
        }
        other => panic!("{other:?}"),
    }
}

fn patient(limit: u32) -> Driver {
    Driver::new(define(&[("L1", &[])], |definition| definition, |step| step.retry_limit(limit)))
}

#[test]
fn waits_grow_with_the_number_of_executions() {
    let mut driver = patient(9);
    let waits = [(); 9].map(|()| wait_after(&mut driver, Outcome::Failure(hiccup())));
    assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8), Some(16), Some(32), Some(49), Some(64), None]);
    assert_eq!(driver.task.state, TaskState::Error);
}

#[test]
fn a_step_is_not_claimed_before_its_wait_is_over() {
    let mut driver = patient(2);
    driver.fail("L1", hiccup());
    let claim = Input::Claim { step: driver.at("L1"), worker: worker(1) };
    assert_eq!(driver.batch(vec![claim.clone()], Some(&mut budget(9))), [Answer::NotClaimable]);
    assert_eq!(driver.step("L1").record.state, StepState::Error);
    driver.wait(1);
    assert_eq!(driver.take(claim), Answer::Claimed);
}

#[test]
fn dom_57_the_wait_of_an_exhausted_step_counts_once_more_executions_are_allowed() {
    let mut driver = Driver::new(define(&[("L1", &[]), ("other", &[])], |d| d, |step| step.retry_limit(3)));
    driver.fail("L1", hiccup()).wait(1).fail("L1", hiccup()).wait(2).fail("L1", hiccup());
    assert_eq!(driver.queued(), ["other"]);
    let step = driver.at("L1");
    driver.operate(Action::EditStep { step, retry_limit: Some(4), inputs: None });
    assert_eq!((driver.queued(), driver.due()), (vec!["L1", "other"], vec!["other"]));
    driver.wait(4);
    assert_eq!(driver.due(), ["L1", "other"]);
}

#[test]
fn dom_59_a_step_that_is_not_retryable_runs_once() {
    let mut driver = Driver::new(define(&[("L1", &[])], |d| d, |step| step.retryable(false)));
    assert_eq!(driver.due(), ["L1"]);
    driver.fail("L1", hiccup());
    assert_eq!((driver.task.state, driver.step("L1").record.attempts), (TaskState::Error, 1));
}

#[test]
fn dom_127_the_first_lost_worker_costs_no_wait_further_ones_do() {
    let mut driver = patient(4);
    let waits = [(); 4].map(|()| wait_after(&mut driver, Outcome::LeaseExpired));
    assert_eq!(waits, [Some(0), Some(2), Some(4), None]);
    let step = driver.step("L1");
    assert_eq!((step.record.attempts, step.record.lease_expiries), (4, 4));
    assert_eq!(step.error.as_ref().unwrap().class, "LeaseExpired");
    assert_eq!(step.error.as_ref().unwrap().code, "lease_expired");
}

#[test]
fn dom_128_the_outcome_of_a_worker_that_was_given_up_is_dropped() {
    let mut driver = Driver::new(linear(1));
    let lost = driver.claim("L1");
    driver.settle("L1", Outcome::LeaseExpired);
    driver.claim("L1");
    let late = crate::decide::Input::Settle {
        step: lost.ordinal,
        fence: lost.fence,
        outcome: Outcome::Success(Payload::null()),
    };
    assert_eq!(driver.take(late.clone()), Answer::Stale);
    driver.settle("L1", Outcome::Success(Payload::from_stored("1")));
    assert_eq!(driver.take(late), Answer::Stale);
    assert_eq!(driver.result("L1"), Some(json!(1)));
}

#[test]
fn an_interrupted_execution_counts_and_is_tried_again_at_once() {
    let mut driver = patient(2);
    assert_eq!(wait_after(&mut driver, Outcome::Interrupted), Some(0));
    assert_eq!(driver.step("L1").error.as_ref().unwrap().code, "interrupted");
    assert_eq!(wait_after(&mut driver, Outcome::Interrupted), None);
    assert_eq!(driver.task.state, TaskState::Error);
}

#[test]
fn a_step_with_exponential_backoff_off_has_its_own_waits() {
    let plan = define(
        &[("L1", &[])],
        |d| d,
        |step| step.retry_limit(7).config(json!({"enable_exponential_backoff": false})),
    );
    let mut driver = Driver::new(plan);
    let waits = [(); 6].map(|()| wait_after(&mut driver, Outcome::Failure(hiccup())));
    assert_eq!(waits, [2, 4, 8, 16, 30, 30].map(Some));
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_task_along() {
    let mut driver = Driver::new(linear(1));
    driver.wait(10).claim("L1");
    driver.wait(-10);
    driver.settle("L1", Outcome::Failure(hiccup()));
    assert_eq!(driver.task.updated_at, driver.now.plus_seconds(10));
    assert_eq!(driver.step("L1").queue.as_ref().unwrap().run_at, driver.now.plus_seconds(11));
}

#[test]
fn an_operators_retry_leaves_room_for_another_try_of_a_step_that_failed_for_good() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", refusal());
    assert_eq!(driver.step("L1").record.backoff_seconds, None);
    driver.operate(Action::RetryStep {
        step: driver.at("L1"),
        limit: NewLimit::Keep,
        new_idempotency_key: true,
    });
    let record = &driver.step("L1").record;
    assert_eq!((record.retryable, record.key_generation, record.attempts), (true, 1, 1));
    driver.complete(&["L1"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn a_success_makes_the_annotations_that_hang_on_its_step() {
    let plan = define(
        &[("L1", &[]), ("L2", &["L1"])],
        |definition| {
            let pointer = |text: &str| crate::definition::AnnotationValue::Pointer(text.into());
            definition
                .annotation("order", "L1", pointer("/order/id"))
                .annotation("missing", "L1", pointer("/nothing"))
                .annotation("later", "L2", pointer("/id"))
        },
        |step| step,
    );
    let mut driver = Driver::new(plan);
    driver.claim("L1");
    driver.settle("L1", Outcome::Success(Payload::from_stored(r#"{"order":{"id":7}}"#)));
    let made: Vec<_> = driver.annotations.iter().map(|a| (a.kind.as_str(), a.value.as_str())).collect();
    assert_eq!(made, [("order", "7")]);
    assert_eq!(driver.step("L1").record.state, StepState::Complete);
    insta::assert_snapshot!(driver.log_after(driver.task.log_seq - 1), @r#"6 L1: in_progress -> complete by worker:1 {"attempt":1,"annotation_errors":["annotation \"missing\": the result has nothing at its pointer"]}"#);
}
