//! The judge is judged: it finds nothing in a task that went as it must, and everything that is changed in one.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tasker_core::ids::Ordinal;
use tasker_core::payload::Payload;
use tasker_core::record::StepRecord;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use super::*;
use crate::history::{End, LEASE_EXPIRED};
use crate::workflow::Step;

const WELL: Fate = Fate::Succeed(Duration::ZERO);

fn step(name: &str, parents: &[usize], fates: &[Fate]) -> Step {
    Step {
        name: name.to_owned(),
        parents: parents.to_vec(),
        reads: parents.to_vec(),
        limit: 3,
        is_retryable: true,
        is_skippable: false,
        is_bypassed: false,
        timeout_seconds: 2,
        fates: fates.to_vec(),
    }
}

/// A first step that fails twice, one that hangs once, one after both; one that is refused, and one after that.
fn workflow(concurrent: bool) -> Workflow {
    let steps = vec![
        step("a", &[], &[Fate::Fail, Fate::Busy(2), WELL]),
        step("b", &[], &[Fate::Hang, WELL, WELL]),
        step("c", &[0, 1], &[WELL, WELL, WELL]),
        step("d", &[], &[Fate::Refuse, WELL, WELL]),
        step("e", &[3], &[WELL, WELL, WELL]),
    ];
    Workflow { seed: 9, concurrent, steps }
}

/// Everything that is known of a task that went as it must: one execution after the other, ten seconds apart.
fn went_well(concurrent: bool, excused: &[(usize, usize)]) -> Case {
    let workflow = workflow(concurrent);
    let expected = Expectation::of(&workflow, &excused.iter().copied().collect());
    let id = TaskId(Uuid::from_u128(7));
    let mut case = Case {
        id,
        kept: Some((expected.state, kept(&expected))),
        attempts: Vec::new(),
        executions: Vec::new(),
        workflow: Arc::new(workflow),
    };
    let (start, mut seconds) = (Instant::now(), 0);
    for (place, step) in expected.steps.iter().enumerate() {
        for (number, end) in (1..).zip(&step.attempts) {
            seconds += 10;
            let name = case.workflow.steps[place].name.clone();
            let came = start + Duration::from_secs(seconds);
            case.attempts.push(attempt(id, &name, number, seconds, *end));
            case.executions.push(Execution {
                task: 1,
                key: format!("{id}/{name}"),
                step: name,
                attempt: number,
                inputs: step.inputs.clone().unwrap(),
                came,
                came_at: SystemTime::UNIX_EPOCH,
                answered: (*end != ExpectedEnd::Fate(Fate::Hang)).then_some(came + Duration::from_millis(5)),
            });
        }
    }
    case
}

fn kept(expected: &Expectation) -> Vec<StepDetail> {
    let detail = |(place, step): (usize, &ExpectedStep)| {
        let mut record = StepRecord::new(Ordinal(place as u32), 0, 3, true, Timestamp::default());
        (record.state, record.attempts) = (step.state, step.attempts.len() as u32);
        let answer = step.result.as_ref().map(|body| json!({ "status": 200, "headers": {}, "body": body }));
        let results = answer.map(|answer| Payload::from_stored(answer.to_string()));
        StepDetail { record, inputs: None, results, error: None, queue: None }
    };
    expected.steps.iter().enumerate().map(detail).collect()
}

fn attempt(task: TaskId, step: &str, number: usize, began: u64, end: ExpectedEnd) -> Attempt {
    let end = match end {
        ExpectedEnd::Fate(Fate::Succeed(_)) => End::Complete,
        ExpectedEnd::Fate(fate) => End::Failed(fate.codes()[0].to_owned(), fate.wait()),
        ExpectedEnd::Excused => End::Failed(LEASE_EXPIRED.to_owned(), Duration::ZERO),
    };
    let began = Timestamp::default().plus(Duration::from_secs(began));
    let ended = began.plus(Duration::from_secs(2));
    Attempt { task, step: step.to_owned(), number, worker: "worker:1".into(), began, ended, end }
}

fn allowance(victims: &[&str]) -> Allowance {
    Allowance {
        names: [("worker:1".to_owned(), "node-1".to_owned())].into(),
        victims: victims.iter().map(|name| (*name).to_owned()).collect(),
        has_steady_clock: true,
    }
}

fn found(case: &Case) -> Vec<(Kind, String)> {
    let findings = Verdict::on(case, &allowance(&[])).findings;
    findings.into_iter().map(|finding| (finding.kind, finding.message)).collect()
}

/// Changes a task that went well; the first finding must be of this kind and say this.
#[track_caller]
fn check(change: impl FnOnce(&mut Case), kind: Kind, said: &str) {
    let mut case = went_well(true, &[]);
    change(&mut case);
    let found = found(&case);
    let first = found.first().unwrap_or_else(|| panic!("nothing was found of: {said}"));
    assert!(first.0 == kind && first.1.contains(said), "{found:?}");
}

fn execution<'a>(case: &'a mut Case, step: &str, number: usize) -> &'a mut Execution {
    case.executions.iter_mut().find(|e| e.step == step && e.attempt == number).unwrap()
}

#[test]
fn nothing_is_found_in_what_went_as_it_must() {
    for concurrent in [true, false] {
        assert_eq!(found(&went_well(concurrent, &[])), []);
    }
}

