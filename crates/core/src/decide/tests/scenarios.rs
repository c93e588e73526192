//! Acceptance scenarios of the state machine and of failures (`spec/domain.md` 14.3, 14.6).

use serde_json::{Value, json};

use crate::decide::{Action, Answer, Input};
use crate::driver::{DIAMOND, Driver, hiccup, linear, plan, refusal, worker};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::record::Change;
use crate::state::{StepState, TaskState};

fn task_changes(driver: &Driver) -> Vec<(Option<TaskState>, TaskState)> {
    let changes = driver.log.iter().filter_map(|entry| match entry.change {
        Change::Task { from, to } => Some((from, to)),
        Change::Step { .. } => None,
    });
    changes.collect()
}

fn step_changes(driver: &Driver, step: &str) -> Vec<(Option<StepState>, StepState)> {
    let changes = driver.log.iter().filter_map(|entry| match entry.change {
        Change::Step { ordinal, from, to } if ordinal == driver.at(step) => Some((from, to)),
        _ => None,
    });
    changes.collect()
}

fn attempts(driver: &Driver) -> Vec<u32> {
    driver.steps.iter().map(|detail| detail.record.attempts).collect()
}

#[test]
fn dom_35_a_new_task_is_pending_and_its_log_says_so_once() {
    let driver = Driver::new(linear(2));
    assert_eq!(driver.task.state, TaskState::Pending);
    assert_eq!(task_changes(&driver), [(None, TaskState::Pending)]);
    assert_eq!(driver.log[0].seq, 1);
}

#[test]
fn dom_39_a_task_completes_only_when_every_step_is_done() {
    let mut driver = Driver::new(linear(3));
    for (step, expected) in
        [("L1", TaskState::InProgress), ("L2", TaskState::InProgress), ("L3", TaskState::Complete)]
    {
        driver.complete(&[step]);
        assert_eq!(driver.task.state, expected, "after {step}");
    }
}

#[test]
fn dom_40_a_task_in_progress_is_not_started_again() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    driver.claim("a");
    driver.claim("b");
    assert_eq!(
        task_changes(&driver),
        [(None, TaskState::Pending), (Some(TaskState::Pending), TaskState::InProgress)]
    );
}

#[test]
fn dom_41_a_step_starts_only_when_every_parent_is_done() {
    let join = || Driver::new(plan(&[("a", &[]), ("b", &[]), ("join", &["a", "b"])]));
    let claim = |driver: &mut Driver| {
        let step = driver.at("join");
        driver.take(Input::Claim { step, worker: worker(1) })
    };

    let mut driver = join();
    driver.complete(&["a"]);
    assert_eq!(claim(&mut driver), Answer::NotClaimable);
    driver.complete(&["b"]);
    assert_eq!(claim(&mut driver), Answer::Claimed);

    let mut resolved = join();
    resolved.complete(&["a"]).operate(Action::ResolveStep { step: crate::ids::Ordinal(1), results: None });
    assert_eq!(claim(&mut resolved), Answer::Claimed);

    let mut failed = join();
    failed.complete(&["a"]).fail("b", refusal());
    assert_eq!(claim(&mut failed), Answer::NotClaimable);

    let mut cancelled = join();
    cancelled.complete(&["a"]).operate(Action::CancelStep(crate::ids::Ordinal(1)));
    assert_eq!(claim(&mut cancelled), Answer::NotClaimable);
}

