//! What operators do.

use tasker_core::decide::{Action, Answer, Input, NewLimit};
use tasker_core::graph::shapes;
use tasker_core::ids::Ordinal;
use tasker_core::payload::Payload;
use tasker_core::record::Annotation;
use tasker_core::state::{StepState, TaskState};

use crate::StoreUnderTest;
use crate::definitions::{plan, plan_of, plan_with};
use crate::driver::{Driver, at, success};

fn retry(step: Ordinal, limit: NewLimit) -> Action {
    Action::RetryStep { step, limit, new_idempotency_key: false }
}

/// A task of one step that is used up.
async fn exhausted(d: &Driver) -> tasker_core::ids::TaskId {
    let id = d.start(&plan_with("order", &[("a", &[]), ("b", &["a"])], |x| x.steps[0].retry_limit = 1)).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    assert_eq!(d.state(id).await, TaskState::Error);
    id
}

pub async fn who_did_what_and_why_is_logged(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    d.clock.advance_seconds(9);
    assert_eq!(d.operate(id, Action::CancelTask { force: false }).await, Answer::Done);
    let log = d.log(id).await;
    for entry in &log[2..] {
        assert_eq!((entry.actor.as_str(), entry.at), ("ops", d.clock.now()));
        assert_eq!(entry.metadata.as_deref(), Some(r#"{"triggered_by":"ops","reason":"because"}"#));
    }
    assert_eq!(log.len(), 4);
}

pub async fn an_unknown_task_is_not_found(store: StoreUnderTest) {
    let d = Driver::new(store);
    let unknown = crate::driver::task_id(7);
    for action in [
        Action::CancelTask { force: false },
        Action::ResolveTask,
        Action::EditTask { reason: None, tags: None },
    ] {
        assert_eq!(d.refused(unknown, action).await.code, "not_found");
    }
}

pub async fn retrying_an_exhausted_step_needs_a_higher_limit(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = exhausted(&d).await;
    let before = d.log(id).await;
    for limit in [NewLimit::Keep, NewLimit::Set(1), NewLimit::More(0)] {
        let rejection = d.refused(id, retry(Ordinal(0), limit)).await;
        assert_eq!(rejection.code, "retry_limit_reached");
        let help = format!("allow one more execution: tasker step retry {id} a --more 1");
        assert_eq!(rejection.help.as_deref(), Some(help.as_str()));
    }
    assert_eq!(d.log(id).await, before);
    assert_eq!(d.operate(id, retry(Ordinal(0), NewLimit::More(1))).await, Answer::Done);
    assert_eq!(d.summary(id).await, "pending: a pending, b pending");
    let record = d.step(id, "a").await.record;
    assert_eq!((record.attempts, record.retry_limit, record.retryable), (1, 2, true));
    assert_eq!(d.drive(|_, _| success("1")).await, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(d.state(id).await, TaskState::Complete);
    d.assert_sound().await;
}

pub async fn a_waiting_step_can_be_made_due_at_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    assert_eq!(d.queued(id).await, [("a".to_owned(), 1)]);
    let new_key = Action::RetryStep { step: Ordinal(0), limit: NewLimit::Keep, new_idempotency_key: true };
    assert_eq!(d.operate(id, new_key).await, Answer::Done);
    assert_eq!(d.queued(id).await, [("a".to_owned(), 0)]);
    assert_eq!(d.record(id).await.active, 1);
    let claim = d.claim_one("a").await;
    assert_eq!((claim.attempt, claim.key_generation), (2, 1));
    d.assert_sound().await;
}

pub async fn retrying_a_task_retries_what_can_be_retried(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("used_up", &[]), ("refused", &[]), ("fine", &[])];
    let id = d.start(&plan_with("order", steps, |x| x.steps[0].retry_limit = 1)).await;
    assert_eq!(
        d.operate(id, Action::RetryTask { steps: vec![], limit: NewLimit::Keep }).await,
        Answer::Unchanged
    );
    let claims = d.claim_exactly(&["used_up", "refused", "fine"]).await;
    d.fail(&claims[0]).await;
    d.fail_for_good(&claims[1]).await;
    d.succeed(&claims[2]).await;
    assert_eq!(d.state(id).await, TaskState::Error);
    let only = |step| Action::RetryTask { steps: vec![Ordinal(step)], limit: NewLimit::Keep };
    assert_eq!(d.refused(id, only(0)).await.code, "retry_limit_reached");
    let nothing = d.refused(id, only(2)).await;
    assert_eq!(nothing.code, "nothing_to_retry");
    assert!(nothing.message.contains("used_up, refused"), "{}", nothing.message);
    assert_eq!(d.operate(id, Action::RetryTask { steps: vec![], limit: NewLimit::Keep }).await, Answer::Done);
    assert_eq!(d.summary(id).await, "pending: used_up error, refused pending, fine complete");
    assert_eq!(d.queued(id).await, [("refused".to_owned(), 0)]);
    let claim = d.claim_one("refused").await;
    d.succeed(&claim).await;
    assert_eq!(d.state(id).await, TaskState::Error, "one step is used up still");
    d.assert_sound().await;
}

pub async fn resolving_the_last_step_completes_the_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_with("order", &[("a", &[])], |x| x.steps[0].retry_limit = 1)).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    let results = Payload::from_stored(r#"{"by":"hand"}"#);
    let resolve = Action::ResolveStep { step: Ordinal(0), results: Some(results.clone()) };
    let applied = d
        .apply(
            vec![(
                id,
                Input::Operate { action: resolve.clone(), actor: "ops".into(), reason: None, expected: None },
            )],
            None,
        )
        .await;
    assert_eq!(applied.answers, [Answer::Done]);
    assert_eq!(d.summary(id).await, "complete: a resolved_manually");
    let step = d.step(id, "a").await;
    assert_eq!((step.results, step.record.processed_at), (Some(results), Some(d.clock.now())));
    assert_eq!(
        d.history(id).await[5..],
        ["task error", "task pending", "a resolved_manually", "task in_progress", "task complete"]
    );
    assert_eq!(d.refused(id, resolve).await.code, "invalid_state_transition");
    d.assert_sound().await;
}

