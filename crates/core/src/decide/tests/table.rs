//! The table of `engine.md` 2, one test a row, as golden text.

use insta::assert_snapshot;

use super::{is_nothing, story};
use crate::decide::{Action, Answer, Input};
use crate::driver::{Driver, SMALL, define, hiccup, linear, refusal, small};
use crate::ids::Fence;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::state::StepState;

fn success() -> Outcome {
    Outcome::Success(Payload::empty_object())
}

fn skippable() -> std::sync::Arc<crate::plan::Plan> {
    define(&SMALL, |definition| definition, |step| step.skippable(true))
}

#[test]
fn submit_schedules_the_roots() {
    assert_snapshot!(story(&Driver::new(small()), 0), @r#"
    task pending active=2 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    ---
    1 task: none -> pending by tests
    2 one: none -> pending by engine
    3 two: none -> pending by engine
    4 three: none -> pending by engine
    5 four: none -> pending by engine
    "#);
}

#[test]
fn dom_32_submit_with_bypassed_steps_schedules_their_children() {
    let plan = skippable();
    let driver = Driver::submit(plan.clone(), |s| s.bypass = vec![plan.position("two").unwrap()]);
    assert_snapshot!(story(&driver, 0), @r#"
    task pending active=2 remaining=3
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two resolved_manually waits=0 attempts=0/3 fence=0
    three pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    four pending waits=1 attempts=0/3 fence=0
    ---
    1 task: none -> pending by tests
    2 one: none -> pending by engine
    3 two: none -> pending by engine
    4 three: none -> pending by engine
    5 four: none -> pending by engine
    6 two: pending -> resolved_manually by engine {"bypassed":true}
    "#);
    assert_eq!(driver.result("two"), Some(serde_json::json!({"bypassed": true})));
}

#[test]
fn submit_with_everything_bypassed_completes_the_task() {
    let driver = Driver::submit(skippable(), |s| s.bypass = s.plan.graph.steps().collect());
    assert_snapshot!(story(&driver, 9), @r#"
    task complete active=0 remaining=0
    one resolved_manually waits=0 attempts=0/3 fence=0
    two resolved_manually waits=0 attempts=0/3 fence=0
    three resolved_manually waits=0 attempts=0/3 fence=0
    four resolved_manually waits=0 attempts=0/3 fence=0
    ---
    10 task: pending -> in_progress by engine
    11 task: in_progress -> complete by engine
    "#);
}

#[test]
fn submit_with_a_start_in_the_future_schedules_it_then() {
    let driver = Driver::submit(linear(2), |s| s.not_before = Some(crate::driver::start().plus_seconds(90)));
    assert_snapshot!(driver.picture(), @r#"
    task pending active=1 remaining=2
    L1 pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 90s
    L2 pending waits=1 attempts=0/3 fence=0
    "#);
}

#[test]
fn claim_of_a_pending_step_starts_it_and_its_task() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    assert_snapshot!(story(&driver, 3), @r#"
    task in_progress active=1 remaining=2
    L1 in_progress waits=0 attempts=1/3 fence=1 | queued w1 fence=1 due in 0s
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    4 task: pending -> in_progress by worker:1
    5 L1: pending -> in_progress by worker:1 {"attempt":1}
    "#);
}

#[test]
fn only_the_claim_that_a_task_begins_with_starts_it() {
    let mut driver = Driver::new(small());
    assert!(driver.claim("two").starts_task);
    assert!(!driver.claim("one").starts_task);
    driver.settle("two", success());
    assert!(!driver.claim("three").starts_task);
}

#[test]
fn claim_of_a_failed_step_goes_through_pending() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup()).wait(1);
    let before = driver.task.log_seq;
    driver.claim("L1");
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=1 remaining=2
    L1 in_progress waits=0 attempts=2/3 fence=2 | queued w1 fence=2 due in 0s
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    7 L1: error -> pending by engine {"retry_attempt":2}
    8 L1: pending -> in_progress by worker:1 {"attempt":2}
    "#);
}

#[test]
fn success_releases_children_that_wait_for_nothing_else() {
    let mut driver = Driver::new(small());
    driver.claim("two");
    let before = driver.task.log_seq;
    let answer = driver.settle("two", success());
    assert_eq!(answer, Answer::Settled { state: StepState::Complete, retry_at: None });
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=2 remaining=3
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two complete waits=0 attempts=1/3 fence=1
    three pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    four pending waits=1 attempts=0/3 fence=0
    ---
    8 two: in_progress -> complete by worker:1 {"attempt":1}
    "#);
}

#[test]
fn success_of_the_last_step_completes_the_task() {
    let mut driver = Driver::new(linear(1));
    driver.complete(&["L1"]);
    assert_snapshot!(story(&driver, 2), @r#"
    task complete active=0 remaining=0
    L1 complete waits=0 attempts=1/3 fence=1
    ---
    3 task: pending -> in_progress by worker:1
    4 L1: pending -> in_progress by worker:1 {"attempt":1}
    5 L1: in_progress -> complete by worker:1 {"attempt":1}
    6 task: in_progress -> complete by engine
    "#);
    assert_eq!(driver.task.ended_at, Some(driver.now));
}

#[test]
fn failure_with_attempts_left_keeps_the_row_for_later() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    let before = driver.task.log_seq;
    let answer = driver.settle("L1", Outcome::Failure(hiccup()));
    assert_eq!(
        answer,
        Answer::Settled { state: StepState::Error, retry_at: Some(driver.now.plus_seconds(1)) }
    );
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=1 remaining=2
    L1 error waits=0 attempts=1/3 fence=1 | queued unclaimed fence=1 due in 1s
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    6 L1: in_progress -> error by worker:1 {"attempt":1,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work","retryable":true},"backoff_seconds":1,"next_retry_at":"2026-01-31T09:00:01.000000Z"}
    "#);
}

#[test]
fn failure_without_attempts_left_deletes_the_row() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup()).wait(1).fail("L1", hiccup()).wait(2).claim("L1");
    let before = driver.task.log_seq;
    driver.settle("L1", Outcome::Failure(hiccup()));
    assert_snapshot!(story(&driver, before), @r#"
    task error active=0 remaining=2
    L1 error waits=0 attempts=3/3 fence=3
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    12 L1: in_progress -> error by worker:1 {"attempt":3,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work","retryable":true}}
    13 task: in_progress -> error by engine {"error_message":"steps_in_error_state","remaining_steps":2}
    "#);
}

#[test]
fn permanent_failure_deletes_the_row() {
    let mut driver = Driver::new(small());
    driver.claim("two");
    let before = driver.task.log_seq;
    driver.settle("two", Outcome::Failure(refusal()));
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=1 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two error waits=0 attempts=1/3 fence=1
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    ---
    8 two: in_progress -> error by worker:1 {"attempt":1,"error":{"class":"CardDeclined","code":"HTTP_422","message":"the card was declined","retryable":false}}
    "#);
}

#[test]
fn give_back_takes_the_attempt_back_but_not_the_fence() {
    let mut driver = Driver::new(linear(2));
    let claim = driver.claim("L1");
    let before = driver.task.log_seq;
    let answer = driver.take(Input::GiveBack { step: claim.ordinal, fence: claim.fence });
    assert_eq!(answer, Answer::Done);
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=1 remaining=2
    L1 pending waits=0 attempts=0/3 fence=1 | queued unclaimed fence=1 due in 0s
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    6 L1: in_progress -> pending by worker:1 {"released_by":"00000000-0000-0000-0000-000000000001"}
    "#);
    assert_eq!(driver.claim("L1").fence, Fence(2));
}

#[test]
fn give_back_in_a_cancelled_task_cancels_the_step() {
    let mut driver = Driver::new(linear(2));
    let claim = driver.claim("L1");
    driver.operate(Action::CancelTask { force: false });
    let before = driver.task.log_seq;
    driver.take(Input::GiveBack { step: claim.ordinal, fence: claim.fence });
    assert_snapshot!(story(&driver, before), @r#"
    task cancelled active=0 remaining=2
    L1 cancelled waits=0 attempts=0/3 fence=1
    L2 cancelled waits=1 attempts=0/3 fence=0
    ---
    8 L1: in_progress -> cancelled by worker:1 {"released_by":"00000000-0000-0000-0000-000000000001"}
    "#);
}

#[test]
fn stale_outcomes_write_nothing() {
    let mut driver = Driver::new(linear(2));
    let first = driver.claim("L1");
    driver.take(Input::GiveBack { step: first.ordinal, fence: first.fence });
    driver.claim("L1");
    for fence in [Fence(0), first.fence, Fence(3)] {
        assert_eq!(
            driver.take(Input::Settle { step: first.ordinal, fence, outcome: success() }),
            Answer::Stale
        );
        assert!(is_nothing(&driver.change));
        assert_eq!(driver.take(Input::GiveBack { step: first.ordinal, fence }), Answer::Stale);
        assert!(is_nothing(&driver.change));
    }
}

#[test]
fn the_same_outcome_again_is_told_from_a_stale_one() {
    let mut driver = Driver::new(linear(2));
    let first = driver.fail("L1", hiccup()).step("L1").record.fence;
    let again = |driver: &mut Driver, fence, outcome| {
        let step = driver.at("L1");
        let answer = driver.take(Input::Settle { step, fence, outcome });
        assert!(is_nothing(&driver.change));
        answer
    };
    let failure = || Outcome::Failure(hiccup());
    assert_eq!(again(&mut driver, first, failure()), Answer::AlreadySettled);
    assert_eq!(again(&mut driver, first, success()), Answer::Stale);
    driver.wait(1).claim("L1");
    assert_eq!(again(&mut driver, first, failure()), Answer::AlreadySettled);
    driver.settle("L1", success());
    assert_eq!(again(&mut driver, first, failure()), Answer::Stale);
    assert_eq!(again(&mut driver, first.next(), success()), Answer::AlreadySettled);
    assert_eq!(again(&mut driver, first.next(), failure()), Answer::Stale);
}
