//! Acceptance scenarios of readiness (`spec/domain.md` 14.4).

use serde_json::json;

use super::*;
use crate::decide::Action;
use crate::driver::{DIAMOND, Driver, define, hiccup, linear, plan, refusal, small};
use crate::outcome::Outcome;
use crate::payload::Payload;

fn rows(driver: &Driver) -> Vec<StepReadiness> {
    let records = driver.steps.iter().map(|detail| &detail.record);
    step_readiness(&driver.plan, &driver.task, records, None, driver.now)
}

fn row(driver: &Driver, step: &str) -> StepReadiness {
    rows(driver).into_iter().find(|row| row.step_name.as_str() == step).expect("a step of the task")
}

fn ready(driver: &Driver) -> Vec<String> {
    rows(driver)
        .into_iter()
        .filter(|row| row.ready_for_execution)
        .map(|row| row.step_name.to_string())
        .collect()
}

#[test]
fn dom_50_dom_51_steps_are_ready_when_all_their_parents_are_done() {
    let mut driver = Driver::new(small());
    assert_eq!(ready(&driver), ["one", "two"]);
    driver.complete(&["one", "two"]);
    assert_eq!(ready(&driver), ["three"]);
    driver.complete(&["three"]);
    assert_eq!(ready(&driver), ["four"]);
}

#[test]
fn dom_52_dom_53_dom_60_running_cancelled_and_done_steps_are_not_ready() {
    let mut driver = Driver::new(small());
    driver.claim("two");
    assert_eq!(ready(&driver), ["one"]);
    assert_eq!(row(&driver, "two").blocking_reason, Some(BlockingReason::InvalidState));
    driver.operate(Action::CancelStep(driver.at("two")));
    assert_eq!(ready(&driver), ["one"]);
    driver.complete(&["one"]);
    assert_eq!(ready(&driver), [""; 0]);
    assert_eq!(row(&driver, "one").blocking_reason, Some(BlockingReason::InvalidState));
    assert_eq!(row(&driver, "four").blocking_reason, Some(BlockingReason::DependenciesNotSatisfied));
}

#[test]
fn dom_54_a_stored_wait_holds_for_a_pending_step_too() {
    let driver = Driver::new(linear(1));
    let mut record = driver.steps[0].record.clone();
    (record.last_attempted_at, record.backoff_seconds) = (Some(driver.now), Some(30));
    let at = |seconds| {
        let rows =
            step_readiness(&driver.plan, &driver.task, [&record], None, driver.now.plus_seconds(seconds));
        (rows[0].ready_for_execution, rows[0].blocking_reason)
    };
    assert_eq!(at(29), (false, Some(BlockingReason::InBackoff)));
    assert_eq!(at(30), (true, None));
}

#[test]
fn dom_55_dom_56_a_failed_step_is_ready_when_its_stored_wait_is_over() {
    for (limit, failures, after, wait) in [
        (3, 1, None, 1),
        (3, 2, None, 2),
        (10, 4, None, 8),
        (100, 60, None, 300),
        (3, 1, Some(60), 60),
        (3, 1, Some(1), 1),
    ] {
        let plan = define(&[("L1", &[])], |definition| definition, |step| step.retry_limit(limit));
        let mut driver = Driver::new(plan);
        for _ in 1..failures {
            driver.fail("L1", hiccup()).wait(300);
        }
        driver.fail("L1", after.map_or_else(hiccup, |seconds| hiccup().after(seconds)));
        let failed = row(&driver, "L1");
        assert_eq!(failed.next_retry_at, Some(driver.now.plus_seconds(wait)), "{failures} failures");
        assert_eq!((failed.last_failure_at, failed.time_until_ready), (Some(driver.now), Some(wait as u64)));
        assert_eq!(
            (failed.effective_backoff_seconds, failed.backoff_type),
            (wait as u32, BackoffType::ExplicitBackoff)
        );
        assert_eq!(failed.blocking_reason, Some(BlockingReason::InBackoff));
        driver.wait(wait - 1);
        assert!(!row(&driver, "L1").ready_for_execution);
        driver.wait(1);
        assert!(row(&driver, "L1").ready_for_execution);
        assert_eq!(row(&driver, "L1").time_until_ready, Some(0));
    }
}

#[test]
fn dom_57_an_exhausted_step_is_never_ready() {
    let mut driver = Driver::new(plan(&[("L1", &[]), ("other", &[])]));
    driver.exhaust("L1").wait(1_000_000);
    let row = row(&driver, "L1");
    assert_eq!((row.ready_for_execution, row.retry_eligible, row.next_retry_at), (false, false, None));
    assert_eq!(row.retry_status, RetryStatus::MaxRetriesReached);
    assert_eq!(row.blocking_reason, Some(BlockingReason::RetryNotEligible));
    assert!(row.predicates.exhausted && row.predicates.in_error && !row.predicates.can_retry_now);
}

#[test]
fn dom_58_a_step_never_tried_is_ready_and_its_limit_is_3() {
    let row = row(&Driver::new(linear(1)), "L1");
    assert_eq!((row.attempts, row.retry_limit, row.ready_for_execution), (0, 3, true));
}

