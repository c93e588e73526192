//! `spec/domain.md` 14.2: creating tasks, as far as stores have a part in it.

use tasker_core::graph::shapes;
use tasker_core::payload::Payload;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_store::read::TaskFilter;

use crate::StoreUnderTest;
use crate::definitions::{plan, plan_of, plan_with};
use crate::driver::{Driver, at, step_of};

pub async fn dom_19_a_new_task_has_its_steps_and_its_first_queue_rows(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_of("small", &shapes::small());
    let id = d.start(&plan).await;
    assert_eq!(d.summary(id).await, "pending: one pending, two pending, three pending, four pending");
    for step in d.steps(id).await {
        assert_eq!((step.record.attempts, step.record.processed_at), (0, None));
        assert_eq!((step.record.retry_limit, step.record.retryable), (3, true));
        assert_eq!(
            (step.inputs, step.results, step.error),
            (None, None, None),
            "no inputs: the task's context"
        );
    }
    let waits: Vec<u32> = d.steps(id).await.iter().map(|step| step.record.waits).collect();
    assert_eq!(waits, [0, 0, 1, 1]);
    assert_eq!(d.queued(id).await, [("one".to_owned(), 0), ("two".to_owned(), 0)]);
    let claims = d.claim().await;
    assert!(claims.iter().all(|work| work.context.as_str() == r#"{"order":7}"#));
    d.assert_sound().await;
}

pub async fn dom_20_a_refused_request_leaves_nothing_behind(store: StoreUnderTest) {
    let d = Driver::new(store);
    let unknown = plan("order", &[("a", &[])]);
    d.submit(d.request(&unknown)).await;
    let page = d.store.tasks(TaskFilter { limit: 10, ..TaskFilter::default() }).await.expect("list");
    assert!(page.tasks.is_empty());
    let query = tasker_store::read::LogQuery { limit: 10, ..Default::default() };
    assert!(d.store.log(query).await.expect("log").is_empty());
    assert!(d.store.queue().await.expect("queue").is_empty());
}

pub async fn dom_24_a_batch_is_decided_item_by_item(store: StoreUnderTest) {
    let d = Driver::new(store);
    let known = plan("order", &[("a", &[])]);
    d.register(&known).await;
    let unknown = plan("ghost", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let (good, bad) = (d.request(&known), d.request(&unknown));
    let (good_id, bad_id) = (good.id, bad.id);
    d.submit_all(vec![bad, good], None).await;
    assert!(d.store.task(bad_id).await.expect("read").is_none());
    assert!(d.steps(bad_id).await.is_empty());
    assert!(d.log(bad_id).await.is_empty());
    assert_eq!(d.state(good_id).await, TaskState::Pending);
}

pub async fn dom_25_a_stored_task_is_there_for_whoever_comes(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let work = d.claim_as(crate::driver::worker_id(77), 1).await;
    assert_eq!((work[0].claim.task, step_of(&work[0])), (id, "a".to_owned()));
}

pub async fn dom_34_a_step_belongs_to_one_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let (one, two) = (d.start(&plan).await, d.start(&plan).await);
    let claim = d.claim().await.into_iter().find(|work| work.claim.task == one).expect("both are due").claim;
    d.succeed(&claim).await;
    assert_eq!(d.step(one, "b").await.record.waits, 0);
    assert_eq!(d.step(two, "b").await.record.waits, 1, "a step waits for parents in its own task only");
    assert_eq!(d.store.result(two, at(&plan, "a")).await.expect("read"), None);
    d.assert_sound().await;
}

pub async fn dom_35_the_log_begins_with_the_creation(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start_with(&plan("order", &[("a", &[])]), |r| r.initiator = "shop".into()).await;
    let log = d.log(id).await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].change, Change::Task { from: None, to: TaskState::Pending });
    assert_eq!((log[0].seq, log[0].at, log[0].actor.as_str()), (1, d.clock.now(), "shop"));
    let step = Change::Step { ordinal: tasker_core::ids::Ordinal(0), from: None, to: StepState::Pending };
    assert_eq!((log[1].seq, log[1].change), (2, step));
}

pub async fn dom_132_a_replaced_definition_leaves_running_tasks_alone(store: StoreUnderTest) {
    let d = Driver::new(store);
    let old = plan("order", &[("a", &[]), ("b", &["a"])]);
    let id = d.start(&old).await;
    let claim = d.claim_one("a").await;
    let new = plan_with("order", &[("a", &[]), ("x", &["a"]), ("b", &["x"])], |_| {});
    let registration = tasker_store::definitions::Registration { plan: new.clone(), replace: true };
    d.store.register(registration).await.expect("register");
    d.succeed(&claim).await;
    let work = d.claim().await.remove(0);
    assert_eq!((step_of(&work).as_str(), work.plan.digest), ("b", old.digest));
    d.succeed(&work.claim).await;
    assert_eq!(d.summary(id).await, "complete: a complete, b complete");
    let next = d.start(&new).await;
    assert_eq!(d.steps(next).await.len(), 3);
    assert_eq!(d.store.plan(old.digest).await.expect("read").expect("kept").definition, old.definition);
    d.assert_sound().await;
}

pub async fn an_empty_context_is_a_context(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start_with(&plan("order", &[("a", &[])]), |r| r.context = Payload::empty_object()).await;
    assert_eq!(d.store.task(id).await.expect("read").expect("exists").input.context.as_str(), "{}");
}
