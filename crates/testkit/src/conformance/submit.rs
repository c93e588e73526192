//! Accepting tasks.

use tasker_core::decide::{self, Answer, Submission};
use tasker_core::definition::Priority;
use tasker_core::ids::{Digest, Ordinal};
use tasker_core::payload::Payload;
use tasker_core::state::{StepState, TaskState};
use tasker_store::StoreError;
use tasker_store::write::{SubmitAnswer, SubmitBatch};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, plan, plan_with, version};
use crate::driver::{Driver, at, budget_for, step_of};

pub async fn everything_of_a_request_is_stored(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let text = r#"{"z":1,"a":"ä \" \\ \u0001","n":1.5,"list":[null,true,{}]}"#;
    let requested_at = d.clock.now().plus_seconds(-100);
    let id = d
        .start_with(&plan, |r| {
            r.context = Payload::from_stored(text);
            (r.initiator, r.source_system, r.reason) = ("ops".into(), "shop".into(), "new order".into());
            r.created_by = Some("Ädà".into());
            r.tags = vec!["vip".into(), "eu".into()];
            r.priority = Priority::new(2).expect("2 is a priority");
            r.requested_at = Some(requested_at);
            r.correlation_id = Some("abc-1".into());
            r.content = Digest::of(b"this request");
        })
        .await;
    let detail = d.store.task(id).await.expect("read").expect("it exists");
    assert_eq!(detail.input.context.as_str(), text);
    assert_eq!(detail.input.initiator, "ops");
    assert_eq!(detail.input.source_system, "shop");
    assert_eq!(detail.input.reason, "new order");
    assert_eq!(detail.input.tags, ["vip", "eu"]);
    assert_eq!(detail.input.requested_at, requested_at);
    assert_eq!(detail.input.correlation_id.as_deref(), Some("abc-1"));
    assert_eq!(detail.input.content, Digest::of(b"this request"));
    assert_eq!(detail.input.created_by.as_deref(), Some("Ädà"));
    assert_eq!(detail.input.identity, None);
    assert_eq!(detail.plan.digest, plan.digest);
    assert_eq!(detail.plan.definition, plan.definition);
    assert!(detail.annotations.is_empty());
    let record = detail.record;
    assert_eq!((record.state, record.active, record.remaining), (TaskState::Pending, 1, 2));
    assert_eq!((record.revision, record.priority.get()), (plan.digest, 2));
    assert_eq!((record.created_at, record.updated_at, record.ended_at), (d.clock.now(), d.clock.now(), None));
    d.assert_sound().await;
}

pub async fn a_request_sent_again_is_the_same_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let request = d.request(&plan);
    assert_eq!(d.submit(request.clone()).await, SubmitAnswer::Accepted { state: TaskState::Pending });
    assert_eq!(d.submit(request.clone()).await, SubmitAnswer::AlreadyAccepted);
    let mut other = request.clone();
    other.content = Digest::of(b"other");
    assert_eq!(d.submit(other.clone()).await, SubmitAnswer::IdConflict);
    d.claim_one("a").await;
    assert_eq!(d.submit(request.clone()).await, SubmitAnswer::AlreadyAccepted);
    assert_eq!(d.log(request.id).await.len(), 4);
    d.assert_sound().await;
}

pub async fn one_batch_may_repeat_an_id(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let (one, two) = (d.request(&plan), d.request(&plan));
    let mut conflict = one.clone();
    conflict.content = Digest::of(b"other");
    let submitted = d.submit_all(vec![one.clone(), one.clone(), conflict, two.clone()], None).await;
    let accepted = SubmitAnswer::Accepted { state: TaskState::Pending };
    assert_eq!(
        submitted.answers,
        [accepted.clone(), SubmitAnswer::AlreadyAccepted, SubmitAnswer::IdConflict, accepted]
    );
    assert_eq!(submitted.now, d.clock.now());
    assert_eq!(d.queued(one.id).await, [("a".to_owned(), 0)]);
    assert_eq!(d.queued(two.id).await, [("a".to_owned(), 0)]);
}

