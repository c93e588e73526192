//! Executions end.

use tasker_core::decide::{Action, Answer, Input};
use tasker_core::definition::{AnnotationRule, AnnotationValue};
use tasker_core::graph::shapes;
use tasker_core::ids::{Fence, Ordinal};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::state::{StepState, TaskState};

use crate::StoreUnderTest;
use crate::definitions::{plan, plan_of, plan_with, step_name};
use crate::driver::{Driver, at, success};

pub async fn success_releases_those_that_wait_for_nobody_else(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::diamond())).await;
    let start = d.claim_one("S").await;
    assert_eq!(d.succeed(&start).await, Answer::Settled { state: StepState::Complete, retry_at: None });
    let branches = d.claim_exactly(&["A1", "B1"]).await;
    d.succeed(&branches[0]).await;
    let a2 = d.claim_one("A2").await;
    d.succeed(&a2).await;
    assert_eq!(d.step(id, "M").await.record.waits, 1);
    assert_eq!(d.queued(id).await.len(), 1, "only B1 is under way; M waits for both branches");
    d.succeed(&branches[1]).await;
    let b2 = d.claim_one("B2").await;
    d.succeed(&b2).await;
    assert_eq!(d.step(id, "M").await.record.waits, 0);
    let m = d.claim_one("M").await;
    d.succeed(&m).await;
    let e = d.claim_one("E").await;
    d.clock.advance_seconds(2);
    d.succeed(&e).await;
    let record = d.record(id).await;
    assert_eq!((record.state, record.active, record.remaining), (TaskState::Complete, 0, 0));
    assert_eq!(record.ended_at, Some(d.clock.now()));
    d.assert_sound().await;
}

pub async fn a_result_is_stored_byte_for_byte(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[])]);
    let id = d.start(&plan).await;
    let text = "{\"z\":[1.0,1e300,18446744073709551615],\"a\":\"\\\\u0000 ä 😀 \\\"\",\"\":{}}";
    let claims = d.claim_exactly(&["a", "b"]).await;
    assert_eq!(d.store.result(id, at(&plan, "a")).await.expect("read"), None, "not done yet");
    d.settle(&claims[0], success(text)).await;
    d.settle(&claims[1], success("null")).await;
    let result = |step: &str| d.store.result(id, at(&plan, step));
    assert_eq!(result("a").await.expect("read").expect("done").as_str(), text);
    assert_eq!(result("b").await.expect("read").expect("done").as_str(), "null");
    assert_eq!(d.step(id, "a").await.results.expect("done").as_str(), text);
    assert_eq!(d.store.result(crate::driver::task_id(99), Ordinal(0)).await.expect("read"), None);
}

pub async fn a_failed_step_is_tried_again_after_its_wait(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_with("order", &[("a", &[])], |x| x.steps[0].retry_limit = 4)).await;
    let mut claim = d.claim_one("a").await;
    for (attempt, wait) in [(1, 1), (2, 2), (3, 4)] {
        d.clock.advance_seconds(5);
        let retry_at = d.clock.now().plus_seconds(wait);
        let settled = d.fail(&claim).await;
        assert_eq!(settled, Answer::Settled { state: StepState::Error, retry_at: Some(retry_at) });
        let step = d.step(id, "a").await;
        assert_eq!((step.record.attempts, step.record.backoff_seconds), (attempt, Some(wait as u32)));
        assert_eq!(step.record.last_attempted_at, Some(d.clock.now()));
        assert_eq!(step.record.next_retry_at(), Some(retry_at));
        assert_eq!(d.state(id).await, TaskState::InProgress);
        d.clock.advance_seconds(wait as u64 - 1);
        d.claim_exactly(&[]).await;
        d.clock.advance_seconds(1);
        claim = d.claim_one("a").await;
        assert_eq!((claim.attempt, claim.fence), (attempt + 1, Fence(u64::from(attempt) + 1)));
    }
    assert_eq!(d.fail(&claim).await, Answer::Settled { state: StepState::Error, retry_at: None });
    assert_eq!(d.summary(id).await, "error: a error");
    let record = d.step(id, "a").await.record;
    assert_eq!(
        (record.backoff_seconds, record.next_retry_at()),
        (Some(8), None),
        "a wait for a higher limit only"
    );
    d.assert_sound().await;
}

pub async fn a_wait_that_was_asked_for_is_kept(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    let busy = Failure::retryable("Busy", "busy", "come back").after(60);
    let retry_at = Some(d.clock.now().plus_seconds(60));
    assert_eq!(
        d.settle(&claim, Outcome::Failure(busy)).await,
        Answer::Settled { state: StepState::Error, retry_at }
    );
    assert_eq!(d.queued(id).await, [("a".to_owned(), 60)]);
    d.clock.advance_seconds(60);
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    assert_eq!(d.queued(id).await, [("a".to_owned(), 2)], "the ordinary wait after an ordinary failure");
}

