//! The table of `engine.md` 2, row by row: what operators do, how tasks end, and continuation.

use insta::assert_snapshot;

use super::{refused, story};
use crate::decide::{Action, Answer, Input, NewLimit};
use crate::driver::{Driver, budget, define, hiccup, linear, small, worker};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::state::{StepState, TaskState};

fn success() -> Outcome {
    Outcome::Success(Payload::empty_object())
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
    assert_eq!(driver.operate(Action::CancelTask { force: false }), Answer::Done);
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
    driver.operate(Action::CancelTask { force: false });
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
