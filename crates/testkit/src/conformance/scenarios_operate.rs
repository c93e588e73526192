//! `spec/domain.md` 14.8 and 14.9: how tasks end, and what operators make of them.

use tasker_core::decide::{Action, Answer, Input, NewLimit};
use tasker_core::graph::shapes;
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Fence, Ordinal};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::state::{StepState, TaskState};
use tasker_store::read::LogQuery;

use crate::StoreUnderTest;
use crate::definitions::{handler, plan, plan_of, plan_with};
use crate::driver::{Driver, at, success, task_id};

pub async fn dom_109_a_task_completes_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::tree())).await;
    d.drive(|_, _| success("1")).await;
    let history = d.history(id).await;
    assert_eq!(history.iter().filter(|line| *line == "task complete").count(), 1);
    assert_eq!(history.last().map(String::as_str), Some("task complete"));
}

pub async fn dom_111_a_failed_step_is_due_when_its_wait_is_over(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    let busy = Failure::retryable("Busy", "busy", "come back").after(120);
    d.settle(&claim, Outcome::Failure(busy)).await;
    assert_eq!(d.queued(id).await, [("a".to_owned(), 120)]);
    assert_eq!(d.state(id).await, TaskState::InProgress);
}

pub async fn dom_115_a_step_that_nobody_serves_waits(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[])], |x| x.steps[0].handler = handler("nobody"));
    let id = d.start(&plan).await;
    d.clock.advance_seconds(100_000);
    d.claim_exactly(&[]).await;
    assert_eq!(d.summary(id).await, "pending: a pending");
    let depth = d.store.queue().await.expect("queue").remove(0);
    assert_eq!((depth.handler.as_str(), depth.due, depth.running), ("nobody", 1, 0));
}

pub async fn dom_116_an_unknown_task_has_no_effect(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = task_id(12345);
    let inputs = [
        Input::Claim { step: Ordinal(0), worker: d.worker },
        Input::GiveBack { step: Ordinal(0), fence: Fence(1) },
        Input::Settle { step: Ordinal(0), fence: Fence(1), outcome: success("1") },
    ];
    for input in inputs {
        assert_eq!(d.one(id, input).await, Answer::Stale);
    }
    assert!(d.store.task(id).await.expect("read").is_none());
    assert!(d.store.log(LogQuery { limit: 9, ..LogQuery::default() }).await.expect("log").is_empty());
}

pub async fn dom_81_nothing_of_a_complete_task_can_be_claimed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::small())).await;
    d.drive(|_, _| success("1")).await;
    let before = (d.log(id).await, d.record(id).await);
    d.clock.advance_seconds(1_000);
    d.claim_exactly(&[]).await;
    assert_eq!(d.one(id, Input::Claim { step: Ordinal(0), worker: d.worker }).await, Answer::NotClaimable);
    assert_eq!((d.log(id).await, d.record(id).await), before);
}

pub async fn dom_117_cancelling_a_pending_task_cancels_its_steps(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::small())).await;
    d.clock.advance_seconds(4);
    assert_eq!(d.operate(id, Action::CancelTask { force: false }).await, Answer::Done);
    assert_eq!(
        d.summary(id).await,
        "cancelled: one cancelled, two cancelled, three cancelled, four cancelled"
    );
    let record = d.record(id).await;
    assert_eq!((record.active, record.remaining, record.ended_at), (0, 4, Some(d.clock.now())));
    d.claim_exactly(&[]).await;
    d.assert_sound().await;
}

