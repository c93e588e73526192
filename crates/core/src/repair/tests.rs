//! Each kind of damage, mended in a task that was in order, or left with a reason.

use super::*;
use crate::decide::Action;
use crate::driver::{Driver, complete, define, failed, plan, refusal, running, worker};
use crate::ids::Fence;
use crate::outcome::Outcome;
use crate::record::Change;
use crate::state::{StepState, TaskState};

/// Workers that are not known to be gone.
fn nobody() -> BTreeSet<WorkerId> {
    BTreeSet::new()
}

fn one() -> BTreeSet<WorkerId> {
    BTreeSet::from([worker(1)])
}

/// Repairs the task as a store would, and gives what was done and what is left, a line each.
fn mend(driver: &mut Driver, live: &BTreeSet<WorkerId>) -> (Vec<String>, Vec<String>) {
    let repair = plan_of(driver, live);
    for ordinal in &repair.cleared {
        driver.steps[ordinal.index()].queue = None;
    }
    let line = |code: Code, step: &Option<StepName>, text: &str| {
        format!("{code}{}: {text}", step.as_ref().map(|step| format!(" {step}")).unwrap_or_default())
    };
    let mended = repair.mended.iter().map(|m| line(m.code, &m.step, &m.message)).collect();
    let left: Vec<String> =
        repair.left.iter().map(|l| line(l.finding.code, &l.finding.step, &l.why)).collect();
    driver.take_over(repair.change, left.is_empty());
    (mended, left)
}

fn plan_of(driver: &Driver, live: &BTreeSet<WorkerId>) -> Repair {
    let stored = Stored {
        plan: &driver.plan,
        task: &driver.task,
        steps: &driver.steps,
        strays: &[],
        other_handlers: &BTreeSet::new(),
        log: &driver.log,
        live,
    };
    repair(&stored, driver.now)
}

/// Damages a task, mends it, and expects these lines and the rows as they were.
fn check(driver: Driver, damage: impl FnOnce(&mut Driver), expected: &[&str]) {
    let mut damaged = driver.clone();
    damage(&mut damaged);
    let (mended, left) = mend(&mut damaged, &nobody());
    assert_eq!((mended, left), (expected.iter().map(|line| (*line).to_owned()).collect(), vec![]));
    assert_eq!(damaged.picture(), driver.picture());
    assert_eq!(damaged.log, driver.log);
    assert_eq!(plan_of(&damaged, &nobody()).mended, [], "nothing is mended twice");
}

/// Damages a task and expects that nothing is changed, for these reasons.
fn check_left(
    mut driver: Driver,
    live: &BTreeSet<WorkerId>,
    damage: impl FnOnce(&mut Driver),
    expected: &[&str],
) {
    damage(&mut driver);
    let repair = plan_of(&driver, live);
    let left: Vec<String> =
        repair.left.iter().map(|left| format!("{}: {}", left.finding.code, left.why)).collect();
    assert_eq!(left, expected);
    assert_eq!((repair.mended, repair.cleared, repair.change.task), (vec![], BTreeSet::new(), None));
}

fn turns() -> Driver {
    Driver::new(define(&[("a", &[]), ("b", &[])], |d| d.concurrent(false), |step| step))
}

#[test]
fn a_task_in_order_is_left_alone() {
    for driver in [running(), complete(), failed(), turns()] {
        let repair = plan_of(&driver, &one());
        assert_eq!((repair.mended, repair.left, repair.change.task), (vec![], vec![], None));
        assert!(
            repair.cleared.is_empty() && repair.change.steps.is_empty() && repair.change.queue.is_empty()
        );
    }
}

#[test]
fn counters_are_counted_anew() {
    check(running(), |d| d.task.active = 7, &["active_count: active 7 becomes 2"]);
    check(running(), |d| d.task.remaining = 0, &["remaining_count: remaining 0 becomes 4"]);
    check(running(), |d| d.task.log_seq = 99, &["log_length: log_seq 99 becomes 7"]);
    check(running(), |d| d.steps[3].record.waits = 0, &["waits_count four: waits 0 becomes 1"]);
    check(running(), |d| d.steps[1].record.attempts = 3, &["attempts_count two: attempts 3 becomes 1"]);
    check(failed(), |d| d.steps[0].record.fence = Fence(4), &["fence_count a: fence 4 becomes 1"]);
}