pub async fn resolving_a_pending_step_lets_its_dependents_run(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("order", &shapes::small());
    let id = d.start(&plan).await;
    let step = at(&plan, "three");
    assert_eq!(d.operate(id, Action::ResolveStep { step, results: None }).await, Answer::Done);
    assert_eq!(d.queued(id).await.len(), 3, "one, two and four");
    assert_eq!(d.record(id).await.remaining, 3);
    let claims = d.claim_exactly(&["one", "two", "four"]).await;
    let running = Action::ResolveStep { step: at(&plan, "two"), results: None };
    assert_eq!(d.refused(id, running).await.code, "invalid_state_transition");
    for claim in &claims {
        d.succeed(claim).await;
    }
    assert_eq!(d.state(id).await, TaskState::Complete);
    d.assert_sound().await;
}

pub async fn a_cancelled_step_blocks_what_depends_on_it(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &[])]);
    let id = d.start(&plan).await;
    let claims = d.claim_exactly(&["a", "c"]).await;
    assert_eq!(d.operate(id, Action::CancelStep(at(&plan, "a"))).await, Answer::Done);
    assert_eq!(d.succeed(&claims[0]).await, Answer::Stale, "its outcome does not count any more");
    d.succeed(&claims[1]).await;
    assert_eq!(d.summary(id).await, "error: a cancelled, b pending, c complete");
    assert_eq!(d.operate(id, Action::CancelStep(at(&plan, "a"))).await, Answer::Unchanged);
    assert_eq!(d.refused(id, Action::CancelStep(at(&plan, "c"))).await.code, "invalid_state_transition");
    let resolve = Action::ResolveStep { step: at(&plan, "a"), results: None };
    assert_eq!(d.refused(id, resolve).await.code, "invalid_state_transition", "cancelled is the end");
    d.assert_sound().await;
}

pub async fn the_queue_follows_the_retry_limit(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("open", &[])]);
    let id = d.start(&plan).await;
    let claims = d.claim_exactly(&["a", "open"]).await;
    d.fail(&claims[0]).await;
    let limit = |limit| Action::EditStep { step: Ordinal(0), retry_limit: Some(limit), inputs: None };
    assert_eq!(d.operate(id, limit(1)).await, Answer::Done);
    assert_eq!(d.queued(id).await, [("open".to_owned(), 0)]);
    d.assert_sound().await;
    assert_eq!(d.operate(id, limit(4)).await, Answer::Done);
    assert_eq!(d.record(id).await.active, 2);
    assert_eq!(d.step(id, "a").await.record.retry_limit, 4);
    d.assert_sound().await;
    d.clock.advance_seconds(1);
    d.claim_one("a").await;
}

