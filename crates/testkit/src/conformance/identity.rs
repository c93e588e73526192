//! Telling repeated requests.

use std::sync::Arc;

use tasker_core::decide::Submission;
use tasker_core::identity::IdentityStrategy;
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_store::read::TaskFilter;
use tasker_store::write::{SubmitAnswer, SubmitBatch};

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan, plan_with};
use crate::driver::Driver;

const ACCEPTED: SubmitAnswer = SubmitAnswer::Accepted { state: TaskState::Pending };

async fn hashing(d: &Driver) -> impl Fn() -> Submission {
    let plan = plan_with("order", &[("a", &[]), ("b", &[])], |x| x.steps[1].skippable = true);
    d.register(&plan).await;
    move || Submission { identity: IdentityStrategy::Hash, ..d.request(&plan) }
}

async fn n_tasks(d: &Driver) -> u64 {
    let filter = TaskFilter { count_all: true, limit: 1, ..TaskFilter::default() };
    d.store.tasks(filter).await.expect("list").total.expect("asked for")
}

pub async fn dom_26_by_default_no_request_is_a_repeat(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    assert_eq!(d.submit(d.request(&plan)).await, ACCEPTED);
    assert_eq!(d.submit(d.request(&plan)).await, ACCEPTED);
    assert_eq!(n_tasks(&d).await, 2);
}

pub async fn dom_27_a_repeat_within_the_minute_is_refused(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = hashing(&d).await;
    let first = request();
    assert_eq!(d.submit(first.clone()).await, ACCEPTED);
    d.clock.advance_seconds(59);
    let before = d.history(first.id).await;
    assert_eq!(d.submit(request()).await, SubmitAnswer::Duplicate { of: first.id });
    assert_eq!(d.history(first.id).await, before);
    let identity = d.store.task(first.id).await.expect("read").expect("exists").input.identity;
    assert_eq!(identity.expect("the strategy gives one").len(), 64);
    assert_eq!(n_tasks(&d).await, 1);
}

pub async fn dom_28_what_makes_a_request_another_one(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = hashing(&d).await;
    let first = request();
    assert_eq!(d.submit(first.clone()).await, ACCEPTED);
    let mut tagged = request();
    tagged.tags = vec!["vip".into()];
    assert_eq!(d.submit(tagged).await, SubmitAnswer::Duplicate { of: first.id });
    let mut others = [request(), request(), request(), request(), request()];
    others[0].reason = "again".into();
    others[1].initiator = "ops".into();
    others[2].context = Payload::from_stored(r#"{"order":8}"#);
    others[3].bypass = vec![tasker_core::ids::Ordinal(1)];
    others[4].requested_at = Some(d.clock.now().plus_seconds(60));
    for other in others {
        assert_eq!(d.submit(other.clone()).await, ACCEPTED, "{other:?}");
    }
    d.clock.advance_seconds(120);
    assert_eq!(d.submit(request()).await, ACCEPTED, "a later minute");
}

pub async fn dom_29_key_order_does_not_count_but_the_namespace_does(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = hashing(&d).await;
    let with = |text: &str| Submission { context: Payload::from_stored(text), ..request() };
    let first = with(r#"{"a":1,"b":{"c":2,"d":3}}"#);
    assert_eq!(d.submit(first.clone()).await, ACCEPTED);
    let reordered = with(r#"{"b":{"d":3,"c":2},"a":1}"#);
    assert_eq!(d.submit(reordered).await, SubmitAnswer::Duplicate { of: first.id });
    let elsewhere = plan_with("order", &[("a", &[]), ("b", &[])], |x| x.namespace = namespace("other"));
    d.register(&elsewhere).await;
    let moved = Submission { id: d.new_id(), plan: elsewhere, ..first };
    assert_eq!(d.submit(moved).await, ACCEPTED);
}

pub async fn dom_30_of_ten_at_once_one_is_accepted(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = hashing(&d).await;
    let calls = (0..10).map(|_| {
        let batch = SubmitBatch::of([request()], d.rules.clone());
        let store = d.store.clone();
        tokio::spawn(async move { store.submit(batch).await.expect("submit").answers.remove(0) })
    });
    let calls: Vec<_> = calls.collect();
    let mut n_accepted = 0;
    for call in calls {
        match call.await.expect("the call ends") {
            ACCEPTED => n_accepted += 1,
            SubmitAnswer::Duplicate { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((n_accepted, n_tasks(&d).await), (1, 1));
}

pub async fn one_batch_may_repeat_a_request(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = hashing(&d).await;
    let (one, two) = (request(), request());
    let id = one.id;
    let answers = d.submit_all(vec![one, two], None).await.answers;
    assert_eq!(answers, [ACCEPTED, SubmitAnswer::Duplicate { of: id }]);
}

pub async fn dom_31_a_custom_identity_is_kept_as_it_is(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let custom = |text: &'static str| Submission {
        identity: IdentityStrategy::Custom(Arc::new(move |document| format!("{text}:{}", document.name))),
        ..d.request(&plan)
    };
    let first = custom("shop");
    assert_eq!(d.submit(first.clone()).await, ACCEPTED);
    assert_eq!(d.submit(custom("shop")).await, SubmitAnswer::Duplicate { of: first.id });
    assert_eq!(d.submit(custom("till")).await, ACCEPTED);
    let stored = d.store.task(first.id).await.expect("read").expect("exists").input.identity;
    assert_eq!(stored.as_deref(), Some("shop:order"));
}

pub async fn an_identity_that_cannot_be_stored_is_refused_alone(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let broken = IdentityStrategy::Custom(Arc::new(|_| "x".repeat(129)));
    let bad = Submission { identity: broken, ..d.request(&plan) };
    let answers = d.submit_all(vec![bad, d.request(&plan)], None).await.answers;
    assert!(matches!(answers[0], SubmitAnswer::Refused(_)), "{answers:?}");
    assert_eq!(answers[1], ACCEPTED);
}

pub async fn the_id_is_looked_at_before_the_identity(store: StoreUnderTest) {
    let d = Driver::new(store);
    let request = (hashing(&d).await)();
    assert_eq!(d.submit(request.clone()).await, ACCEPTED);
    assert_eq!(d.submit(request).await, SubmitAnswer::AlreadyAccepted, "a request sent again is no repeat");
}