pub async fn requests_that_stand_together_are_all_stored_or_none(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (order, unknown) = (plan("order", &[("a", &[])]), plan("other", &[("a", &[])]));
    let bypassed = plan_with("bypassed", &[("a", &[])], |x| x.steps[0].skippable = true);
    d.register(&order).await;
    d.register(&bypassed).await;
    let at_once = Submission { bypass: vec![Ordinal(0)], ..d.request(&bypassed) };
    let good = vec![d.request(&order), at_once, d.request(&order)];
    let stored = d.start(&order).await;
    let again = Submission { content: Digest::of(b"other"), id: stored, ..d.request(&order) };
    let pending = SubmitAnswer::Accepted { state: TaskState::Pending };
    let complete = SubmitAnswer::Accepted { state: TaskState::Complete };
    let batch = |submissions: Vec<Submission>| SubmitBatch {
        together: true,
        budget: Some(budget_for(d.worker, 1, &[HANDLER])),
        ..SubmitBatch::of(submissions, d.rules.clone())
    };
    for (wrong, n_right) in [(d.request(&unknown), 0), (again, 1), (good[0].clone(), 3)] {
        let mut submissions = good.clone();
        submissions.insert(n_right, wrong);
        let refused = d.store.submit(batch(submissions)).await.expect_err("not all are accepted");
        let StoreError::Withheld(answers) = refused else { panic!("{refused:?}") };
        assert_eq!(answers.len(), 4);
        for (i, answer) in answers.iter().enumerate() {
            assert_eq!(matches!(answer, SubmitAnswer::Accepted { .. }), i != n_right, "{i} of {answers:?}");
        }
        for request in &good {
            assert!(d.store.task(request.id).await.expect("read").is_none(), "nothing is stored");
            assert!(d.log(request.id).await.is_empty(), "and nothing told");
        }
        d.assert_sound().await;
    }
    let submitted = d.store.submit(batch(good.clone())).await.expect("all are accepted");
    assert_eq!(submitted.answers[1..], [complete, pending]);
    assert_eq!(submitted.work.len(), 1);
    let views = d.store.task_views(good.iter().map(|request| request.id).collect()).await.expect("read");
    let ids: Vec<_> = views.iter().map(|view| view.detail.record.id).collect();
    assert_eq!(ids, good.iter().map(|request| request.id).collect::<Vec<_>>());
    d.assert_sound().await;
}

pub async fn what_was_decided_is_what_is_read(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan =
        plan_with("order", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])], |x| x.steps[1].skippable = true);
    d.register(&plan).await;
    let later = d.clock.now().plus_seconds(30);
    let bypassing = Submission { bypass: vec![Ordinal(1)], tags: vec!["vip".into()], ..d.request(&plan) };
    for request in [d.request(&plan), bypassing, Submission { not_before: Some(later), ..d.request(&plan) }] {
        let decided = decide::submit(&request, &d.rules, d.clock.now(), None).expect("it has an identity");
        assert_eq!(d.submit(request.clone()).await, SubmitAnswer::Accepted { state: TaskState::Pending });
        assert_eq!(d.steps(request.id).await, decided.steps());
        let read = d.store.task(request.id).await.expect("read a task").expect("the task exists");
        assert_eq!(Some(read.record), decided.change.task);
        assert_eq!(read.input, decided.input);
    }
}

pub async fn a_submit_may_claim_its_first_steps(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &[]), ("c", &["a"])]);
    d.register(&plan).await;
    let requests = vec![d.request(&plan), d.request(&plan)];
    let ids = (requests[0].id, requests[1].id);
    let submitted = d.submit_all(requests, Some(budget_for(d.worker, 3, &[HANDLER]))).await;
    let claimed: Vec<_> = submitted.work.iter().map(|work| (work.claim.task, step_of(work))).collect();
    assert_eq!(claimed, [(ids.0, "a".into()), (ids.0, "b".into()), (ids.1, "a".into())]);
    assert_eq!(submitted.work[0].context.as_str(), r#"{"order":7}"#);
    assert_eq!(d.summary(ids.0).await, "in_progress: a in_progress, b in_progress, c pending");
    assert_eq!(d.summary(ids.1).await, "in_progress: a in_progress, b pending, c pending");
    assert!(matches!(d.succeed(&submitted.work[0].claim).await, Answer::Settled { .. }));
    d.assert_sound().await;
}

pub async fn a_task_may_have_to_wait_for_its_time(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let due = d.clock.now().plus_seconds(30);
    let id = d.start_with(&plan, |r| r.not_before = Some(due)).await;
    d.clock.advance_seconds(29);
    d.claim_exactly(&[]).await;
    assert_eq!(d.state(id).await, TaskState::Pending);
    d.clock.advance_seconds(1);
    d.claim_one("a").await;
}