pub async fn what_cannot_be_edited(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let edit = |retry_limit| Action::EditStep { step: Ordinal(0), retry_limit, inputs: None };
    assert_eq!(d.refused(id, edit(Some(0))).await.code, "out_of_range");
    assert_eq!(d.operate(id, edit(None)).await, Answer::Unchanged);
    assert_eq!(d.operate(id, Action::EditTask { reason: None, tags: None }).await, Answer::Unchanged);
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    assert_eq!(d.refused(id, edit(Some(5))).await.code, "invalid_state_transition");
    assert_eq!(d.step(id, "a").await.record.retry_limit, 3);
}

pub async fn annotations_by_hand_are_kept_in_any_state(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let note = |kind: &str, text| Annotation { kind: kind.into(), value: Payload::from_stored(text) };
    let notes = [note("refund", r#"{"amount":7}"#), note("call", "\"back\""), note("refund", "[]")];
    let before = d.log(id).await;
    for one in &notes[..2] {
        let version = d.record(id).await.version();
        assert_eq!(d.operate(id, Action::Annotate(one.clone())).await, Answer::Done);
        assert!(d.record(id).await.version() > version);
    }
    assert_eq!(d.log(id).await, before, "no state has changed");
    d.operate(id, Action::CancelTask { force: false }).await;
    assert_eq!(d.operate(id, Action::Annotate(notes[2].clone())).await, Answer::Done);
    let detail = d.store.task(id).await.expect("read").expect("exists");
    assert_eq!(detail.annotations, notes);
    assert_eq!(d.store.annotation_types().await.expect("read"), ["call", "refund"]);
    d.assert_sound().await;
}

pub async fn nothing_of_an_ended_task_can_be_reopened(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = exhausted(&d).await;
    assert_eq!(d.operate(id, Action::ResolveTask).await, Answer::Done);
    assert_eq!(d.summary(id).await, "resolved_manually: a error, b pending");
    let actions = [
        retry(Ordinal(0), NewLimit::More(1)),
        Action::ResolveStep { step: Ordinal(0), results: None },
        Action::RetryTask { steps: vec![], limit: NewLimit::More(1) },
        Action::ResolveTask,
    ];
    for action in actions {
        assert_eq!(d.refused(id, action).await.code, "invalid_state_transition");
    }
    assert!(d.steps(id).await.iter().all(|step| step.record.state != StepState::ResolvedManually));
    d.assert_sound().await;
}

pub async fn a_reopened_task_runs_everything_that_may_run(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[]), ("c", &["a"])]);
    let id = d.start(&plan).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.fail_for_good(&claims[0]).await;
    d.operate(id, Action::CancelStep(at(&plan, "b"))).await;
    assert_eq!(d.state(id).await, TaskState::Error);
    assert_eq!(d.retry_step(id, at(&plan, "a")).await, Answer::Done);
    assert_eq!(d.summary(id).await, "pending: a pending, b cancelled, c pending");
    assert_eq!(d.drive(|_, _| success("1")).await, [("a".to_owned(), 2), ("c".to_owned(), 1)]);
    assert_eq!(d.state(id).await, TaskState::Error, "a cancelled step stays");
    d.assert_sound().await;
}

pub async fn steps_one_at_a_time_pass_their_turn(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("a", &[]), ("b", &[]), ("c", &[])];
    let plan = plan_with("order", steps, |x| x.concurrent = false);
    let id = d.start(&plan).await;
    let a = d.claim_one("a").await;
    d.claim_exactly(&[]).await;
    assert_eq!(d.operate(id, Action::CancelStep(at(&plan, "a"))).await, Answer::Done);
    assert_eq!(d.succeed(&a).await, Answer::Stale);
    let b = d.claim_one("b").await;
    d.fail(&b).await;
    assert_eq!(d.queued(id).await, [("b".to_owned(), 1)], "a step that waits keeps its turn");
    assert_eq!(
        d.operate(id, Action::ResolveStep { step: at(&plan, "b"), results: None }).await,
        Answer::Done
    );
    d.claim_one("c").await;
    d.assert_sound().await;
}