pub async fn the_error_of_a_step_is_there_until_it_succeeds(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    let context = serde_json::json!({"status": 503, "url": "https://example.org"});
    let failure = Failure::retryable("Unavailable", "HTTP_503", "try later").with_context(context.clone());
    d.settle(&claim, Outcome::Failure(failure)).await;
    let error = d.step(id, "a").await.error.expect("it failed");
    assert_eq!((error.class.as_str(), error.code.as_str()), ("Unavailable", "HTTP_503"));
    assert_eq!((error.message.as_str(), error.retryable, error.context), ("try later", true, Some(context)));
    d.clock.advance_seconds(1);
    let claim = d.claim_one("a").await;
    assert!(d.step(id, "a").await.error.is_some(), "while the next attempt runs");
    d.succeed(&claim).await;
    let step = d.step(id, "a").await;
    assert_eq!((step.error, step.results), (None, Some(Payload::from_stored(r#"{"ok":true}"#))));
}

pub async fn a_permanent_failure_is_not_tried_again(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::linear())).await;
    let claim = d.claim_one("L1").await;
    assert_eq!(d.fail_for_good(&claim).await, Answer::Settled { state: StepState::Error, retry_at: None });
    let step = d.step(id, "L1").await;
    assert_eq!((step.record.attempts, step.record.retryable), (1, false));
    let record = d.record(id).await;
    assert_eq!((record.state, record.active, record.remaining), (TaskState::Error, 0, 6));
    assert_eq!(record.ended_at, Some(d.clock.now()));
    let metadata = d.log(id).await.last().and_then(|entry| entry.metadata.clone());
    let expected = r#"{"error_message":"steps_in_error_state","remaining_steps":6}"#;
    assert_eq!(metadata.as_deref(), Some(expected));
    d.assert_sound().await;
}

pub async fn a_step_that_is_not_retryable_runs_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_with("order", &[("a", &[])], |x| x.steps[0].retryable = false)).await;
    let claim = d.claim_one("a").await;
    assert_eq!(d.fail(&claim).await, Answer::Settled { state: StepState::Error, retry_at: None });
    assert_eq!((d.state(id).await, d.step(id, "a").await.record.attempts), (TaskState::Error, 1));
}

pub async fn other_branches_run_on_after_a_failure(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::diamond())).await;
    let executed = d
        .drive(|step, _| match step {
            "B1" => Outcome::Failure(Failure::permanent("Refused", "refused", "no")),
            _ => success("1"),
        })
        .await;
    let mut names: Vec<&str> = executed.iter().map(|(step, _)| step.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["A1", "A2", "B1", "S"]);
    assert_eq!(
        d.summary(id).await,
        "error: S complete, A1 complete, B1 error, A2 complete, B2 pending, M pending, E pending"
    );
    d.assert_sound().await;
}

pub async fn an_outcome_counts_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    let claim = d.claim_one("a").await;
    let wrong = tasker_core::record::Claim { fence: Fence(7), ..claim.clone() };
    assert_eq!(d.succeed(&wrong).await, Answer::Stale);
    let never = tasker_core::record::Claim { ordinal: Ordinal(1), fence: Fence(0), ..claim.clone() };
    assert_eq!(d.succeed(&never).await, Answer::Stale, "never claimed");
    d.fail(&claim).await;
    let log = d.log(id).await;
    assert_eq!(d.fail(&claim).await, Answer::AlreadySettled);
    assert_eq!(d.succeed(&claim).await, Answer::Stale, "another outcome; the first stands");
    assert_eq!(d.log(id).await, log);
    d.clock.advance_seconds(1);
    let again = d.claim_one("a").await;
    assert_eq!(d.fail(&claim).await, Answer::AlreadySettled, "of the attempt before");
    d.succeed(&again).await;
    assert_eq!(d.succeed(&claim).await, Answer::Stale, "two attempts ago");
    assert_eq!(d.succeed(&again).await, Answer::AlreadySettled);
    d.assert_sound().await;
}

pub async fn the_first_lost_worker_costs_no_wait(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[])], |x| x.steps[0].retry_limit = 5);
    let id = d.start(&plan).await;
    for (expiries, wait) in [(1, 0), (2, 2), (3, 4)] {
        let claim = d.claim_one("a").await;
        let retry_at = Some(d.clock.now().plus_seconds(wait));
        let answer = d.settle(&claim, Outcome::LeaseExpired).await;
        assert_eq!(answer, Answer::Settled { state: StepState::Error, retry_at });
        let step = d.step(id, "a").await;
        assert_eq!((step.record.lease_expiries, step.record.attempts), (expiries, expiries));
        let error = step.error.expect("it says why");
        assert_eq!((error.class.as_str(), error.code.as_str()), ("LeaseExpired", "lease_expired"));
        d.clock.advance_seconds(wait as u64);
    }
    d.assert_sound().await;
}

