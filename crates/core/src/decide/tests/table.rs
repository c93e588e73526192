//! The table of `engine.md` 2, one test a row, as golden text.

use insta::assert_snapshot;

use super::{is_nothing, refused, story};
use crate::decide::{Action, Answer, Input, NewLimit};
use crate::driver::{Driver, SMALL, budget, define, hiccup, linear, refusal, small, worker};
use crate::ids::Fence;
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::state::{StepState, TaskState};

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
    5 L1: pending -> in_progress by worker:1 {"attempt":1,"worker":"00000000-0000-0000-0000-000000000001"}
    "#);
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
    8 L1: pending -> in_progress by worker:1 {"attempt":2,"worker":"00000000-0000-0000-0000-000000000001"}
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
    4 L1: pending -> in_progress by worker:1 {"attempt":1,"worker":"00000000-0000-0000-0000-000000000001"}
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
    driver.operate(Action::CancelTask);
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

#[test]
fn cancelling_a_pending_step_deletes_its_row() {
    let mut driver = Driver::new(small());
    let before = driver.task.log_seq;
    assert_eq!(driver.operate(Action::CancelStep(driver.at("two"))), Answer::Done);
    assert_snapshot!(story(&driver, before), @r#"
    task pending active=1 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two cancelled waits=0 attempts=0/3 fence=0
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    ---
    6 two: pending -> cancelled by ann {"triggered_by":"ann"}
    "#);
}

#[test]
fn cancelling_a_running_step_makes_its_outcome_stale() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    let before = driver.task.log_seq;
    driver.operate(Action::CancelStep(driver.at("L1")));
    assert_snapshot!(story(&driver, before), @r#"
    task error active=0 remaining=2
    L1 cancelled waits=0 attempts=1/3 fence=1
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    6 L1: in_progress -> cancelled by ann {"triggered_by":"ann"}
    7 task: in_progress -> error by engine {"error_message":"steps_in_error_state","remaining_steps":2}
    "#);
    assert_eq!(driver.settle("L1", success()), Answer::Stale);
}

#[test]
fn resolving_a_pending_step_releases_its_children() {
    let mut driver = Driver::new(small());
    let before = driver.task.log_seq;
    driver.operate(Action::ResolveStep {
        step: driver.at("two"),
        results: Some(Payload::from_stored(r#"{"by":"hand"}"#)),
    });
    assert_snapshot!(story(&driver, before), @r#"
    task pending active=2 remaining=3
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two resolved_manually waits=0 attempts=0/3 fence=0
    three pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    four pending waits=1 attempts=0/3 fence=0
    ---
    6 two: pending -> resolved_manually by ann {"triggered_by":"ann","resolved_by":"ann"}
    "#);
    assert_eq!(driver.result("two"), Some(serde_json::json!({"by": "hand"})));
}

#[test]
fn resolving_a_failed_step_reopens_its_task() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1");
    let before = driver.task.log_seq;
    driver.operate(Action::ResolveStep { step: driver.at("L1"), results: None });
    assert_snapshot!(story(&driver, before), @r#"
    task pending active=1 remaining=1
    L1 resolved_manually waits=0 attempts=3/3 fence=3
    L2 pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    ---
    14 task: error -> pending by ann {"triggered_by":"ann","resolved_by":"ann"}
    15 L1: error -> resolved_manually by ann {"triggered_by":"ann","resolved_by":"ann"}
    "#);
    assert_eq!(driver.result("L1"), None);
}

#[test]
fn resolving_the_last_step_completes_the_task() {
    let mut driver = Driver::new(linear(1));
    driver.exhaust("L1");
    let before = driver.task.log_seq;
    driver.operate(Action::ResolveStep { step: driver.at("L1"), results: None });
    assert_snapshot!(story(&driver, before), @r#"
    task complete active=0 remaining=0
    L1 resolved_manually waits=0 attempts=3/3 fence=3
    ---
    13 task: error -> pending by ann {"triggered_by":"ann","resolved_by":"ann"}
    14 L1: error -> resolved_manually by ann {"triggered_by":"ann","resolved_by":"ann"}
    15 task: pending -> in_progress by engine
    16 task: in_progress -> complete by engine
    "#);
}

fn retry(step: &str, limit: NewLimit, driver: &Driver) -> Action {
    Action::RetryStep { step: driver.at(step), limit, new_idempotency_key: false }
}

#[test]
fn retrying_a_waiting_step_makes_it_due() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup().after(600));
    let before = driver.task.log_seq;
    driver.operate(retry("L1", NewLimit::Keep, &driver));
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=1 remaining=2
    L1 pending waits=0 attempts=1/3 fence=1 | queued unclaimed fence=1 due in 0s
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    7 L1: error -> pending by ann {"triggered_by":"ann","retry_attempt":2}
    "#);
}

#[test]
fn retrying_an_exhausted_step_inserts_its_row() {
    let mut driver = Driver::new(small());
    driver.exhaust("two");
    let before = driver.task.log_seq;
    driver.operate(retry("two", NewLimit::More(1), &driver));
    assert_snapshot!(story(&driver, before), @r#"
    task in_progress active=2 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in -1200s
    two pending waits=0 attempts=3/4 fence=3 | queued unclaimed fence=3 due in 0s
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    ---
    15 two: error -> pending by ann {"triggered_by":"ann","retry_attempt":4}
    "#);
}

#[test]
fn a_row_follows_an_edited_limit() {
    let mut driver = Driver::new(small());
    driver.fail("two", hiccup());
    let edit = |driver: &mut Driver, limit| {
        let step = driver.at("two");
        let answer = driver.operate(Action::EditStep { step, retry_limit: Some(limit), inputs: None });
        assert_eq!(answer, Answer::Done);
    };
    edit(&mut driver, 1);
    assert_snapshot!(driver.picture(), @r#"
    task in_progress active=1 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two error waits=0 attempts=1/1 fence=1
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    "#);
    edit(&mut driver, 2);
    assert_snapshot!(driver.picture(), @r#"
    task in_progress active=2 remaining=4
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two error waits=0 attempts=1/2 fence=1 | queued unclaimed fence=1 due in 1s
    three pending waits=1 attempts=0/3 fence=0
    four pending waits=1 attempts=0/3 fence=0
    "#);
    assert_eq!(driver.log_after(driver.task.log_seq), "");
}

#[test]
fn cancelling_a_task_leaves_running_and_failed_steps() {
    let mut driver = Driver::new(define(
        &[("a", &[]), ("b", &[]), ("c", &[]), ("d", &["a"])],
        |definition| definition,
        |step| step,
    ));
    driver.claim("a");
    driver.fail("b", hiccup());
    let before = driver.task.log_seq;
    assert_eq!(driver.operate(Action::CancelTask), Answer::Done);
    assert_snapshot!(story(&driver, before), @r#"
    task cancelled active=1 remaining=4
    a in_progress waits=0 attempts=1/3 fence=1 | queued w1 fence=1 due in 0s
    b error waits=0 attempts=1/3 fence=1
    c cancelled waits=0 attempts=0/3 fence=0
    d cancelled waits=1 attempts=0/3 fence=0
    ---
    10 task: in_progress -> cancelled by ann {"triggered_by":"ann"}
    11 c: pending -> cancelled by ann {"triggered_by":"ann"}
    12 d: pending -> cancelled by ann {"triggered_by":"ann"}
    "#);
    let before = driver.task.log_seq;
    driver.settle("a", success());
    assert_snapshot!(story(&driver, before), @r#"
    task cancelled active=0 remaining=3
    a complete waits=0 attempts=1/3 fence=1
    b error waits=0 attempts=1/3 fence=1
    c cancelled waits=0 attempts=0/3 fence=0
    d cancelled waits=0 attempts=0/3 fence=0
    ---
    13 a: in_progress -> complete by worker:1 {"attempt":1}
    "#);
}

#[test]
fn a_failure_in_a_cancelled_task_is_the_last_one() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    driver.operate(Action::CancelTask);
    let answer = driver.settle("L1", Outcome::Failure(hiccup()));
    assert_eq!(answer, Answer::Settled { state: StepState::Error, retry_at: None });
    assert_snapshot!(driver.picture(), @r#"
    task cancelled active=0 remaining=2
    L1 error waits=0 attempts=1/3 fence=1
    L2 cancelled waits=1 attempts=0/3 fence=0
    "#);
}

#[test]
fn a_task_with_nothing_queued_and_something_undone_is_in_error() {
    let mut driver = Driver::new(linear(2));
    driver.operate(Action::CancelStep(driver.at("L1")));
    assert_snapshot!(story(&driver, 3), @r#"
    task error active=0 remaining=2
    L1 cancelled waits=0 attempts=0/3 fence=0
    L2 pending waits=1 attempts=0/3 fence=0
    ---
    4 L1: pending -> cancelled by ann {"triggered_by":"ann"}
    5 task: pending -> error by engine {"error_message":"steps_in_error_state","remaining_steps":2}
    "#);
}

#[test]
fn an_action_on_an_ended_task_is_refused() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1").operate(Action::ResolveTask);
    assert_eq!(driver.task.state, TaskState::ResolvedManually);
    let step = driver.at("L1");
    for action in [
        Action::ResolveTask,
        Action::RetryTask { steps: Vec::new(), limit: NewLimit::More(1) },
        Action::RetryStep { step, limit: NewLimit::More(1), new_idempotency_key: true },
        Action::ResolveStep { step, results: None },
    ] {
        let answer = driver.operate(action);
        assert_eq!(refused(&driver, answer), "invalid_state_transition");
    }
}

#[test]
fn continuation_claims_what_a_settlement_released() {
    let mut driver = Driver::new(small());
    let claim = driver.claim("two");
    let settle = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success() };
    driver.batch(vec![settle], Some(&mut budget(8)));
    assert_eq!(driver.change.claims.len(), 1);
    assert_snapshot!(driver.picture(), @r#"
    task in_progress active=2 remaining=3
    one pending waits=0 attempts=0/3 fence=0 | queued unclaimed fence=0 due in 0s
    two complete waits=0 attempts=1/3 fence=1
    three in_progress waits=0 attempts=1/3 fence=1 | queued w1 fence=1 due in 0s
    four pending waits=1 attempts=0/3 fence=0
    "#);
}

#[test]
fn continuation_takes_no_more_than_the_budget() {
    let mut driver = Driver::new(define(
        &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["a"])],
        |definition| definition,
        |step| step,
    ));
    let claim = driver.claim("a");
    let settle = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success() };
    let mut two = budget(2);
    driver.batch(vec![settle], Some(&mut two));
    assert_eq!((driver.change.claims.len(), two.slots, driver.due()), (2, 0, vec!["d"]));
    assert!(driver.change.claims.iter().all(|claim| claim.attempt == 1 && claim.task == driver.task.id));
    assert_eq!(driver.steps[1].queue.as_ref().unwrap().worker, Some(worker(1)));
}