#[test]
fn what_is_lost_is_found() {
    check(|case| case.kept = None, Kind::Lost, "is not there");
    check(|case| case.kept.as_mut().unwrap().0 = TaskState::InProgress, Kind::Lost, "it is in_progress");
    check(|case| drop(case.kept.as_mut().unwrap().1.pop()), Kind::Lost, "4 steps are kept of 5");
    check(|case| case.executions.retain(|e| e.step != "c"), Kind::Lost, "execution 1 of step c");
}

#[test]
fn what_is_done_again_is_found() {
    let again = |case: &mut Case, number: usize| {
        let again = Execution { attempt: number, ..case.executions.last().unwrap().clone() };
        case.executions.push(again);
    };
    check(|case| again(case, 1), Kind::Doubled, "execution 1 of step d was 2 times");
    check(|case| again(case, 2), Kind::Doubled, "execution 2 of step d was one too many");
}

#[test]
fn what_is_told_otherwise_is_found() {
    let last_of = |case: &mut Case, step: &str| case.attempts.iter().rposition(|a| a.step == step).unwrap();
    check(|case| drop(case.attempts.remove(0)), Kind::Wrong, "executions of step a");
    check(
        |case| {
            let last = last_of(case, "c");
            case.attempts[last].end = End::Failed("HTTP_500".into(), Duration::ZERO);
        },
        Kind::Wrong,
        "executions of step c",
    );
    check(|case| case.kept.as_mut().unwrap().1[0].record.attempts = 2, Kind::Wrong, "step a is kept as");
    check(
        |case| case.kept.as_mut().unwrap().1[2].results = Some(Payload::from_stored(r#"{"body":1}"#)),
        Kind::Wrong,
        "step c is kept as",
    );
}

#[test]
fn wrong_inputs_keys_and_settlements_without_an_answer_are_found() {
    let given = |case: &mut Case| execution(case, "c", 1).inputs.insert("a".into(), Value::Null);
    check(|case| drop(given(case)), Kind::Wrong, "execution 1 of step c was given");
    check(|case| execution(case, "c", 1).key.push('x'), Kind::Wrong, "had the key");
    check(|case| execution(case, "c", 1).answered = None, Kind::Wrong, "was not answered");
}

#[test]
fn a_wrong_order_and_waits_that_are_too_short_are_found() {
    let early = |case: &mut Case, step: &str, number: usize, by: Duration| {
        execution(case, step, number).came -= by;
    };
    let seconds = Duration::from_secs;
    check(|case| early(case, "c", 1, seconds(11)), Kind::Wrong, "before its parent b was done");
    check(
        |case| early(case, "a", 3, Duration::from_millis(8_500)),
        Kind::Wrong,
        "execution 3 of step a came",
    );
    check(
        |case| early(case, "b", 2, Duration::from_millis(9_500)),
        Kind::Wrong,
        "execution 2 of step b came",
    );
    let mut case = went_well(false, &[]);
    early(&mut case, "b", 1, seconds(15));
    let found = found(&case);
    assert!(found.iter().any(|(_, said)| said.contains("beside a, not after it")), "{found:?}");
}

#[test]
fn limits_that_are_not_kept_and_turns_that_are_not_taken_are_found_in_the_log() {
    let place = |case: &Case, step: &str| case.attempts.iter().position(|a| a.step == step).unwrap();
    check(
        |case| {
            let hung = place(case, "b");
            case.attempts[hung].ended = case.attempts[hung].began.plus(Duration::from_secs(1));
        },
        Kind::Wrong,
        "the time of execution 1 of step b was up after 1s",
    );
    let mut case = went_well(false, &[]);
    let early = place(&case, "c");
    case.attempts[early].began = case.attempts[early - 1].began;
    let found = found(&case);
    assert!(found.iter().any(|(_, said)| said.contains("step c was claimed while b ran")), "{found:?}");
}

#[test]
fn executions_may_be_lost_with_a_victim_and_with_nobody_else() {
    let lost = went_well(true, &[(2, 1)]);
    let verdict = Verdict::on(&lost, &allowance(&["node-1"]));
    assert_eq!((verdict.findings, verdict.excused), (vec![], vec![("c".to_owned(), 1)]));
    let found = found(&lost);
    assert!(found.len() == 1 && found[0].1.contains("was taken from node-1, which lives"), "{found:?}");
    let mut never_begun = went_well(true, &[(2, 1)]);
    never_begun.executions.retain(|e| (e.step.as_str(), e.attempt) != ("c", 1));
    assert_eq!(Verdict::on(&never_begun, &allowance(&["node-1"])).findings, []);
}

#[test]
fn time_may_be_up_only_if_it_was() {
    let with_timeout = |lasted: u64| {
        let mut case = went_well(true, &[(2, 1)]);
        let attempt = case.attempts.iter_mut().find(|a| a.step == "c").unwrap();
        attempt.end = End::Failed("step_timeout".into(), Duration::from_secs(1));
        attempt.ended = attempt.began.plus(Duration::from_secs(lasted));
        found(&case)
    };
    assert_eq!(with_timeout(2), []);
    assert!(with_timeout(1)[0].1.contains("executions of step c"));
}
