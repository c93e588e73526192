//! Every reason as golden text: the sentence, the help, the command, and the fields.

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::decide::{Action, NewLimit};
use crate::driver::{Driver, define, hiccup, linear, plan, refusal, small, start};
use crate::outcome::Outcome;
use crate::payload::Payload;

fn explain(driver: &Driver, served: &[&str]) -> TaskExplanation {
    let served: BTreeSet<HandlerName> = served.iter().map(|name| name.parse().unwrap()).collect();
    explain_task(&facts(driver, Some(&served)))
}

fn facts<'a>(driver: &'a Driver, served: Option<&'a BTreeSet<HandlerName>>) -> Facts<'a> {
    Facts {
        plan: &driver.plan,
        task: &driver.task,
        steps: &driver.steps,
        log: &driver.log,
        served,
        now: driver.now,
    }
}

/// The reason of one step, every handler served.
fn step(driver: &Driver, name: &str) -> String {
    let served = BTreeSet::from(["h".parse().unwrap()]);
    let explanation = explain_step(&facts(driver, Some(&served)), driver.at(name)).unwrap();
    told(&explanation.explained)
}

fn task(driver: &Driver) -> String {
    told(&explain(driver, &["h"]).summary)
}

/// Long ids shortened, so that a line can be read.
fn told(explained: &Explained) -> String {
    let mut lines = vec![explained.message.clone()];
    lines.extend(explained.help.iter().map(|help| format!("help: {help}")));
    lines.extend(explained.command.iter().map(|command| format!("$ {command}")));
    lines.push(serde_json::to_string(&explained.reason).unwrap());
    lines.join("\n").replace("00000000-0000-0000-0000-00000000", "")
}

#[test]
fn waiting_for_steps() {
    let driver = Driver::new(plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]));
    assert_snapshot!(step(&driver, "c"), @r#"
    step c waits for steps a, b
    {"code":"waiting_for_steps","steps":["a","b"]}
    "#);
}

