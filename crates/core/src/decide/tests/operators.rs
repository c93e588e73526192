//! What operators may do, and what they are refused (`spec/domain.md` 14.9).

use std::sync::Arc;

use serde_json::json;

use super::{is_nothing, refused};
use crate::decide::{Action, Answer, Input, NewLimit};
use crate::driver::{Driver, hiccup, linear, plan, refusal, small, worker};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::plan::Plan;
use crate::record::Annotation;
use crate::state::{StepState, TaskState};

fn retry_step(driver: &mut Driver, step: &str, limit: NewLimit) -> Answer {
    let step = driver.at(step);
    driver.operate(Action::RetryStep { step, limit, new_idempotency_key: false })
}

fn retry_task(driver: &mut Driver, limit: NewLimit) -> Answer {
    driver.operate(Action::RetryTask { steps: Vec::new(), limit })
}

fn edit(driver: &mut Driver, step: &str, retry_limit: Option<u32>, inputs: Option<&str>) -> Answer {
    let (step, inputs) = (driver.at(step), inputs.map(Payload::from_stored));
    driver.operate(Action::EditStep { step, retry_limit, inputs })
}

/// A task of one step in each state that an ended or open task can have.
fn in_state(state: TaskState) -> Driver {
    let mut driver = Driver::new(linear(1));
    match state {
        TaskState::Pending => {}
        TaskState::InProgress => {
            driver.claim("L1");
        }
        TaskState::Complete => {
            driver.complete(&["L1"]);
        }
        TaskState::Error => {
            driver.fail("L1", refusal());
        }
        TaskState::Cancelled => {
            driver.operate(Action::CancelTask { force: false });
        }
        TaskState::ResolvedManually => {
            driver.fail("L1", refusal()).operate(Action::ResolveTask);
        }
    }
    assert_eq!(driver.task.state, state);
    driver
}

#[test]
fn dom_117_cancelling_a_pending_task_cancels_its_pending_steps() {
    let mut driver = Driver::new(small());
    assert_eq!(driver.operate(Action::CancelTask { force: false }), Answer::Done);
    assert_eq!(driver.task.state, TaskState::Cancelled);
    assert_eq!(driver.states(), "one=cancelled two=cancelled three=cancelled four=cancelled");
    let step = driver.at("one");
    assert_eq!(driver.take(Input::Claim { step, worker: worker(1) }), Answer::NotClaimable);
    assert!(is_nothing(&driver.change));
}

#[test]
fn dom_118_a_step_that_runs_while_its_task_is_cancelled_has_its_outcome_recorded() {
    let mut driver = Driver::new(linear(3));
    driver.complete(&["L1"]).claim("L2");
    driver.operate(Action::CancelTask { force: false });
    assert_eq!(driver.states(), "L1=complete L2=in_progress L3=cancelled");
    driver.settle("L2", Outcome::Success(Payload::from_stored("2")));
    assert_eq!(driver.result("L2"), Some(json!(2)));
    assert_eq!(driver.states(), "L1=complete L2=complete L3=cancelled");
    assert_eq!((driver.task.state, driver.queued()), (TaskState::Cancelled, vec![]));
}

#[test]
fn dom_119_every_task_but_a_cancelled_one_can_be_cancelled() {
    for state in TaskState::ALL {
        let mut driver = in_state(state);
        let is_done = matches!(state, TaskState::Complete | TaskState::ResolvedManually);
        let answer = driver.operate(Action::CancelTask { force: is_done });
        if state == TaskState::Cancelled {
            assert_eq!(answer, Answer::Unchanged);
            assert!(is_nothing(&driver.change));
        } else {
            assert_eq!((answer, driver.task.state), (Answer::Done, TaskState::Cancelled), "from {state}");
        }
    }
}

#[test]
fn dom_120_a_cancelled_step_leaves_the_rest_of_the_task_running() {
    let mut driver = Driver::new(small());
    driver.operate(Action::CancelStep(driver.at("two")));
    driver.complete(&["one"]);
    assert_eq!(driver.states(), "one=complete two=cancelled three=pending four=pending");
    assert_eq!(driver.task.state, TaskState::Error);
}

#[test]
fn dom_121_resolving_a_failed_step_lets_its_children_run() {
    let mut driver = Driver::new(linear(3));
    driver.exhaust("L1").operate(Action::ResolveStep { step: crate::ids::Ordinal(0), results: None });
    assert_eq!((driver.task.state, driver.due()), (TaskState::Pending, vec!["L2"]));
    assert_eq!(retry_task(&mut driver, NewLimit::Keep), Answer::Unchanged);
    driver.complete(&["L2", "L3"]);
    assert_eq!((driver.task.state, driver.step("L1").record.attempts), (TaskState::Complete, 3));
}