pub async fn the_latest_version_is_confirmed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let old = plan("order", &[("a", &[])]);
    let new = plan_with("order", &[("a", &[]), ("b", &[])], |x| x.version = version("1.1.0"));
    let beta = plan_with("order", &[("z", &[])], |x| x.version = version("2.0.0-rc.1"));
    d.register(&old).await;
    let latest = |plan| {
        let mut request = d.request(plan);
        request.latest = true;
        request
    };
    let accepted = SubmitAnswer::Accepted { state: TaskState::Pending };
    assert_eq!(d.submit(latest(&old)).await, accepted);
    d.register(&beta).await;
    assert_eq!(d.submit(latest(&old)).await, accepted, "a pre-release is not the latest");
    d.register(&new).await;
    assert_eq!(d.submit(latest(&old)).await, SubmitAnswer::NotLatest);
    assert_eq!(d.submit(latest(&new)).await, accepted);
    assert_eq!(d.submit(d.request(&old)).await, accepted, "an older version may be asked for by name");
}

pub async fn what_is_not_registered_is_refused(store: StoreUnderTest) {
    let d = Driver::new(store);
    let unknown = plan("order", &[("a", &[])]);
    let answer = d.submit(d.request(&unknown)).await;
    let SubmitAnswer::Refused(rejection) = answer else { panic!("{answer:?}") };
    assert!(rejection.message.contains("default.order@1.0.0"), "{}", rejection.message);
    assert_eq!(d.store.tasks(tasker_store::read::TaskFilter::default()).await.expect("list").tasks, []);
}

pub async fn dom_32_a_bypassed_leaf_is_not_executed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[]), ("leaf", &["a"])], |x| x.steps[1].skippable = true);
    let id = d.start_with(&plan, |r| r.bypass = vec![at(&plan, "leaf")]).await;
    assert_eq!(d.summary(id).await, "pending: a pending, leaf resolved_manually");
    let leaf = d.step(id, "leaf").await;
    assert_eq!(leaf.results.as_ref().map(Payload::as_str), Some(r#"{"bypassed":true}"#));
    assert_eq!(leaf.record.attempts, 0);
    assert_eq!(d.drive(|_, _| crate::driver::success("1")).await, [("a".to_owned(), 1)]);
    assert_eq!(d.summary(id).await, "complete: a complete, leaf resolved_manually");
    assert_eq!(d.store.task(id).await.expect("read").expect("exists").input.bypass_steps[0].as_str(), "leaf");
    d.assert_sound().await;
}

pub async fn a_bypassed_parent_holds_up_nobody(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[]), ("b", &["a"])], |x| x.steps[0].skippable = true);
    let id = d.start_with(&plan, |r| r.bypass = vec![at(&plan, "a")]).await;
    let work = d.claim().await.remove(0);
    assert_eq!(step_of(&work), "b");
    let tasker_store::write::Results::Loaded(results) = &work.results else { panic!("small results") };
    assert_eq!(results[0].0, Ordinal(0));
    assert_eq!(results[0].1.as_ref().map(Payload::as_str), Some(r#"{"bypassed":true}"#));
    d.succeed(&work.claim).await;
    assert_eq!(d.state(id).await, TaskState::Complete);
}

pub async fn a_task_with_every_step_bypassed_is_complete_at_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[]), ("b", &["a"])], |x| {
        x.steps.iter_mut().for_each(|step| step.skippable = true);
    });
    d.register(&plan).await;
    let mut request = d.request(&plan);
    let id = request.id;
    request.bypass = vec![Ordinal(0), Ordinal(1)];
    assert_eq!(d.submit(request).await, SubmitAnswer::Accepted { state: TaskState::Complete });
    assert_eq!(
        d.history(id).await,
        [
            "task pending",
            "a pending",
            "b pending",
            "a resolved_manually",
            "b resolved_manually",
            "task in_progress",
            "task complete"
        ]
    );
    assert_eq!(d.record(id).await.ended_at, Some(d.clock.now()));
    d.assert_sound().await;
}

pub async fn steps_that_run_one_at_a_time_start_with_the_first_that_may(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("late", &["a"]), ("a", &[]), ("b", &[])];
    let plan = plan_with("order", steps, |x| x.concurrent = false);
    let id = d.start(&plan).await;
    assert_eq!(d.queued(id).await, [("a".to_owned(), 0)]);
    let order = d.drive(|_, _| crate::driver::success("1")).await;
    let order: Vec<&str> = order.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(order, ["a", "late", "b"], "document order, as far as dependencies allow");
    assert_eq!(d.state(id).await, TaskState::Complete);
    assert_eq!(d.store.task_state(id).await.expect("read"), Some(TaskState::Complete));
    assert!(d.steps(id).await.iter().all(|step| step.record.state == StepState::Complete));
    d.assert_sound().await;
}
