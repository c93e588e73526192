//! Each invariant, broken in a task that was in order.

use super::*;
use crate::decide::Action;
use crate::driver::{
    DIAMOND, Driver, complete, define, failed, hiccup, linear, plan, refusal, running, worker,
};
use crate::ids::Fence;
use crate::record::Change;

/// The codes of what an audit finds after the task was tampered with, each once.
fn codes(mut driver: Driver, tamper: impl FnOnce(&mut Driver)) -> Vec<&'static str> {
    tamper(&mut driver);
    let mut codes: Vec<_> = findings(&driver).iter().map(|finding| finding.code.as_str()).collect();
    codes.dedup();
    codes
}

fn findings(driver: &Driver) -> Vec<Finding> {
    audit(&driver.plan, &driver.task, &driver.steps, &driver.log)
}

#[test]
fn a_task_in_order_has_no_findings() {
    let mut driver = Driver::new(plan(&DIAMOND));
    driver.complete(&["S", "A1"]).fail("B1", hiccup()).wait(1).exhaust("B1");
    driver.complete(&["A2"]).operate(Action::CancelTask { force: false });
    assert_eq!(findings(&driver), []);
}

#[test]
fn counters_are_counted() {
    assert_eq!(codes(running(), |d| d.task.active = 3), ["active_count"]);
    assert_eq!(codes(running(), |d| d.task.remaining = 3), ["remaining_count"]);
    assert_eq!(codes(running(), |d| d.steps[2].record.waits = 0), ["waits_count", "row_missing"]);
    assert_eq!(codes(running(), |d| d.steps[0].record.waits = 1), ["waits_count", "row_unwanted"]);
    let finding = &findings(&{
        let mut driver = running();
        driver.task.active = 3;
        driver
    })[0];
    assert_eq!(finding.message, "active is 3, but should be 2");
    assert_eq!(finding.step, None);
}

#[test]
fn queue_rows_are_there_iff_they_are_wanted() {
    let codes_of = |driver: Driver, step: usize| {
        codes(driver, |d| {
            d.steps[step].queue = None;
            d.task.active -= 1;
        })
    };
    assert_eq!(codes_of(running(), 0), ["row_missing"]);
    assert_eq!(codes_of(running(), 1), ["row_missing"]);
    assert_eq!(codes_of(failed(), 0), ["row_missing"]);
    let surplus = codes(running(), |d| {
        d.steps[3].queue = d.steps[0].queue.clone().map(|row| QueueRow { ordinal: Ordinal(3), ..row });
        d.task.active += 1;
    });
    assert_eq!(surplus, ["row_unwanted"]);
}

#[test]
fn claims_belong_to_running_steps() {
    let row = |d: &mut Driver, step: usize, change: fn(&mut QueueRow)| {
        change(d.steps[step].queue.as_mut().unwrap())
    };
    assert_eq!(codes(running(), |d| row(d, 1, |row| row.worker = None)), ["row_claim"]);
    assert_eq!(codes(running(), |d| row(d, 0, |row| row.worker = Some(worker(1)))), ["row_claim"]);
    assert_eq!(codes(running(), |d| row(d, 1, |row| row.fence = Fence(9))), ["row_fence"]);
    assert_eq!(codes(running(), |d| row(d, 1, |row| row.ordinal = Ordinal(2))), ["row_step"]);
}

#[test]
fn a_task_that_ended_has_only_running_steps_queued() {
    let mut cancelled = running();
    cancelled.operate(Action::CancelTask { force: false });
    assert_eq!(findings(&cancelled), []);
    let unclaimed = codes(cancelled.clone(), |d| d.steps[1].queue.as_mut().unwrap().worker = None);
    assert_eq!(unclaimed, ["row_claim", "row_of_ended_task"]);
    let lost = codes(cancelled, |d| {
        d.steps[1].queue = None;
        d.task.active = 0;
    });
    assert_eq!(lost, ["row_missing"]);
}

#[test]
fn an_open_task_has_something_queued() {
    let stuck = codes(running(), |d| {
        d.steps.iter_mut().for_each(|detail| detail.queue = None);
        d.task.active = 0;
    });
    assert_eq!(stuck, ["nothing_queued", "row_missing"]);
}

#[test]
fn a_complete_task_has_only_done_steps() {
    let undone = codes(complete(), |d| {
        d.steps[0].record.state = StepState::Cancelled;
        d.task.remaining = 1;
    });
    assert_eq!(undone, ["complete_with_undone", "log_state"]);
    assert_eq!(codes(complete(), |d| d.task.ended_at = None), ["ended_at"]);
    assert_eq!(codes(running(), |d| d.task.ended_at = Some(d.now)), ["ended_at"]);
    assert_eq!(codes(complete(), |d| d.steps[0].record.processed_at = None), ["processed_at"]);
}