#[test]
fn dom_122_an_exhausted_step_needs_a_higher_limit() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1");
    let answer = retry_step(&mut driver, "L1", NewLimit::Keep);
    insta::assert_snapshot!(explained(&answer), @r#"
    retry_limit_reached: step L1 was executed 3 times, and its limit is 3
    help: allow one more execution: tasker step retry 00000000-0000-0000-0000-000000007a5c L1 --more 1
    "#);
    assert_eq!(refused(&driver, answer), "retry_limit_reached");
    assert_eq!(edit(&mut driver, "L1", Some(4), None), Answer::Done);
    assert!(driver.queued().is_empty(), "a task in error schedules nothing");
    assert_eq!(retry_step(&mut driver, "L1", NewLimit::Keep), Answer::Done);
    assert_eq!(driver.due(), ["L1"]);
    assert_eq!(retry_task(&mut driver, NewLimit::Keep), Answer::Unchanged);
    driver.complete(&["L1", "L2"]);
    assert_eq!((driver.task.state, driver.step("L1").record.attempts), (TaskState::Complete, 4));
}

fn explained(answer: &Answer) -> String {
    match answer {
        Answer::Refused(rejection) => {
            format!(
                "{}: {}\nhelp: {}",
                rejection.code,
                rejection,
                rejection.help.as_deref().unwrap_or("none")
            )
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn dom_123_inputs_and_limit_of_a_pending_step_can_be_edited() {
    let mut driver = Driver::new(linear(2));
    assert_eq!(edit(&mut driver, "L2", Some(8), Some(r#"{"a":1}"#)), Answer::Done);
    assert_eq!(driver.step("L2").record.retry_limit, 8);
    assert_eq!(driver.step("L2").inputs.as_ref().map(Payload::as_str), Some(r#"{"a":1}"#));
    for limit in [0, 101, u32::MAX] {
        let answer = edit(&mut driver, "L2", Some(limit), Some("{}"));
        assert_eq!(refused(&driver, answer), "out_of_range", "{limit}");
    }
    assert_eq!(edit(&mut driver, "L2", None, None), Answer::Unchanged);
    assert!(is_nothing(&driver.change));
}

#[test]
fn api_67_a_step_that_runs_keeps_its_inputs_and_one_that_ended_keeps_all() {
    let mut driver = Driver::new(linear(3));
    driver.claim("L1");
    let answer = edit(&mut driver, "L1", None, Some("{}"));
    assert_eq!(refused(&driver, answer), "invalid_state_transition");
    assert_eq!(edit(&mut driver, "L1", Some(5), None), Answer::Done);
    driver.settle("L1", Outcome::Success(Payload::null()));
    driver.operate(Action::CancelStep(driver.at("L2")));
    for step in ["L1", "L2"] {
        let answer = edit(&mut driver, step, Some(5), None);
        assert_eq!(refused(&driver, answer), "invalid_state_transition", "{step}");
    }
}

#[test]
fn a_limit_leaves_room_for_the_execution_that_runs_or_is_due() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", hiccup()).wait(1).claim("L1");
    let answer = edit(&mut driver, "L1", Some(1), None);
    assert_eq!(refused(&driver, answer), "out_of_range");
    assert_eq!(edit(&mut driver, "L1", Some(2), None), Answer::Done);
    driver.settle("L1", Outcome::Failure(hiccup()));
    assert_eq!(driver.task.state, TaskState::Error);
    assert_eq!(edit(&mut driver, "L1", Some(1), None), Answer::Done);
    assert_eq!(retry_step(&mut driver, "L1", NewLimit::More(1)), Answer::Done);
    let answer = edit(&mut driver, "L1", Some(2), None);
    insta::assert_snapshot!(explained(&answer), @r#"
    out_of_range: retry_limit of step L1 must be 3 to 100, but 2 was asked for
    help: the step is pending: cancel it to keep it from running
    "#);
    assert_eq!(refused(&driver, answer), "out_of_range");
}

#[test]
fn dom_124_reason_and_tags_can_be_edited_in_any_state() {
    for state in TaskState::ALL {
        let mut driver = in_state(state);
        let answer = driver.operate(Action::EditTask { reason: Some("audit".into()), tags: None });
        assert_eq!(answer, Answer::Done, "{state}");
        assert_eq!((driver.input.reason.as_str(), driver.input.tags.len()), ("audit", 0));
        driver.operate(Action::EditTask { reason: None, tags: Some(vec!["vip".into()]) });
        assert_eq!((driver.input.reason.as_str(), driver.input.tags.len()), ("audit", 1));
        assert_eq!(driver.task.state, state);
    }
    let mut driver = in_state(TaskState::Pending);
    assert_eq!(driver.operate(Action::EditTask { reason: None, tags: None }), Answer::Unchanged);
}

#[test]
fn a_task_can_be_annotated_in_any_state() {
    for state in TaskState::ALL {
        let mut driver = in_state(state);
        let (before, log) = (driver.annotations.len(), driver.log.len());
        let note = Annotation { kind: "note".into(), value: Payload::from_stored("{\"a\":1}") };
        assert_eq!(driver.operate(Action::Annotate(note.clone())), Answer::Done, "{state}");
        assert_eq!((driver.annotations.len(), driver.annotations.last()), (before + 1, Some(&note)));
        assert_eq!((driver.task.state, driver.log.len()), (state, log));
    }
}

#[test]
fn only_a_task_in_error_can_be_resolved() {
    for state in TaskState::ALL {
        let mut driver = in_state(state);
        let answer = driver.operate(Action::ResolveTask);
        if state == TaskState::Error {
            assert_eq!((answer, driver.task.state), (Answer::Done, TaskState::ResolvedManually));
        } else {
            assert_eq!(refused(&driver, answer), "invalid_state_transition", "{state}");
        }
    }
}

fn two_branches() -> Arc<Plan> {
    plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])])
}

#[test]
fn retrying_a_task_leaves_out_its_exhausted_steps() {
    let mut driver = Driver::new(two_branches());
    driver.exhaust("a").fail("b", refusal());
    assert_eq!(retry_task(&mut driver, NewLimit::Keep), Answer::Done);
    assert_eq!(driver.states(), "a=error b=pending c=pending");
    assert_eq!((driver.task.state, driver.due()), (TaskState::Pending, vec!["b"]));
}

#[test]
fn api_58_retrying_a_task_whose_steps_are_all_exhausted_names_them() {
    let mut driver = Driver::new(two_branches());
    driver.exhaust("a").exhaust("b");
    let answer = retry_task(&mut driver, NewLimit::Keep);
    insta::assert_snapshot!(explained(&answer), @r#"
    retry_limit_reached: task 00000000-0000-0000-0000-000000007a5c: every failed step has used up its executions: a, b
    help: allow one more execution each: tasker task retry 00000000-0000-0000-0000-000000007a5c --more 1
    "#);
    assert_eq!(refused(&driver, answer), "retry_limit_reached");
    assert_eq!(retry_task(&mut driver, NewLimit::Set(5)), Answer::Done);
    assert_eq!(driver.due(), ["a", "b"]);
    driver.complete(&["a", "b", "c"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn retrying_a_task_without_failed_steps_names_what_blocks_it() {
    let mut driver = Driver::new(two_branches());
    driver.operate(Action::CancelStep(driver.at("a")));
    driver.complete(&["b"]);
    let answer = retry_task(&mut driver, NewLimit::More(1));
    insta::assert_snapshot!(explained(&answer), @r#"
    nothing_to_retry: task 00000000-0000-0000-0000-000000007a5c: none of the chosen steps is in error; not done: a, c
    help: see why: tasker task explain 00000000-0000-0000-0000-000000007a5c
    "#);
    assert_eq!(refused(&driver, answer), "nothing_to_retry");
}

#[test]
fn only_the_chosen_steps_of_a_task_are_retried() {
    let mut driver = Driver::new(two_branches());
    driver.fail("a", refusal()).fail("b", refusal());
    let steps = vec![driver.at("b")];
    assert_eq!(driver.operate(Action::RetryTask { steps, limit: NewLimit::Keep }), Answer::Done);
    assert_eq!(driver.states(), "a=error b=pending c=pending");
}

#[test]
fn a_step_that_was_edited_while_its_task_was_in_error_runs_once_the_task_is_reopened() {
    let mut driver = Driver::new(two_branches());
    driver.exhaust("a").fail("b", refusal());
    edit(&mut driver, "a", Some(9), None);
    assert_eq!(retry_step(&mut driver, "b", NewLimit::Keep), Answer::Done);
    assert_eq!(driver.due(), ["a", "b"]);
}

#[test]
fn steps_that_are_not_in_error_cannot_be_retried() {
    let mut driver = Driver::new(linear(2));
    for step in ["L1", "L2"] {
        let answer = retry_step(&mut driver, step, NewLimit::More(1));
        assert_eq!(refused(&driver, answer), "invalid_state_transition");
    }
}

#[test]
fn an_action_on_a_task_and_an_outcome_share_a_batch() {
    let mut driver = Driver::new(two_branches());
    let claim = driver.claim("a");
    let settle =
        Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: Outcome::Failure(hiccup()) };
    let cancel = Input::Operate {
        action: Action::CancelTask { force: false },
        actor: "ann".into(),
        reason: Some("no".into()),
        expected: None,
    };
    let answers = driver.batch(vec![settle, cancel], None);
    assert!(matches!(answers[0], Answer::Settled { state: StepState::Error, retry_at: Some(_) }));
    assert_eq!(answers[1], Answer::Done);
    assert_eq!(driver.states(), "a=error b=cancelled c=cancelled");
    assert_eq!((driver.task.state, driver.queued()), (TaskState::Cancelled, vec![]));
}
