//! Acceptance scenarios of the execution context (`spec/domain.md` 14.4).

use ExecutionStatus::*;
use HealthStatus::*;
use serde_json::json;

use super::*;
use crate::decide::{Action, NewLimit};
use crate::driver::{Driver, hiccup, linear, plan, refusal, small};

fn execution(driver: &Driver) -> TaskExecution {
    task_execution(&driver.task, driver.steps.iter().map(|detail| &detail.record), driver.now)
}

fn check(driver: &Driver, expected: (ExecutionStatus, HealthStatus)) {
    let execution = execution(driver);
    assert_eq!((execution.execution_status, execution.health_status), expected, "{}", driver.states());
}

#[test]
fn dom_50_a_new_task_has_ready_steps() {
    let driver = Driver::new(small());
    assert_eq!(
        serde_json::to_value(execution(&driver)).unwrap(),
        json!({
            "task_id": "00000000-0000-0000-0000-000000007a5c",
            "status": "pending",
            "total_steps": 4,
            "pending_steps": 4,
            "in_progress_steps": 0,
            "completed_steps": 0,
            "failed_steps": 0,
            "ready_steps": 2,
            "execution_status": "has_ready_steps",
            "recommended_action": "execute_ready_steps",
            "health_status": "healthy",
            "completion_percentage": 0.0,
        })
    );
}

#[test]
fn dom_51_the_percentage_is_that_of_done_steps() {
    let mut driver = Driver::new(small());
    driver.complete(&["one", "two", "three"]);
    assert_eq!(execution(&driver).completion_percentage, 75.0);
    let mut thirds = Driver::new(linear(3));
    thirds.complete(&["L1"]);
    assert_eq!(execution(&thirds).completion_percentage, 33.33);
    thirds.complete(&["L2"]);
    assert_eq!(execution(&thirds).completion_percentage, 66.67);
}

#[test]
fn dom_52_a_task_with_a_running_step_is_processing() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    check(&driver, (Processing, Healthy));
    assert_eq!(execution(&driver).recommended_action, RecommendedAction::WaitForCompletion);
}

#[test]
fn dom_53_a_cancelled_step_blocks_its_task() {
    let mut driver = Driver::new(small());
    driver.operate(Action::CancelStep(driver.at("two")));
    check(&driver, (HasReadySteps, Recovering));
    driver.complete(&["one"]);
    check(&driver, (BlockedByFailures, Blocked));
}

#[test]
fn dom_59_dom_61_a_task_in_which_nothing_can_go_on_is_blocked() {
    for failure in [hiccup(), refusal()] {
        let mut driver = Driver::new(linear(2));
        driver.fail("L1", failure);
        while driver.task.state.is_open() {
            driver.wait(10).fail("L1", hiccup());
        }
        check(&driver, (BlockedByFailures, Blocked));
        assert_eq!(execution(&driver).recommended_action, RecommendedAction::HandleFailures);
        assert!(execution(&driver).needs_intervention() && execution(&driver).is_blocked());
    }
}

#[test]
fn dom_62_a_task_whose_step_waits_for_its_next_attempt_is_not_blocked() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup());
    check(&driver, (WaitingForDependencies, Recovering));
    assert!(execution(&driver).should_reenqueue());
    driver.wait(1);
    check(&driver, (HasReadySteps, Recovering));
}

#[test]
fn dom_63_an_exhausted_step_does_not_block_what_still_goes_on() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[]), ("c", &["a"])]));
    driver.fail("a", refusal());
    check(&driver, (HasReadySteps, Recovering));
    driver.claim("b");
    check(&driver, (Processing, Blocked));
}

#[test]
fn a_failed_branch_does_not_block_one_that_waits_for_its_next_attempt() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[]), ("c", &["a"])]));
    driver.fail("a", refusal()).fail("b", hiccup());
    check(&driver, (WaitingForDependencies, Blocked));
}

#[test]
fn dom_64_a_step_resolved_by_hand_counts_as_done() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1").operate(Action::ResolveStep { step: crate::ids::Ordinal(0), results: None });
    driver.complete(&["L2"]);
    check(&driver, (AllComplete, Healthy));
    let execution = execution(&driver);
    assert_eq!(execution.recommended_action, RecommendedAction::FinalizeTask);
    assert_eq!((execution.completion_percentage, execution.completed_steps), (100.0, 2));
    assert!(execution.is_complete() && execution.is_healthy() && !execution.has_work());
}

#[test]
fn a_task_without_steps_is_complete() {
    let driver = Driver::new(linear(1));
    let execution = task_execution(&driver.task, [], driver.now);
    assert_eq!((execution.execution_status, execution.completion_percentage), (AllComplete, 100.0));
}

#[test]
fn a_task_that_is_opened_again_has_ready_steps() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1");
    assert_eq!(execution(&driver).ready_steps, 0);
    driver.operate(Action::RetryTask { steps: Vec::new(), limit: NewLimit::More(1) });
    check(&driver, (HasReadySteps, Healthy));
    assert!(execution(&driver).can_make_progress() && execution(&driver).needs_immediate_action());
}

#[test]
fn summary_and_next_action_say_the_same_for_people() {
    let mut driver = Driver::new(small());
    driver.complete(&["one"]).fail("two", refusal());
    let execution = execution(&driver);
    assert_eq!(
        serde_json::to_value(execution.workflow_summary()).unwrap(),
        json!({
            "total_steps": 4, "completed": 1, "pending": 2, "in_progress": 0, "failed": 1, "ready": 0,
            "completion_percentage": 25.0,
            "status": "blocked_by_failures",
            "health": "blocked",
            "recommended_action": "handle_failures",
            "progress_details": {
                "completed_ratio": "1/4", "completion_percentage": "25%", "remaining_steps": 3,
                "failed_steps": 1, "ready_steps": 0,
            },
        })
    );
    assert_eq!(
        serde_json::to_value(execution.next_action_details()).unwrap(),
        json!({
            "action": "handle_failures",
            "description": "1 failed, 3 steps not done: retry or resolve them",
            "urgency": "critical",
            "can_proceed": false,
        })
    );
}

#[test]
fn every_action_has_its_urgency() {
    let mut driver = Driver::new(linear(1));
    let next = |driver: &Driver| {
        let next = execution(driver).next_action_details();
        (next.description, next.urgency, next.can_proceed)
    };
    assert_eq!(next(&driver), ("1 step may start".into(), "high", true));
    driver.fail("L1", hiccup());
    assert_eq!(next(&driver), ("wait for other steps or for the next attempt".into(), "low", false));
    driver.wait(1).claim("L1");
    assert_eq!(next(&driver), ("wait until 1 step in progress ended".into(), "low", false));
    driver.settle("L1", crate::outcome::Outcome::Success(crate::payload::Payload::null()));
    assert_eq!(next(&driver), ("every step is done".into(), "medium", true));
}