#[test]
fn limits_leave_room_for_what_was_executed() {
    let mut driver = running();
    driver.steps[0].record.retry_limit = 0;
    driver.steps[1].record.retry_limit = 0;
    let (mended, left) = mend(&mut driver, &nobody());
    let expected = [
        "attempts_above_limit one: retry_limit 0 becomes 1",
        "attempts_above_limit two: retry_limit 0 becomes 1",
    ];
    assert_eq!((mended, left), (expected.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn times_are_taken_from_the_log() {
    check(complete(), |d| d.task.ended_at = None, &["ended_at: ended_at is set"]);
    check(running(), |d| d.task.ended_at = Some(d.now), &["ended_at: ended_at is taken away"]);
    let mut driver = complete();
    let (ended_at, processed_at) = (driver.task.ended_at, driver.step("L1").record.processed_at);
    driver.wait(60);
    driver.task.ended_at = None;
    driver.steps[0].record.processed_at = None;
    mend(&mut driver, &nobody());
    assert_eq!((driver.task.ended_at, driver.step("L1").record.processed_at), (ended_at, processed_at));
    let updated = |d: &mut Driver| d.task.updated_at = d.now.plus_seconds(-9);
    check(running(), updated, &["log_time: updated_at becomes 2026-01-31T09:00:00.000000Z"]);
}

#[test]
fn rows_that_are_missing_are_written() {
    let without = |step: usize| {
        move |d: &mut Driver| {
            d.steps[step].queue = None;
        }
    };
    check(running(), without(0), &["row_missing one: the step is scheduled for 2026-01-31T09:00:00.000000Z"]);
    let holder = "the queue row is given back to worker 00000000-0000-0000-0000-000000000001";
    check(running(), without(1), &[&format!("row_missing two: {holder}")]);
    check(failed(), without(0), &["row_missing a: the step is scheduled for 2026-01-31T09:00:01.000000Z"]);
    check(turns(), without(0), &["turns a: the step is scheduled for 2026-01-31T09:00:00.000000Z"]);
}

#[test]
fn rows_that_nobody_wants_are_deleted() {
    let copy = |from: usize, to: usize| {
        move |d: &mut Driver| {
            let row = d.steps[from].queue.clone().unwrap();
            d.steps[to].queue = Some(QueueRow { ordinal: Ordinal(to as u32), ..row });
            d.task.active += 1;
        }
    };
    check(running(), copy(0, 3), &["row_unwanted four: the queue row is deleted"]);
    check(turns(), copy(0, 1), &["turns b: the queue row is deleted"]);
    let surplus = |d: &mut Driver| {
        d.steps[0].queue = running().steps[0].queue.clone();
        d.task.active += 1;
    };
    check(complete(), surplus, &["row_of_ended_task L1: the queue row is deleted"]);
}

#[test]
fn rows_follow_their_steps_and_tasks() {
    let row = |step: usize, change: fn(&mut QueueRow)| {
        move |d: &mut Driver| change(d.steps[step].queue.as_mut().unwrap())
    };
    check(
        running(),
        row(0, |row| row.fence = Fence(5)),
        &["row_fence one: the queue row's fence 5 becomes 0"],
    );
    check(
        running(),
        row(1, |row| row.fence = Fence(5)),
        &["row_fence two: the queue row's fence 5 becomes 1"],
    );
    check(running(), row(0, |row| row.worker = Some(worker(9))), &["row_claim one: the queue row is freed"]);
    let holder = "the queue row is given back to worker 00000000-0000-0000-0000-000000000001";
    check(running(), row(1, |row| row.worker = None), &[&format!("row_claim two: {holder}")]);
    check(
        running(),
        row(1, |row| row.ordinal = Ordinal(2)),
        &["row_step two: the queue row's step 2 becomes 1"],
    );
    let priority = |d: &mut Driver| {
        d.steps[0].queue.as_mut().unwrap().priority = crate::definition::Priority::new(9).unwrap()
    };
    check(running(), priority, &["row_priority one: the queue row's priority 9 becomes 5"]);
}

#[test]
fn a_row_that_names_another_handler_is_written_anew() {
    let driver = running();
    let other = BTreeSet::from([Ordinal(0)]);
    let stored = Stored {
        plan: &driver.plan,
        task: &driver.task,
        steps: &driver.steps,
        strays: &[],
        other_handlers: &other,
        log: &driver.log,
        live: &nobody(),
    };
    let repair = repair(&stored, driver.now);
    assert_eq!(repair.cleared, other);
    assert_eq!(repair.change.queue, [QueueChange::Insert(driver.steps[0].queue.clone().unwrap())]);
    assert_eq!((repair.mended[0].code, repair.left), (Code::RowHandler, vec![]));
}

#[test]
fn rows_without_a_step_are_deleted_unless_a_live_worker_holds_them() {
    let driver = running();
    let stray = |ordinal, worker| QueueRow {
        ordinal: Ordinal(ordinal),
        worker,
        ..driver.steps[0].queue.clone().unwrap()
    };
    let strays = [stray(77, None), stray(78, Some(worker(1)))];
    let stored = Stored {
        plan: &driver.plan,
        task: &driver.task,
        steps: &driver.steps,
        strays: &strays,
        other_handlers: &BTreeSet::new(),
        log: &driver.log,
        live: &one(),
    };
    let repair = repair(&stored, driver.now);
    assert_eq!((repair.cleared, repair.change.task), (BTreeSet::from([Ordinal(77)]), None));
    assert_eq!((repair.left.len(), repair.left[0].finding.code), (1, Code::OrphanQueueRow));
}

#[test]
fn a_live_worker_keeps_its_row() {
    let busy = "worker 00000000-0000-0000-0000-000000000001 holds the row and is not known to be gone; repair again when it is done";
    let fence = |d: &mut Driver| d.steps[1].queue.as_mut().unwrap().fence = Fence(5);
    check_left(running(), &one(), fence, &[&format!("row_fence: {busy}")]);
    let claimed = |d: &mut Driver| d.steps[0].queue.as_mut().unwrap().worker = Some(worker(1));
    check_left(running(), &one(), claimed, &[&format!("row_claim: {busy}")]);
    let both = |d: &mut Driver| {
        d.steps[1].queue.as_mut().unwrap().fence = Fence(5);
        d.steps[1].record.fence = Fence(5);
    };
    check_left(running(), &one(), both, &[&format!("fence_count: {busy}")]);
    // Its row keeps what it answers with; the rest of it is mended.
    let mut driver = running();
    driver.steps[1].queue.as_mut().unwrap().priority = crate::definition::Priority::new(9).unwrap();
    let before = driver.step("two").queue.clone().unwrap();
    assert_eq!(mend(&mut driver, &one()).1, [""; 0]);
    let after = driver.step("two").queue.clone().unwrap();
    assert_eq!((after.worker, after.fence, after.run_at), (before.worker, before.fence, before.run_at));
}

#[test]
fn a_task_with_nothing_to_do_ends_as_the_rules_say() {
    let mut stuck = Driver::new(plan(&[("a", &[]), ("b", &["a"])]));
    stuck.fail("a", refusal());
    assert_eq!(stuck.task.state, TaskState::Error);
    // As if the settlement had not noticed that nothing was left.
    let end = stuck.log.pop().unwrap();
    stuck.task.log_seq -= 1;
    (stuck.task.state, stuck.task.ended_at) = (TaskState::InProgress, None);
    let (mended, left) = mend(&mut stuck, &nobody());
    assert_eq!(
        (mended, left),
        (vec!["nothing_queued: the task in_progress becomes error".to_owned()], vec![])
    );
    assert_eq!(stuck.task.state, TaskState::Error);
    let entry = stuck.log.last().unwrap();
    assert_eq!((entry.seq, entry.change, entry.actor.as_str()), (end.seq, end.change, "repair"));
    assert_eq!(entry.metadata, end.metadata);
}

#[test]
fn a_task_whose_rows_are_gone_goes_on() {
    let mut driver = running();
    driver.steps.iter_mut().for_each(|detail| detail.queue = None);
    driver.task.active = 0;
    assert_eq!(mend(&mut driver, &nobody()).1, [""; 0]);
    driver.settle("two", Outcome::Success(crate::payload::Payload::null()));
    driver.complete(&["one", "three", "four"]);
    assert_eq!(driver.task.state, TaskState::Complete);
}

#[test]
fn a_task_that_was_cancelled_gets_the_rows_of_running_steps_back() {
    let mut driver = running();
    driver.operate(Action::CancelTask { force: false });
    let lost = |d: &mut Driver| {
        d.steps[1].queue = None;
        d.task.active = 0;
    };
    let holder = "the queue row is given back to worker 00000000-0000-0000-0000-000000000001";
    check(driver, lost, &[&format!("row_missing two: {holder}")]);
}

#[test]
fn contradictions_in_the_ground_are_left_to_people() {
    let state = |d: &mut Driver| d.steps[2].record.state = StepState::Cancelled;
    check_left(running(), &nobody(), state, &[&format!("log_state: {}", Code::LogState.mend())]);
    let missing = |d: &mut Driver| {
        d.steps.remove(3);
        d.task.active = 9;
    };
    let expected = [
        format!("step_missing: {}", Code::StepMissing.mend()),
        "active_count: it follows from what is in doubt: log_unknown_step, step_missing".into(),
        "remaining_count: it follows from what is in doubt: log_unknown_step, step_missing".into(),
        format!("log_unknown_step: {}", Code::LogUnknownStep.mend()),
    ];
    check_left(running(), &nobody(), missing, &expected.each_ref().map(String::as_str));
}

#[test]
fn a_damaged_log_is_never_changed_and_not_relied_on() {
    let gap = |d: &mut Driver| {
        d.log.remove(2);
        d.steps[1].record.attempts = 2;
        d.task.active = 9;
    };
    let mut driver = running();
    gap(&mut driver);
    let repair = plan_of(&driver, &nobody());
    let mended: Vec<Code> = repair.mended.iter().map(|mended| mended.code).collect();
    assert_eq!(mended, [Code::ActiveCount], "what does not need the log is mended");
    assert!(repair.left.iter().any(|left| left.finding.code == Code::AttemptsCount));
    assert!(repair.change.log.is_empty());
}

#[test]
fn entries_lost_at_the_end_are_no_wrong_counter() {
    let mut driver = running();
    driver.give_back("two");
    let lost = |d: &mut Driver| d.log.truncate(d.log.len() - 2);
    let doubt = "it follows from what is in doubt: log_length";
    let expected = ["log_length", "fence_count"].map(|code| format!("{code}: {doubt}"));
    check_left(driver, &nobody(), lost, &expected.each_ref().map(String::as_str));
}

#[test]
fn a_running_step_whose_worker_nobody_knows_is_left() {
    let anonymous = |d: &mut Driver| {
        d.steps[1].queue.as_mut().unwrap().worker = None;
        let claim = d.log.iter_mut().rev().find(|entry| matches!(entry.change, Change::Step { .. })).unwrap();
        claim.actor = "somebody".into();
    };
    let why = "row_claim: the log does not name the worker that runs the step; cancel the step";
    check_left(running(), &nobody(), anonymous, &[why]);
}

/// Damage that leaves the states alone.
const DAMAGES: &[fn(&mut Driver)] = &[
    |d| d.task.active += 1,
    |d| d.task.remaining = 0,
    |d| d.task.log_seq += 3,
    |d| d.task.ended_at = d.task.ended_at.xor(Some(d.now)),
    |d| d.task.updated_at = d.now.plus_seconds(-50),
    |d| d.steps[1].record.waits += 1,
    |d| d.steps[0].record.attempts = 0,
    |d| d.steps[1].record.attempts += 2,
    |d| d.steps[1].record.fence = Fence(7),
    |d| d.steps[0].record.retry_limit = 0,
    |d| d.steps[0].record.processed_at = None,
    |d| d.steps[0].queue = None,
    |d| d.steps[1].queue = None,
    |d| d.steps[1].queue.iter_mut().for_each(|row| row.worker = None),
    |d| d.steps[0].queue.iter_mut().for_each(|row| row.worker = Some(worker(1))),
    |d| d.steps.iter_mut().filter_map(|step| step.queue.as_mut()).for_each(|row| row.fence = Fence(3)),
    |d| d.steps[0].queue = d.steps[1].queue.clone(),
    // Other damage may have left no second entry.
    |d| {
        if d.log.len() > 1 {
            d.log.remove(1);
        }
    },
    |d| drop(d.log.pop()),
];

proptest::proptest! {
    /// However the rows contradict one another: what is mended stays mended, states change only to end a task, nothing is
    /// found that was not found or does not follow from it, and everything that is left has a reason.
    #[test]
    fn a_repair_is_safe_whatever_is_damaged(
        shape in 0..4_usize,
        damages in proptest::collection::vec(0..DAMAGES.len(), 1..5),
        is_live in proptest::bool::ANY,
    ) {
        let cancelled = || {
            let mut driver = running();
            driver.operate(Action::CancelTask { force: false });
            driver
        };
        let mut driver = [running, failed, turns, cancelled][shape]();
        damages.iter().for_each(|damage| DAMAGES[*damage](&mut driver));
        let live = if is_live { one() } else { nobody() };
        let before = driver.clone();
        let left = mend(&mut driver, &live).1;
        assert!(left.iter().all(|line| !line.ends_with(": ")), "{left:?}");
        let again = plan_of(&driver, &live);
        assert_eq!(again.mended, []);
        assert_eq!(again.left.len(), left.len());
        assert!(driver.log.starts_with(&before.log));
        assert!(driver.task.state == before.task.state || before.task.state.is_open());
        let states = |d: &Driver| d.steps.iter().map(|step| step.record.state).collect::<Vec<_>>();
        assert_eq!(states(&driver), states(&before));
        for (after, before) in driver.steps.iter().zip(&before.steps) {
            let row = before.queue.as_ref().filter(|row| row.worker.is_some_and(|id| live.contains(&id)));
            let kept = row.is_none_or(|row| {
                after.queue.as_ref().is_some_and(|after| (after.worker, after.fence) == (row.worker, row.fence))
            });
            assert!(kept, "a live worker's row is taken: {row:?}");
        }
    }
}