#[test]
fn backing_off() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup().after(60));
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 failed in execution 1 of 3: Hiccup: it did not work; it is tried again at 2026-01-31T09:01:00.000000Z
    help: to try it now instead
    $ tasker step retry 7a5c L1
    {"code":"backing_off","until":"2026-01-31T09:01:00.000000Z","attempts":1,"retry_limit":3,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work"}}
    "#);
    assert_snapshot!(task(&driver), @r#"
    step L1 failed in execution 1 of 3: Hiccup: it did not work; it is tried again at 2026-01-31T09:01:00.000000Z
    help: to try it now instead
    $ tasker step retry 7a5c L1
    {"code":"backing_off","until":"2026-01-31T09:01:00.000000Z","attempts":1,"retry_limit":3,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work"}}
    "#);
}

#[test]
fn no_worker() {
    let driver = Driver::new(linear(1));
    let explanation = explain(&driver, &["other"]);
    assert_snapshot!(told(&explanation.steps[0].explained), @r#"
    step L1 is due, but no live worker serves its handler h
    help: start a worker that serves the handler
    $ tasker worker run
    {"code":"no_worker","handler":"h"}
    "#);
    assert_snapshot!(told(&explanation.summary), @r#"
    step L1 is due, but no live worker serves its handler h
    help: start a worker that serves the handler
    $ tasker worker run
    {"code":"no_worker","handler":"h"}
    "#);
    let unknown = explain_task(&facts(&driver, None));
    assert!(matches!(unknown.steps[0].explained.reason, Reason::WaitingForSlot { .. }));
}

#[test]
fn running() {
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup()).wait(5).claim("L1");
    driver.wait(10);
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 runs on worker 0001 since 2026-01-31T09:00:05.000000Z, execution 2
    help: to stop it
    $ tasker step cancel 7a5c L1
    {"code":"running","worker":"0001","since":"2026-01-31T09:00:05.000000Z","attempt":2}
    "#);
    assert_snapshot!(task(&driver), @r#"
    step L1 runs on worker 0001 since 2026-01-31T09:00:05.000000Z, execution 2
    help: to stop it
    $ tasker step cancel 7a5c L1
    {"code":"running","worker":"0001","since":"2026-01-31T09:00:05.000000Z","attempt":2}
    "#);
}

#[test]
fn not_before() {
    let driver = Driver::submit(linear(1), |s| s.not_before = Some(start().plus_seconds(3600)));
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 is not due before 2026-01-31T10:00:00.000000Z
    {"code":"not_before","until":"2026-01-31T10:00:00.000000Z"}
    "#);
    assert_snapshot!(task(&driver), @r#"
    step L1 is not due before 2026-01-31T10:00:00.000000Z
    {"code":"not_before","until":"2026-01-31T10:00:00.000000Z"}
    "#);
}

#[test]
fn waiting_for_turn() {
    let plan = define(&[("a", &[]), ("b", &[])], |definition| definition.concurrent(false), |step| step);
    let driver = Driver::new(plan);
    assert_snapshot!(step(&driver, "b"), @r#"
    step b waits for its turn behind a: the steps of this task run one at a time
    {"code":"waiting_for_turn","behind":"a"}
    "#);
}

#[test]
fn waiting_for_slot() {
    let mut driver = Driver::new(linear(1));
    driver.wait(90);
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 is due since 2026-01-31T09:00:00.000000Z and waits for a free slot of a worker
    help: start another worker if this lasts
    $ tasker worker run
    {"code":"waiting_for_slot","since":"2026-01-31T09:00:00.000000Z"}
    "#);
    assert_snapshot!(task(&driver), @r#"
    step L1 is due since 2026-01-31T09:00:00.000000Z and waits for a free slot of a worker
    help: start another worker if this lasts
    $ tasker worker run
    {"code":"waiting_for_slot","since":"2026-01-31T09:00:00.000000Z"}
    "#);
}

#[test]
fn exhausted() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1");
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 was executed 3 times of at most 3 and failed: Hiccup: it did not work
    help: allow one more execution
    $ tasker step retry 7a5c L1 --more 1
    {"code":"exhausted","attempts":3,"retry_limit":3,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work"}}
    "#);
    assert_snapshot!(task(&driver), @r#"
    the task ended in error because of step L1: step L1 was executed 3 times of at most 3 and failed: Hiccup: it did not work
    help: remove the cause, then try the failed steps again
    $ tasker task retry 7a5c --more 1
    {"code":"blocked_by_failures","steps":["L1"]}
    "#);
}

#[test]
fn permanent_failure() {
    let mut driver = Driver::new(linear(1));
    driver.fail("L1", refusal());
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 failed and must not be tried again by itself: CardDeclined: the card was declined
    help: remove the cause, then try it again
    $ tasker step retry 7a5c L1
    {"code":"permanent_failure","attempts":1,"retry_limit":3,"error":{"class":"CardDeclined","code":"HTTP_422","message":"the card was declined"}}
    "#);
    let plan = define(&[("L1", &[])], |definition| definition, |step| step.retry_limit(1));
    let mut last = Driver::new(plan);
    last.fail("L1", refusal());
    assert!(step(&last, "L1").contains("L1 --more 1"));
}

#[test]
fn blocked_by_step() {
    let mut driver = Driver::new(linear(3));
    driver.exhaust("L1");
    assert_snapshot!(step(&driver, "L3"), @r#"
    step L3 cannot run: step L1 before it failed: Hiccup: it did not work
    help: remove the cause, then allow that step one more execution
    $ tasker step retry 7a5c L1 --more 1
    {"code":"blocked_by_step","step":"L1","state":"error","error":{"class":"Hiccup","code":"hiccup","message":"it did not work"}}
    "#);
}

#[test]
fn blocked_by_a_cancelled_step() {
    let mut driver = Driver::new(small());
    driver.operate(Action::CancelStep(driver.at("two")));
    assert_snapshot!(step(&driver, "four"), @r#"
    step four can never run: step two before it was cancelled
    help: submit a new task
    {"code":"blocked_by_step","step":"two","state":"cancelled"}
    "#);
}

#[test]
fn cancelled() {
    let mut driver = Driver::new(small());
    driver.operate(Action::CancelStep(driver.at("two")));
    driver.wait(60);
    assert_snapshot!(step(&driver, "two"), @r#"
    step two was cancelled by ann at 2026-01-31T09:00:00.000000Z
    help: submit a new task
    {"code":"cancelled","by":"ann","at":"2026-01-31T09:00:00.000000Z"}
    "#);
    driver.operate(Action::CancelTask { force: false });
    assert_snapshot!(task(&driver), @r#"
    the task was cancelled by ann at 2026-01-31T09:01:00.000000Z
    {"code":"cancelled","by":"ann","at":"2026-01-31T09:01:00.000000Z"}
    "#);
}

#[test]
fn done() {
    let mut driver = Driver::new(linear(2));
    driver.wait(30).complete(&["L1"]);
    driver.operate(Action::ResolveStep { step: driver.at("L2"), results: None });
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 is complete at 2026-01-31T09:00:30.000000Z
    {"code":"done","state":"complete","at":"2026-01-31T09:00:30.000000Z"}
    "#);
    assert_snapshot!(step(&driver, "L2"), @r#"
    step L2 was declared done by hand at 2026-01-31T09:00:30.000000Z
    {"code":"done","state":"resolved_manually","at":"2026-01-31T09:00:30.000000Z"}
    "#);
    assert_snapshot!(task(&driver), @r#"
    the task ended as complete at 2026-01-31T09:00:30.000000Z
    {"code":"task_ended","state":"complete","at":"2026-01-31T09:00:30.000000Z"}
    "#);
    assert!(explain(&driver, &["h"]).steps.is_empty());
}

#[test]
fn blocked_by_failures_names_the_culprits_alone() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[]), ("c", &["a"]), ("d", &["b"])]));
    driver.exhaust("a").operate(Action::CancelStep(crate::ids::Ordinal(1)));
    assert_snapshot!(task(&driver), @r#"
    the task ended in error because of steps a, b: step a was executed 3 times of at most 3 and failed: Hiccup: it did not work
    help: remove the cause, then try the failed steps again
    $ tasker task retry 7a5c --more 1
    {"code":"blocked_by_failures","steps":["a","b"]}
    "#);
}

#[test]
fn task_ended() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    driver.fail("a", hiccup()).claim("b");
    driver.operate(Action::CancelTask { force: false });
    driver.settle("b", Outcome::Success(Payload::null()));
    assert_snapshot!(step(&driver, "a"), @r#"
    step a does not run: its task ended as cancelled at 2026-01-31T09:00:00.000000Z
    {"code":"task_ended","state":"cancelled","at":"2026-01-31T09:00:00.000000Z"}
    "#);
    let mut hopeless = Driver::new(linear(2));
    hopeless.exhaust("L1").operate(Action::CancelTask { force: false });
    assert_snapshot!(step(&hopeless, "L1"), @r#"
    step L1 was executed 3 times of at most 3 and failed: Hiccup: it did not work
    help: submit a new task
    {"code":"exhausted","attempts":3,"retry_limit":3,"error":{"class":"Hiccup","code":"hiccup","message":"it did not work"}}
    "#);
    let mut resolved = Driver::new(linear(1));
    resolved.exhaust("L1").operate(Action::ResolveTask);
    assert_snapshot!(task(&resolved), @r#"
    the task ended as resolved_manually at 2026-01-31T09:20:00.000000Z
    {"code":"task_ended","state":"resolved_manually","at":"2026-01-31T09:20:00.000000Z"}
    "#);
}

#[test]
fn inconsistent() {
    let mut driver = Driver::new(linear(1));
    driver.steps[0].queue = None;
    assert_snapshot!(step(&driver, "L1"), @r#"
    step L1 has rows that contradict each other
    help: check the database
    $ tasker db check
    {"code":"inconsistent"}
    "#);
    assert_snapshot!(task(&driver), @r#"
    the task has rows that contradict each other
    help: check the database
    $ tasker db check
    {"code":"inconsistent"}
    "#);
}

#[test]
fn a_task_is_explained_by_the_step_that_is_nearest_to_moving_it() {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[]), ("c", &[])]));
    let code = |driver: &Driver| {
        serde_json::to_value(explain(driver, &["h"]).summary.reason).unwrap()["code"].clone()
    };
    driver.fail("a", hiccup().after(60));
    assert_eq!(code(&driver), "waiting_for_slot");
    driver.claim("b");
    assert_eq!(code(&driver), "running");
    driver.settle("b", Outcome::Failure(refusal()));
    driver.complete(&["c"]);
    assert_eq!(code(&driver), "backing_off");
}

#[test]
fn a_retried_step_no_longer_blocks_those_after_it() {
    let mut driver = Driver::new(linear(2));
    driver.exhaust("L1");
    driver.operate(Action::RetryTask { steps: Vec::new(), limit: NewLimit::More(1) });
    assert!(step(&driver, "L2").starts_with("step L2 waits for step L1\n"));
}

#[test]
fn an_explanation_is_flat_json() {
    let driver = Driver::new(linear(2));
    assert_snapshot!(serde_json::to_string_pretty(&explain(&driver, &["h"])).unwrap(), @r#"
    {
      "task_id": "00000000-0000-0000-0000-000000007a5c",
      "status": "pending",
      "summary": {
        "code": "waiting_for_slot",
        "since": "2026-01-31T09:00:00.000000Z",
        "message": "step L1 is due since 2026-01-31T09:00:00.000000Z and waits for a free slot of a worker",
        "help": "start another worker if this lasts",
        "command": "tasker worker run"
      },
      "steps": [
        {
          "step_name": "L1",
          "ordinal": 0,
          "current_state": "pending",
          "code": "waiting_for_slot",
          "since": "2026-01-31T09:00:00.000000Z",
          "message": "step L1 is due since 2026-01-31T09:00:00.000000Z and waits for a free slot of a worker",
          "help": "start another worker if this lasts",
          "command": "tasker worker run"
        },
        {
          "step_name": "L2",
          "ordinal": 1,
          "current_state": "pending",
          "code": "waiting_for_steps",
          "steps": [
            "L1"
          ],
          "message": "step L2 waits for step L1"
        }
      ]
    }
    "#);
}

#[test]
fn a_large_task_is_explained_in_one_pass() {
    let names: Vec<String> = (0..3_000).map(|i| format!("s{i}")).collect();
    let parents: Vec<Vec<&str>> =
        (0..3_000_usize).map(|i| (i.saturating_sub(3)..i).map(|p| names[p].as_str()).collect()).collect();
    let steps: Vec<(&str, &[&str])> =
        names.iter().map(String::as_str).zip(parents.iter().map(Vec::as_slice)).collect();
    let plan: Arc<Plan> = plan(&steps);
    let mut driver = Driver::new(plan);
    driver.fail("s0", refusal());
    let explanation = explain(&driver, &["h"]);
    assert_eq!(explanation.steps.len(), 3_000);
    assert!(
        matches!(&explanation.steps[2_999].explained.reason, Reason::BlockedByStep { step, .. } if step.as_str() == "s0")
    );
}
