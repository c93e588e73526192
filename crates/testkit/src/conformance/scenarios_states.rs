//! `spec/domain.md` 14.3: which changes of state happen, as seen through a store.

use tasker_core::decide::{Action, Answer, Input, NewLimit};
use tasker_core::graph::shapes;
use tasker_core::ids::{Fence, Ordinal};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};

use crate::StoreUnderTest;
use crate::definitions::{plan, plan_of, plan_with};
use crate::driver::{Driver, at, success};

const INVALID: &str = "invalid_state_transition";

pub async fn dom_36_what_can_become_of_a_pending_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let to_resolve = d.start(&plan).await;
    assert_eq!(d.refused(to_resolve, Action::ResolveTask).await.code, INVALID);
    let fence = Fence(0);
    let outcome = success("1");
    let settle = Input::Settle { step: Ordinal(0), fence, outcome };
    assert_eq!(d.one(to_resolve, settle).await, Answer::Stale, "a task does not complete unless it ran");
    let to_cancel = d.start(&plan).await;
    assert_eq!(d.operate(to_cancel, Action::CancelTask { force: false }).await, Answer::Done);
    let to_fail = d.start(&plan).await;
    assert_eq!(d.operate(to_fail, Action::CancelStep(Ordinal(0))).await, Answer::Done);
    assert_eq!(d.state(to_fail).await, TaskState::Error);
    d.claim_one("a").await;
    assert_eq!(d.state(to_resolve).await, TaskState::InProgress);
    d.assert_sound().await;
}

pub async fn dom_37_what_can_become_of_a_running_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    for (action, expected) in
        [("succeed", TaskState::Complete), ("fail", TaskState::Error), ("cancel", TaskState::Cancelled)]
    {
        let id = d.start(&plan).await;
        let claim = d.claim_one("a").await;
        assert_eq!(d.refused(id, Action::ResolveTask).await.code, INVALID);
        match action {
            "succeed" => d.succeed(&claim).await,
            "fail" => d.fail_for_good(&claim).await,
            _ => d.operate(id, Action::CancelTask { force: false }).await,
        };
        assert_eq!(d.state(id).await, expected);
    }
    d.assert_sound().await;
}

pub async fn dom_38_what_can_become_of_a_failed_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let actions = [
        (Action::ResolveTask, TaskState::ResolvedManually),
        (Action::CancelTask { force: false }, TaskState::Cancelled),
        (Action::RetryTask { steps: vec![], limit: NewLimit::Keep }, TaskState::Pending),
    ];
    for (action, expected) in actions {
        let id = d.start(&plan).await;
        let claim = d.claim_one("a").await;
        d.fail_for_good(&claim).await;
        assert_eq!(d.succeed(&claim).await, Answer::Stale);
        assert_eq!(
            d.one(id, Input::Claim { step: Ordinal(0), worker: d.worker }).await,
            Answer::NotClaimable
        );
        assert_eq!(d.state(id).await, TaskState::Error);
        assert_eq!(d.operate(id, action).await, Answer::Done);
        assert_eq!(d.state(id).await, expected);
        d.operate(id, Action::CancelTask { force: false }).await;
    }
    d.assert_sound().await;
}

pub async fn dom_39_a_task_completes_with_its_last_step(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.succeed(&claims[0]).await;
    assert_eq!(d.state(id).await, TaskState::InProgress);
    assert!(!d.history(id).await.contains(&"task complete".to_owned()));
    d.succeed(&claims[1]).await;
    assert_eq!((d.state(id).await, d.record(id).await.remaining), (TaskState::Complete, 0));
}

pub async fn dom_40_a_running_task_is_not_started_again(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    d.claim_as(d.worker, 1).await;
    d.claim_as(d.worker, 1).await;
    let started = d.history(id).await.into_iter().filter(|line| line == "task in_progress");
    assert_eq!(started.count(), 1);
}

pub async fn dom_41_a_step_starts_when_all_its_parents_are_done(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
    let claim_c = Input::Claim { step: at(&plan, "c"), worker: d.worker };
    let ends: [(&str, bool); 4] = [("resolve", true), ("succeed", true), ("fail", false), ("cancel", false)];
    for (end, may_start) in ends {
        let id = d.start(&plan).await;
        let claims = d.claim_exactly(&["a", "b"]).await;
        d.succeed(&claims[0]).await;
        assert_eq!(d.one(id, claim_c.clone()).await, Answer::NotClaimable, "one parent runs still");
        match end {
            "succeed" => d.succeed(&claims[1]).await,
            "cancel" => d.operate(id, Action::CancelStep(at(&plan, "b"))).await,
            _ => d.fail(&claims[1]).await,
        };
        if end == "resolve" {
            d.operate(id, Action::ResolveStep { step: at(&plan, "b"), results: None }).await;
        }
        let expected = if may_start { Answer::Claimed } else { Answer::NotClaimable };
        assert_eq!(d.one(id, claim_c.clone()).await, expected, "{end}");
        d.operate(id, Action::CancelTask { force: false }).await;
    }
    d.assert_sound().await;
}