pub async fn dom_118_a_cancelled_task_keeps_what_was_under_way(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::linear())).await;
    let claim = d.claim_one("L1").await;
    d.succeed(&claim).await;
    let claim = d.claim_one("L2").await;
    assert_eq!(d.operate(id, Action::CancelTask { force: false }).await, Answer::Done);
    assert_eq!(
        d.summary(id).await,
        "cancelled: L1 complete, L2 in_progress, L3 cancelled, L4 cancelled, L5 cancelled, L6 cancelled"
    );
    d.assert_sound().await;
    let outcome = success(r#"{"late":true}"#);
    let settled = d.settle(&claim, outcome).await;
    assert_eq!(settled, Answer::Settled { state: StepState::Complete, retry_at: None });
    let step = d.step(id, "L2").await;
    assert_eq!(step.results.as_ref().map(Payload::as_str), Some(r#"{"late":true}"#));
    let record = d.record(id).await;
    assert_eq!((record.state, record.active, record.remaining), (TaskState::Cancelled, 0, 4));
    d.claim_exactly(&[]).await;
    d.assert_sound().await;
}

pub async fn a_step_that_fails_in_a_cancelled_task_is_not_tried_again(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    let claim = d.claim_one("a").await;
    d.operate(id, Action::CancelTask { force: false }).await;
    assert_eq!(d.fail(&claim).await, Answer::Settled { state: StepState::Error, retry_at: None });
    assert_eq!(d.summary(id).await, "cancelled: a error, b cancelled");
    assert!(d.queued(id).await.is_empty());
    d.assert_sound().await;
}

pub async fn dom_119_which_ended_tasks_can_be_cancelled(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    for end in ["complete", "resolved_manually", "error"] {
        let id = d.start(&plan).await;
        let claim = d.claim_one("a").await;
        if end == "complete" {
            d.succeed(&claim).await;
        } else {
            d.fail_for_good(&claim).await;
        }
        if end == "resolved_manually" {
            d.operate(id, Action::ResolveTask).await;
        }
        assert_eq!(d.state(id).await.as_str(), end);
        if end != "error" {
            let refused = d.refused(id, Action::CancelTask { force: false }).await;
            assert_eq!(refused.code, "invalid_state_transition");
        }
        assert_eq!(d.operate(id, Action::CancelTask { force: true }).await, Answer::Done);
        assert_eq!(d.state(id).await, TaskState::Cancelled);
        let before = (d.log(id).await, d.record(id).await);
        d.clock.advance_seconds(1);
        assert_eq!(d.operate(id, Action::CancelTask { force: true }).await, Answer::Unchanged);
        assert_eq!((d.log(id).await, d.record(id).await), before);
    }
    d.assert_sound().await;
}

pub async fn dom_120_a_cancelled_step_ends_its_task_in_error(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("order", &shapes::small());
    let id = d.start(&plan).await;
    assert_eq!(d.operate(id, Action::CancelStep(at(&plan, "three"))).await, Answer::Done);
    d.drive(|_, _| success("1")).await;
    assert_eq!(d.summary(id).await, "error: one complete, two complete, three cancelled, four pending");
    assert!(d.queued(id).await.is_empty());
    d.assert_sound().await;
}

pub async fn dom_121_a_resolved_step_reopens_its_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("order", &shapes::linear());
    let id = d.start(&plan).await;
    let broken = |step: &str, _| match step {
        "L3" => Outcome::Failure(Failure::permanent("Refused", "refused", "no")),
        _ => success("1"),
    };
    d.drive(broken).await;
    assert_eq!(d.state(id).await, TaskState::Error);
    let results = Some(Payload::from_stored(r#"{"by":"hand"}"#));
    assert_eq!(d.operate(id, Action::ResolveStep { step: at(&plan, "L3"), results }).await, Answer::Done);
    assert_eq!(d.state(id).await, TaskState::Pending);
    let retry = Action::RetryTask { steps: vec![], limit: NewLimit::Keep };
    assert_eq!(d.operate(id, retry).await, Answer::Unchanged, "the task is open");
    let executed = d.drive(broken).await;
    let names: Vec<&str> = executed.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(names, ["L4", "L5", "L6"]);
    assert_eq!(d.state(id).await, TaskState::Complete);
    let log = d.log(id).await;
    assert!(
        log.iter()
            .filter_map(|entry| entry.metadata.as_deref())
            .any(|m| m.contains(r#""resolved_by":"ops""#))
    );
    d.assert_sound().await;
}

pub async fn dom_122_an_exhausted_step_needs_a_higher_limit(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("order", &shapes::linear());
    let id = d.start(&plan).await;
    let fails = |step: &str, attempt| match step {
        "L3" if attempt <= 3 => Outcome::Failure(Failure::retryable("Broken", "broken", "it broke")),
        _ => success("1"),
    };
    d.drive(fails).await;
    assert_eq!((d.state(id).await, d.step(id, "L3").await.record.attempts), (TaskState::Error, 3));
    let step = at(&plan, "L3");
    let retry = Action::RetryStep { step, limit: NewLimit::Keep, new_idempotency_key: false };
    assert_eq!(d.refused(id, retry.clone()).await.code, "retry_limit_reached");
    let edit = Action::EditStep { step, retry_limit: Some(4), inputs: None };
    assert_eq!(d.operate(id, edit).await, Answer::Done);
    assert_eq!(d.state(id).await, TaskState::Error, "a higher limit alone reopens nothing");
    assert_eq!(d.operate(id, retry).await, Answer::Done);
    let task_retry = Action::RetryTask { steps: vec![], limit: NewLimit::Keep };
    assert_eq!(d.operate(id, task_retry).await, Answer::Unchanged);
    assert_eq!(d.queued(id).await, [("L3".to_owned(), 0)], "at once");
    assert_eq!(d.drive(fails).await[0], ("L3".to_owned(), 4));
    assert_eq!(d.state(id).await, TaskState::Complete);
    d.assert_sound().await;
}

pub async fn dom_123_inputs_and_limit_of_a_pending_step_can_be_edited(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let id = d.start(&plan).await;
    let before = d.step(id, "b").await;
    d.clock.advance_seconds(1);
    let inputs = Payload::from_stored(r#"{"n":[1,2]}"#);
    let edit =
        |retry_limit| Action::EditStep { step: at(&plan, "b"), retry_limit, inputs: Some(inputs.clone()) };
    assert_eq!(d.refused(id, edit(Some(0))).await.code, "out_of_range");
    assert_eq!(d.step(id, "b").await, before);
    assert_eq!(d.operate(id, edit(Some(9))).await, Answer::Done);
    let step = d.step(id, "b").await;
    assert_eq!((step.inputs, step.record.retry_limit), (Some(inputs), 9));
    let record =
        tasker_core::record::StepRecord { retry_limit: 9, updated_at: d.clock.now(), ..before.record };
    assert_eq!(step.record, record, "nothing else changed");
    d.assert_sound().await;
}

pub async fn dom_124_reason_and_tags_of_a_task_can_be_edited(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start_with(&plan("order", &[("a", &[])]), |r| r.identity = IdentityStrategy::Hash).await;
    let before = d.store.task(id).await.expect("read").expect("exists").input;
    d.clock.advance_seconds(3);
    let edit = |reason: Option<&str>, tags: Option<&[&str]>| Action::EditTask {
        reason: reason.map(str::to_owned),
        tags: tags.map(|tags| tags.iter().map(|tag| (*tag).to_owned()).collect()),
    };
    assert_eq!(d.operate(id, edit(Some("audit"), None)).await, Answer::Done);
    d.clock.advance_seconds(1);
    assert_eq!(d.operate(id, edit(None, Some(&["vip", "eu"]))).await, Answer::Done);
    let input = d.store.task(id).await.expect("read").expect("exists").input;
    let tags = vec!["vip".to_owned(), "eu".to_owned()];
    assert_eq!(input, tasker_core::record::TaskInput { reason: "audit".into(), tags, ..before });
    assert!(input.identity.is_some());
    assert_eq!(d.record(id).await.updated_at, d.clock.now());
    d.assert_sound().await;
}