#[test]
fn dom_59_a_step_that_is_not_retryable_is_ready_once() {
    let mut driver = Driver::new(define(&[("L1", &[])], |d| d, |step| step.retryable(false)));
    assert!(row(&driver, "L1").ready_for_execution);
    driver.fail("L1", hiccup()).wait(1_000);
    let row = row(&driver, "L1");
    assert_eq!((row.ready_for_execution, row.retry_eligible), (false, false));
    assert_eq!((row.retry_status, row.attempts), (RetryStatus::WaitingForBackoff, 1));
}

#[test]
fn dom_65_chosen_steps_are_shown_and_an_empty_choice_shows_none() {
    let driver = Driver::new(small());
    let chosen = |names: &[&str]| {
        let names: Vec<StepName> = names.iter().map(|name| StepName::new(name).unwrap()).collect();
        let records = driver.steps.iter().rev().map(|detail| &detail.record);
        let rows = step_readiness(&driver.plan, &driver.task, records, Some(&names), driver.now);
        rows.into_iter().map(|row| row.step_name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&[]), [""; 0]);
    assert_eq!(chosen(&["four", "one", "nobody"]), ["one", "four"]);
    assert_eq!(step_readiness(&driver.plan, &driver.task, [], None, driver.now), []);
}

#[test]
fn dom_66_rows_are_in_document_order() {
    let driver = Driver::new(plan(&DIAMOND));
    let shuffled = [4, 2, 6, 0, 1, 5, 3].map(|i: usize| &driver.steps[i].record);
    let ordered = step_readiness(&driver.plan, &driver.task, shuffled, None, driver.now);
    assert_eq!(ordered, rows(&driver));
    assert_eq!(ordered.iter().map(|row| row.ordinal.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn steps_of_a_task_that_ended_are_not_ready() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    driver.fail("a", refusal()).fail("b", hiccup());
    driver.operate(Action::CancelTask { force: false });
    driver.wait(1_000);
    assert_eq!(ready(&driver), [""; 0]);
    assert_eq!(row(&driver, "b").blocking_reason, Some(BlockingReason::Unknown));
}

#[test]
fn parents_are_counted() {
    let mut driver = Driver::new(plan(&DIAMOND));
    let status = |driver: &Driver, step: &str| {
        let row = row(driver, step);
        (row.dependency_status, row.completed_parents, row.total_parents, row.dependencies_satisfied)
    };
    assert_eq!(status(&driver, "S"), ("no_dependencies".into(), 0, 0, true));
    assert_eq!(status(&driver, "M"), ("0/2_satisfied".into(), 0, 2, false));
    driver.complete(&["S", "A1", "A2"]);
    assert_eq!(status(&driver, "M"), ("1/2_satisfied".into(), 1, 2, false));
    driver.complete(&["B1", "B2"]);
    assert_eq!(status(&driver, "M"), ("all_satisfied".into(), 2, 2, true));
}

#[test]
fn a_row_is_json_with_the_columns_of_the_contract() {
    let mut driver = Driver::new(linear(2));
    driver.claim("L1");
    driver.settle("L1", Outcome::Failure(hiccup()));
    assert_eq!(
        serde_json::to_value(row(&driver, "L1")).unwrap(),
        json!({
            "task_id": "00000000-0000-0000-0000-000000007a5c",
            "step_name": "L1",
            "ordinal": 0,
            "current_state": "error",
            "dependencies_satisfied": true,
            "retry_eligible": true,
            "ready_for_execution": false,
            "last_failure_at": "2026-01-31T09:00:00.000000Z",
            "next_retry_at": "2026-01-31T09:00:01.000000Z",
            "total_parents": 0,
            "completed_parents": 0,
            "attempts": 1,
            "retry_limit": 3,
            "backoff_request_seconds": 1,
            "last_attempted_at": "2026-01-31T09:00:00.000000Z",
            "blocking_reason": "in_backoff",
            "time_until_ready": 1,
            "dependency_status": "no_dependencies",
            "retry_status": "retry_eligible",
            "backoff_type": "explicit_backoff",
            "effective_backoff_seconds": 1,
            "predicates": {
                "complete": false, "in_progress": false, "pending": false, "in_error": true, "cancelled": false,
                "ready_status": true, "has_retried": true, "exhausted": false, "waiting_for_backoff": true,
                "can_retry_now": false, "root": true, "leaf": false,
            },
        })
    );
    driver.wait(1).claim("L1");
    driver.settle("L1", Outcome::Success(Payload::null()));
    let done = row(&driver, "L1");
    assert!(done.predicates.complete && !done.predicates.ready_status);
    assert_eq!((done.effective_backoff_seconds, done.backoff_type), (0, BackoffType::NoBackoff));
}

#[test]
fn a_claimable_step_is_a_ready_step() {
    let mut driver = Driver::new(plan(&DIAMOND));
    driver.complete(&["S"]).fail("A1", hiccup()).fail("B1", refusal());
    for _ in 0..3 {
        assert_eq!(ready(&driver), driver.due());
        driver.wait(1);
    }
}