pub async fn dom_42_a_pending_step_can_be_resolved_but_not_completed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let settle = Input::Settle { step: Ordinal(0), fence: Fence(1), outcome: success("1") };
    assert_eq!(d.one(id, settle).await, Answer::Stale);
    assert_eq!(d.operate(id, Action::ResolveStep { step: Ordinal(0), results: None }).await, Answer::Done);
    assert_eq!(d.summary(id).await, "complete: a resolved_manually");
}

pub async fn dom_43_what_can_become_of_a_failed_step(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[])]);
    let id = d.start(&plan).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.fail(&claims[0]).await;
    assert_eq!(d.refused(id, Action::CancelStep(Ordinal(0))).await.code, INVALID);
    assert_eq!(d.succeed(&claims[0]).await, Answer::Stale);
    assert_eq!(d.step(id, "a").await.record.state, StepState::Error);
    assert_eq!(d.retry_step(id, Ordinal(0)).await, Answer::Done);
    assert_eq!(d.step(id, "a").await.record.state, StepState::Pending);
    d.fail(&claims[1]).await;
    assert_eq!(d.operate(id, Action::ResolveStep { step: Ordinal(1), results: None }).await, Answer::Done);
    assert_eq!(d.step(id, "b").await.record.state, StepState::ResolvedManually);
    d.clock.advance_seconds(1);
    d.claim_one("a").await;
    let to_in_progress = d.log(id).await.into_iter().filter_map(|entry| match entry.change {
        Change::Step { from, to: StepState::InProgress, .. } => from,
        _ => None,
    });
    assert!(to_in_progress.into_iter().all(|from| from == StepState::Pending), "never straight from error");
}

pub async fn dom_44_the_log_is_gapless_and_tells_where_from(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::mixed())).await;
    d.drive(|step, attempt| match (step, attempt) {
        ("En", 1) | ("Cr", 1 | 2) => Outcome::Failure(Failure::retryable("Broken", "broken", "it broke")),
        _ => success("1"),
    })
    .await;
    assert_eq!(d.state(id).await, TaskState::Complete);
    let log = d.log(id).await;
    let seqs: Vec<u64> = log.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>());
    assert!(log.is_sorted_by_key(|entry| entry.at));
    let mut task = None;
    let mut steps = [None; 9];
    for entry in &log {
        match entry.change {
            Change::Task { from, to } => assert_eq!(task.replace(to), from),
            Change::Step { ordinal, from, to } => {
                assert_eq!(steps[ordinal.index()].replace(to), from);
            }
        }
    }
    assert_eq!(task, Some(TaskState::Complete));
    assert!(steps.iter().all(|state| *state == Some(StepState::Complete)));
    assert_eq!(d.record(id).await.log_seq, log.len() as u64);
}

pub async fn dom_46_a_retry_is_logged_with_its_step(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    d.clock.advance_seconds(1);
    d.claim_one("a").await;
    let retried = Change::Step { ordinal: Ordinal(0), from: Some(StepState::Error), to: StepState::Pending };
    let log = d.log(id).await;
    let entry = log.iter().find(|entry| entry.change == retried).expect("it was retried");
    assert_eq!(entry.metadata.as_deref(), Some(r#"{"retry_attempt":2}"#));
}

pub async fn dom_47_what_is_refused_is_not_logged(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_with("order", &[("a", &[])], |x| x.steps[0].retry_limit = 1)).await;
    let before = (d.log(id).await, d.record(id).await, d.steps(id).await);
    d.clock.advance_seconds(5);
    d.refused(id, Action::ResolveTask).await;
    d.refused(id, Action::RetryStep { step: Ordinal(0), limit: NewLimit::Keep, new_idempotency_key: true })
        .await;
    d.one(id, Input::GiveBack { step: Ordinal(0), fence: Fence(3) }).await;
    assert_eq!((d.log(id).await, d.record(id).await, d.steps(id).await), before);
}

pub async fn dom_48_metadata_is_an_object_or_absent(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("order", &shapes::small());
    let id = d.start(&plan).await;
    let claim = d.claim_exactly(&["one", "two"]).await.remove(0);
    d.fail(&claim).await;
    d.operate(id, Action::ResolveStep { step: at(&plan, "one"), results: None }).await;
    d.operate(id, Action::CancelTask { force: false }).await;
    let texts: Vec<String> = d.log(id).await.into_iter().filter_map(|entry| entry.metadata).collect();
    assert!(texts.len() >= 5, "{texts:?}");
    for text in texts {
        let value: serde_json::Value = serde_json::from_str(&text).expect("metadata is JSON");
        assert!(value.is_object(), "{text}");
    }
}

pub async fn dom_49_as_53_one_execution_is_logged_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    d.succeed(&claim).await;
    assert_eq!(
        d.history(id).await,
        ["task pending", "a pending", "task in_progress", "a in_progress", "a complete", "task complete"]
    );
    let actors: Vec<String> = d.log(id).await.into_iter().map(|entry| entry.actor).collect();
    let worker = d.worker.actor();
    assert_eq!(actors[2..], [worker.clone(), worker.clone(), worker, "engine".into()]);
}