#[test]
fn dom_42_a_pending_step_may_be_resolved() {
    let mut driver = Driver::new(linear(2));
    driver.operate(Action::ResolveStep { step: driver.at("L2"), results: None });
    assert_eq!(driver.step("L2").record.state, StepState::ResolvedManually);
    driver.complete(&["L1"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn dom_43_a_failed_step_cannot_be_cancelled() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup());
    let answer = driver.operate(Action::CancelStep(driver.at("L1")));
    assert_eq!(super::refused(&driver, answer), "invalid_state_transition");
}

#[test]
fn dom_44_the_log_of_a_step_is_a_chain_of_numbered_changes() {
    let mut driver = Driver::new(linear(1));
    driver.complete(&["L1"]);
    let expected = [
        (None, StepState::Pending),
        (Some(StepState::Pending), StepState::InProgress),
        (Some(StepState::InProgress), StepState::Complete),
    ];
    assert_eq!(step_changes(&driver, "L1"), expected);
    assert_eq!(driver.log.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn dom_45_dom_126_the_second_claim_of_a_step_is_refused_and_leaves_no_trace() {
    let mut driver = Driver::new(linear(1));
    let step = driver.at("L1");
    let claims = [1, 2].map(|n| Input::Claim { step, worker: worker(n) });
    assert_eq!(driver.batch(claims.to_vec(), None), [Answer::Claimed, Answer::NotClaimable]);
    assert_eq!(driver.take(Input::Claim { step, worker: worker(3) }), Answer::NotClaimable);
    assert!(super::is_nothing(&driver.change));
    assert_eq!(step_changes(&driver, "L1").len(), 2);
    assert_eq!(driver.step("L1").record.attempts, 1);
    assert_eq!(driver.step("L1").queue.as_ref().unwrap().worker, Some(worker(1)));
}

#[test]
fn dom_46_a_retry_is_logged_with_its_number() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", hiccup()).wait(1).claim("L1");
    let retry = driver.log.iter().find(|entry| {
        matches!(entry.change, Change::Step { from: Some(StepState::Error), to: StepState::Pending, .. })
    });
    let metadata: Value = serde_json::from_str(retry.unwrap().metadata.as_deref().unwrap()).unwrap();
    assert_eq!(metadata, json!({"retry_attempt": 2}));
}

#[test]
fn dom_71_linear_runs_every_step_once_in_order() {
    let mut driver = Driver::new(linear(6));
    for step in ["L1", "L2", "L3", "L4", "L5", "L6"] {
        assert_eq!(driver.due(), [step]);
        driver.complete(&[step]);
    }
    assert_eq!((driver.task.state, attempts(&driver)), (TaskState::Complete, vec![1; 6]));
    assert!(driver.steps.iter().all(|detail| detail.record.processed_at == Some(driver.now)));
}

#[test]
fn dom_72_diamond_runs_its_branches_beside_each_other() {
    let mut driver = Driver::new(plan(&DIAMOND));
    driver.complete(&["S"]);
    assert_eq!(driver.due(), ["A1", "B1"]);
    driver.complete(&["A1", "A2", "B1"]);
    assert_eq!(driver.due(), ["B2"]);
    driver.complete(&["B2", "M", "E"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn dom_81_an_ended_task_has_nothing_to_claim() {
    let mut driver = Driver::new(linear(1));
    driver.complete(&["L1"]).wait(1_000_000);
    let step = driver.at("L1");
    assert_eq!(driver.take(Input::Claim { step, worker: worker(1) }), Answer::NotClaimable);
    assert!(super::is_nothing(&driver.change));
}

#[test]
fn dom_85_a_step_that_fails_once_is_tried_again_when_its_wait_is_over() {
    let mut driver = Driver::new(linear(6));
    driver.complete(&["L1", "L2"]).fail("L3", hiccup());
    assert_eq!(driver.states(), "L1=complete L2=complete L3=error L4=pending L5=pending L6=pending");
    assert_eq!(driver.task.state, TaskState::InProgress);
    assert_eq!((driver.queued(), driver.due()), (vec!["L3"], vec![]));
    assert_eq!(driver.step("L3").record.processed_at, None);
    driver.wait(1).complete(&["L3", "L4", "L5", "L6"]);
    assert_eq!((driver.task.state, attempts(&driver)), (TaskState::Complete, vec![1, 1, 2, 1, 1, 1]));
}

#[test]
fn dom_86_a_step_that_always_fails_is_executed_as_often_as_its_limit_says() {
    let mut driver = Driver::new(linear(6));
    driver.complete(&["L1", "L2"]);
    let mut waits = Vec::new();
    for _ in 0..3 {
        driver.fail("L3", hiccup());
        waits.push(driver.step("L3").queue.as_ref().map(|row| row.run_at.since(driver.now).as_secs()));
        driver.wait(60);
    }
    assert_eq!(waits, [Some(1), Some(2), None]);
    assert_eq!((driver.task.state, attempts(&driver)), (TaskState::Error, vec![1, 1, 3, 0, 0, 0]));
    assert!(driver.queued().is_empty());
    assert_eq!(driver.states(), "L1=complete L2=complete L3=error L4=pending L5=pending L6=pending");
}

#[test]
fn dom_87_a_permanent_error_is_not_tried_again() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", refusal());
    let step = driver.step("L1");
    assert_eq!((step.record.attempts, step.record.retryable), (1, false));
    assert_eq!(step.error.as_ref().unwrap().code, "HTTP_422");
    assert!(!step.error.as_ref().unwrap().retryable);
    assert_eq!(driver.task.state, TaskState::Error);
}

#[test]
fn dom_88_a_requested_wait_is_kept() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", hiccup().after(60)).wait(59);
    assert!(driver.due().is_empty());
    driver.wait(1);
    assert_eq!(driver.due(), ["L1"]);
}

#[test]
fn dom_89_other_branches_run_as_far_as_they_can() {
    let mut driver = Driver::new(plan(&DIAMOND));
    driver.complete(&["S"]).exhaust("B1");
    assert_eq!(driver.task.state, TaskState::InProgress);
    driver.complete(&["A1", "A2"]);
    assert_eq!(driver.states(), "S=complete A1=complete B1=error A2=complete B2=pending M=pending E=pending");
    assert_eq!(driver.task.state, TaskState::Error);
}

#[test]
fn dom_90_a_quick_failure_is_tried_again_while_another_branch_runs() {
    let mut driver = Driver::new(plan(&DIAMOND));
    driver.complete(&["S"]);
    driver.claim("B1");
    driver.fail("A1", hiccup()).wait(1);
    assert_eq!(driver.due(), ["A1"]);
    driver.complete(&["A1", "A2"]);
    driver.settle("B1", Outcome::Success(Payload::null()));
    driver.complete(&["B2", "M", "E"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn dom_91_two_failed_steps_are_due_each_at_its_own_time() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    driver.fail("a", hiccup().after(60)).fail("b", hiccup().after(180));
    driver.wait(60);
    assert_eq!(driver.due(), ["a"]);
    driver.wait(119);
    assert_eq!(driver.due(), ["a"]);
    driver.wait(1);
    assert_eq!(driver.due(), ["a", "b"]);
}

#[test]
fn dom_92_a_requested_wait_does_not_outlive_the_next_failure() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", hiccup().after(300)).wait(300).fail("L1", hiccup());
    assert_eq!(driver.step("L1").record.backoff_seconds, Some(2));
    driver.wait(2);
    assert_eq!(driver.due(), ["L1"]);
}

#[test]
fn dom_93_an_error_is_kept_until_the_step_succeeds() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", hiccup().with_context(json!({"line": 7})));
    let error = driver.step("L1").error.clone().unwrap();
    assert_eq!(
        serde_json::to_value(error).unwrap(),
        json!({"class": "Hiccup", "code": "hiccup", "message": "it did not work", "retryable": true, "context": {"line": 7}})
    );
    assert_eq!(driver.result("L1"), None);
    driver.wait(1).complete(&["L1"]);
    assert_eq!((driver.step("L1").error.clone(), driver.result("L1")), (None, Some(json!("L1 done"))));
}