#[test]
fn steps_that_run_one_at_a_time_share_one_row() {
    let turns = || Driver::new(define(&[("a", &[]), ("b", &[])], |d| d.concurrent(false), |step| step));
    assert_eq!(findings(&turns()), []);
    let both = codes(turns(), |d| {
        d.steps[1].queue = d.steps[0].queue.clone().map(|row| QueueRow { ordinal: Ordinal(1), ..row });
        d.task.active = 2;
    });
    assert_eq!(both, ["turns"]);
    let none = codes(turns(), |d| {
        d.steps[0].queue = None;
        d.task.active = 0;
    });
    assert_eq!(none, ["nothing_queued", "turns"]);
}

#[test]
fn attempts_stay_within_the_limit_unless_an_operator_lowered_it() {
    assert_eq!(codes(running(), |d| d.steps[1].record.retry_limit = 0), ["attempts_above_limit"]);
    assert_eq!(codes(running(), |d| d.steps[2].record.retry_limit = 0), ["attempts_above_limit"]);
    let mut lowered = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    lowered.fail("a", hiccup()).wait(1).fail("a", hiccup());
    let step = lowered.at("a");
    lowered.operate(Action::EditStep { step, retry_limit: Some(1), inputs: None });
    assert_eq!(findings(&lowered), []);
}

#[test]
fn the_log_is_gapless_and_ordered() {
    let renumbered = codes(running(), |d| d.log[3].seq = 9);
    assert_eq!(renumbered, ["log_gap"]);
    let shortened = codes(running(), |d| d.log.truncate(6));
    assert_eq!(shortened, ["log_length", "log_state", "attempts_count", "fence_count"]);
    assert_eq!(codes(running(), |d| d.log[0].at = d.now.plus_seconds(1)), ["log_time"]);
    assert_eq!(codes(running(), |d| d.task.updated_at = d.now.plus_seconds(-1)), ["log_time"]);
}

#[test]
fn changes_in_the_log_are_legal_and_chained() {
    let retold = |change: Change| codes(complete(), |d| d.log[4].change = change);
    let step = |from, to| Change::Step { ordinal: Ordinal(0), from: Some(from), to };
    assert_eq!(
        retold(step(StepState::InProgress, StepState::ResolvedManually)),
        ["log_illegal", "log_state"]
    );
    assert_eq!(retold(step(StepState::Pending, StepState::ResolvedManually)), ["log_chain", "log_state"]);
    let foreign = Change::Step { ordinal: Ordinal(7), from: None, to: StepState::Pending };
    assert_eq!(retold(foreign), ["log_state", "log_unknown_step"]);
    let task = codes(complete(), |d| {
        d.log[5].change = Change::Task { from: Some(TaskState::Pending), to: TaskState::Complete };
    });
    assert_eq!(task, ["log_chain", "log_illegal"]);
}

#[test]
fn attempts_are_the_claims_in_the_log() {
    assert_eq!(codes(running(), |d| d.steps[1].record.attempts = 2), ["attempts_count"]);
    assert_eq!(codes(running(), |d| d.log[6].metadata = None), [""; 0]);
    let mut twice = complete();
    let seq = twice.task.log_seq;
    twice.log.insert(5, Transition { seq, ..twice.log[4].clone() });
    twice.task.log_seq += 1;
    twice.log[6].seq = seq + 1;
    assert_eq!(codes(twice, |_| {}), ["log_chain", "completed_twice"]);
}

#[test]
fn rows_that_do_not_belong_to_the_definition_are_found() {
    let surplus = codes(complete(), |d| d.steps.push(d.steps[0].clone()));
    assert_eq!(surplus, ["step_unknown"]);
    let mut foreign = failed();
    foreign.steps[1].record.ordinal = Ordinal(5);
    let found = findings(&foreign);
    assert_eq!((found[0].code, found[1].code), (Code::StepUnknown, Code::StepMissing));
    assert_eq!(found[1].step.as_ref().map(StepName::as_str), Some("b"));
}

#[test]
fn a_finding_is_json() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", refusal());
    driver.steps[0].record.attempts = 2;
    assert_eq!(
        serde_json::to_value(findings(&driver)).unwrap(),
        serde_json::json!([{"code": "attempts_count", "step": "L1", "message": "attempts is 2, but should be 1"}])
    );
}