pub async fn an_interrupted_step_is_tried_again_at_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_with("order", &[("a", &[])], |x| x.steps[0].retry_limit = 2)).await;
    let claim = d.claim_one("a").await;
    let retry_at = Some(d.clock.now());
    let answer = d.settle(&claim, Outcome::Interrupted).await;
    assert_eq!(answer, Answer::Settled { state: StepState::Error, retry_at });
    let claim = d.claim_one("a").await;
    assert_eq!(claim.attempt, 2, "it counts");
    d.settle(&claim, Outcome::Interrupted).await;
    assert_eq!(d.summary(id).await, "error: a error");
    assert_eq!(d.step(id, "a").await.error.expect("it says why").code, "interrupted");
}

pub async fn one_batch_settles_many_tasks_item_by_item(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[])]);
    let (one, two) = (d.start(&plan).await, d.start(&plan).await);
    let work = d.claim().await;
    let settle = |task, step: &str, outcome: Outcome| {
        let step = at(&plan, step);
        let of = |work: &&tasker_store::write::Work| work.claim.task == task && work.claim.ordinal == step;
        let fence = work.iter().find(of).expect("all are claimed").claim.fence;
        (task, Input::Settle { step, fence, outcome })
    };
    let operate =
        |task, action| (task, Input::Operate { action, actor: "ops".into(), reason: None, expected: None });
    let broken = || Outcome::Failure(Failure::permanent("Refused", "refused", "no"));
    let inputs = vec![
        settle(two, "a", success("1")),
        settle(one, "a", success("1")),
        operate(two, Action::ResolveTask),
        settle(two, "b", success("1")),
        settle(one, "b", broken()),
        operate(one, Action::CancelStep(Ordinal(0))),
        operate(crate::driver::task_id(99), Action::CancelTask { force: false }),
        (crate::driver::task_id(99), Input::GiveBack { step: Ordinal(0), fence: Fence(1) }),
    ];
    let applied = d.apply(inputs, None).await;
    let done = Answer::Settled { state: StepState::Complete, retry_at: None };
    let code = |place: usize| match &applied.answers[place] {
        Answer::Refused(rejection) => rejection.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(applied.answers[..2], [done.clone(), done.clone()]);
    assert_eq!(
        (code(2), code(5), code(6)),
        ("invalid_state_transition", "invalid_state_transition", "not_found")
    );
    assert_eq!(applied.answers[3], done);
    assert_eq!(applied.answers[4], Answer::Settled { state: StepState::Error, retry_at: None });
    assert_eq!(applied.answers[7], Answer::Stale);
    let mut ended: Vec<_> = applied.ended.iter().map(|ended| (ended.task, ended.state)).collect();
    ended.sort_unstable_by_key(|(task, _)| *task);
    assert_eq!(ended, [(one, TaskState::Error), (two, TaskState::Complete)]);
    d.assert_sound().await;
}

pub async fn dom_84_as_54_annotations_are_made_or_their_absence_is_noted(store: StoreUnderTest) {
    let d = Driver::new(store);
    let rule = |kind: &str, value| AnnotationRule { kind: kind.into(), from_step: step_name("a"), value };
    let literal = serde_json::json!({"source": "till"}).as_object().expect("an object").clone();
    let plan = plan_with("order", &[("a", &[])], |x| {
        x.annotations = vec![
            rule("totals", AnnotationValue::Pointer("/total".into())),
            rule("origin", AnnotationValue::Literal(literal)),
            rule("absent", AnnotationValue::Pointer("/nothing".into())),
        ];
    });
    let id = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.settle(&claim, success(r#"{"total":{"sum":12,"currency":"EUR"}}"#)).await;
    let annotations = d.store.task(id).await.expect("read").expect("exists").annotations;
    let texts: Vec<_> = annotations.iter().map(|a| (a.kind.as_str(), a.value.as_str())).collect();
    assert_eq!(texts, [("totals", r#"{"sum":12,"currency":"EUR"}"#), ("origin", r#"{"source":"till"}"#)]);
    assert_eq!(d.state(id).await, TaskState::Complete, "an annotation that cannot be made stops nothing");
    let log = d.log(id).await;
    let completed = log.iter().filter_map(|entry| entry.metadata.as_deref());
    assert_eq!(completed.filter(|text| text.contains("annotation_errors")).count(), 1);
}

pub async fn the_clock_may_go_back_but_a_task_does_not(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    let submitted_at = d.clock.now();
    let claim = d.claim_one("a").await;
    d.clock.set(submitted_at.plus_seconds(-30));
    d.succeed(&claim).await;
    let record = d.record(id).await;
    assert_eq!(record.updated_at, submitted_at);
    let log = d.log(id).await;
    assert!(log.iter().all(|entry| entry.at == submitted_at));
    d.clock.set(submitted_at.plus_seconds(1));
    d.claim_one("b").await;
    assert_eq!(d.record(id).await.updated_at, submitted_at.plus_seconds(1));
    d.assert_sound().await;
}
