//! Listing tasks and the queue.

use tasker_core::decide::Action;
use tasker_core::definition::{AnnotationRule, AnnotationValue};
use tasker_core::ids::TaskId;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::state::TaskState;
use tasker_store::read::{QueueDepth, TaskFilter, TaskPage, TaskRow};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, handler, namespace, plan, plan_with, step_name, version};
use crate::driver::{Driver, success, task_id};

async fn page(d: &Driver, filter: TaskFilter) -> TaskPage {
    d.store.tasks(filter).await.expect("list")
}

/// Ids of all tasks that match, newest first.
async fn matching(d: &Driver, change: impl FnOnce(&mut TaskFilter)) -> Vec<TaskId> {
    let mut filter = TaskFilter { limit: 100, count_all: true, ..TaskFilter::default() };
    change(&mut filter);
    let page = page(d, filter).await;
    assert_eq!((page.total, page.has_more), (Some(page.tasks.len() as u64), false));
    page.tasks.into_iter().map(|row| row.task_id).collect()
}

pub async fn a_row_tells_what_people_want_to_know(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[]), ("b", &["a"])], |x| x.namespace = namespace("shop"));
    let created_at = d.clock.now();
    let id = d
        .start_with(&plan, |r| {
            (r.initiator, r.source_system, r.reason) = ("ops".into(), "till".into(), "sale".into());
            r.tags = vec!["vip".into()];
        })
        .await;
    d.clock.advance_seconds(2);
    let claim = d.claim_one("a").await;
    d.clock.advance_seconds(2);
    d.succeed(&claim).await;
    let mut row = TaskRow {
        task_id: id,
        namespace: namespace("shop"),
        name: plan.definition.name.clone(),
        version: version("1.0.0"),
        status: TaskState::InProgress,
        total_steps: 2,
        remaining_steps: 1,
        priority: 5,
        initiator: "ops".into(),
        source_system: "till".into(),
        reason: "sale".into(),
        tags: vec!["vip".into()],
        requested_at: created_at,
        created_at,
        updated_at: d.clock.now(),
        completed_at: None,
    };
    let filter = || TaskFilter { limit: 5, ..TaskFilter::default() };
    let expected = TaskPage { tasks: vec![row.clone()], has_more: false, next: None, total: None };
    assert_eq!(page(&d, filter()).await, expected);
    let claim = d.claim_one("b").await;
    d.clock.advance_seconds(1);
    d.succeed(&claim).await;
    row.status = TaskState::Complete;
    (row.remaining_steps, row.updated_at, row.completed_at) = (0, d.clock.now(), Some(d.clock.now()));
    assert_eq!(page(&d, filter()).await.tasks, [row]);
}

pub async fn pages_follow_one_another_newest_first(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(d.start(&plan).await);
    }
    ids.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = TaskFilter { limit: 3, after: after.clone(), count_all: true, ..TaskFilter::default() };
        let page = page(&d, filter).await;
        assert_eq!(page.total, Some(7), "the total does not depend on the page");
        seen.extend(page.tasks.iter().map(|row| row.task_id));
        after = page.next;
        assert_eq!(page.has_more, seen.len() < 7);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, ids);
    let exact = page(&d, TaskFilter { limit: 7, ..TaskFilter::default() }).await;
    assert_eq!((exact.tasks.len(), exact.has_more, exact.total), (7, false, None));
}

pub async fn tasks_are_found_by_their_definition(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("a", &[])];
    let old = d.start(&plan("order", steps)).await;
    let new = d.start(&plan_with("order", steps, |x| x.version = version("2.0.0"))).await;
    let elsewhere = d.start(&plan_with("order", steps, |x| x.namespace = namespace("shop"))).await;
    let other = d.start(&plan("refund", steps)).await;
    assert_eq!(matching(&d, |_| {}).await, [other, elsewhere, new, old]);
    assert_eq!(matching(&d, |f| f.namespace = Some(namespace("shop"))).await, [elsewhere]);
    assert_eq!(matching(&d, |f| f.namespace = Some(namespace("none"))).await, []);
    let order = plan("order", steps).definition.name.clone();
    assert_eq!(matching(&d, |f| f.name = Some(order.clone())).await, [elsewhere, new, old]);
    let both = |f: &mut TaskFilter| {
        f.name = Some(order.clone());
        f.version = Some(version("2.0.0"));
    };
    assert_eq!(matching(&d, both).await, [new]);
    assert_eq!(matching(&d, |f| f.version = Some(version("1.0.0"))).await, [other, elsewhere, old]);
}

pub async fn tasks_are_found_by_their_state(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let done = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    let failed = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    let cancelled = d.start(&plan).await;
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    let running = d.start(&plan).await;
    d.claim_one("a").await;
    let pending = d.start(&plan).await;
    for (states, expected) in [
        (vec![TaskState::Pending], vec![pending]),
        (vec![TaskState::InProgress], vec![running]),
        (vec![TaskState::Error, TaskState::Complete], vec![failed, done]),
        (vec![TaskState::ResolvedManually], vec![]),
        (vec![], vec![pending, running, cancelled, failed, done]),
    ] {
        assert_eq!(matching(&d, |f| f.states = states.clone()).await, expected, "{states:?}");
    }
}

pub async fn tasks_are_found_by_tag_and_time(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let tagged = async |tags: &[&str]| {
        d.start_with(&plan, |r| r.tags = tags.iter().map(|tag| (*tag).to_owned()).collect()).await
    };
    let one = tagged(&["vip", "eu"]).await;
    d.clock.advance_seconds(1);
    let start = d.clock.now();
    let two = tagged(&["vip\"x", "EU"]).await;
    d.clock.advance_seconds(1);
    let three = tagged(&["vip"]).await;
    let tag = |text: &str| {
        let text = text.to_owned();
        move |f: &mut TaskFilter| f.tags = vec![text]
    };
    assert_eq!(matching(&d, tag("vip")).await, [three, one], "whole tags");
    assert_eq!(matching(&d, tag("eu")).await, [one], "tags are case-sensitive");
    assert_eq!(matching(&d, tag("vip\"x")).await, [two]);
    assert_eq!(matching(&d, tag("vi")).await, []);
    assert_eq!(matching(&d, |f| f.created.from = Some(start)).await, [three, two], "from this instant on");
    let both = |f: &mut TaskFilter| {
        f.created.from = Some(start);
        f.tags = vec!["vip".into()];
    };
    assert_eq!(matching(&d, both).await, [three]);
}

pub async fn tasks_are_found_by_annotation(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[])], |x| {
        let rule = |kind: &str, pointer: &str| AnnotationRule {
            kind: kind.into(),
            from_step: step_name("a"),
            value: AnnotationValue::Pointer(pointer.into()),
        };
        x.annotations = vec![rule("first", "/one"), rule("second", "/two")];
    });
    let mut ids = Vec::new();
    for result in [
        r#"{"one":{"status":"paid","n":1},"two":{"status":"open"}}"#,
        r#"{"one":{"status":"open","n":2},"two":{"status":"paid","ok":true}}"#,
    ] {
        ids.push(d.start(&plan).await);
        let claim = d.claim_one("a").await;
        d.settle(&claim, success(result)).await;
    }
    for (kind, key, text, expected) in [
        ("first", "status", "paid", vec![ids[0]]),
        ("second", "status", "paid", vec![ids[1]]),
        ("first", "n", "2", vec![ids[1]]),
        ("second", "ok", "true", vec![ids[1]]),
        ("first", "ok", "true", vec![]),
        ("third", "status", "paid", vec![]),
        ("first", "status", "pai", vec![]),
        ("first", "sta\"tus", "paid", vec![]),
    ] {
        let annotation = (kind.to_owned(), key.to_owned(), text.to_owned());
        let found = matching(&d, |f| f.annotations = vec![annotation.clone()]).await;
        assert_eq!(found, expected, "{annotation:?}");
    }
}

pub async fn tasks_are_read_with_all_that_belongs_to_them(store: StoreUnderTest) {
    let d = Driver::new(store);
    let noted = plan_with("noted", &[("a", &[]), ("b", &["a"])], |x| {
        let value = AnnotationValue::Pointer("/n".into());
        x.annotations = vec![AnnotationRule { kind: "seen".into(), from_step: step_name("a"), value }];
    });
    let wide = plan("wide", &[("x", &[]), ("y", &[]), ("z", &["x", "y"])]);
    let (one, two, three) = (d.start(&noted).await, d.start(&wide).await, d.start(&noted).await);
    d.drive(|step, _| {
        if step == "x" {
            Outcome::Failure(Failure::permanent("Broken", "broken", "it broke"))
        } else {
            success(r#"{"n":7}"#)
        }
    })
    .await;
    let views = d.store.task_views(vec![three, task_id(99), one, two]).await.expect("read");
    let ids: Vec<_> = views.iter().map(|view| view.detail.record.id).collect();
    assert_eq!(ids, [three, one, two]);
    for view in &views {
        let id = view.detail.record.id;
        let alone = d.store.task(id).await.expect("read").expect("it exists");
        assert_eq!(view.detail.record, alone.record);
        assert_eq!(view.detail.input, alone.input);
        assert_eq!(view.detail.annotations, alone.annotations);
        assert_eq!(view.detail.plan.digest, alone.plan.digest);
        assert_eq!(view.steps, d.steps(id).await);
    }
    assert_eq!(views[0].detail.annotations[0].value.as_str(), "7");
    assert!(views[2].detail.annotations.is_empty() && views[2].steps[0].error.is_some());
    assert!(d.store.task_views(Vec::new()).await.expect("read").is_empty());
}

pub async fn what_does_not_exist_is_absent(store: StoreUnderTest) {
    let d = Driver::new(store);
    assert!(d.store.task(task_id(1)).await.expect("read").is_none());
    assert_eq!(d.store.task_state(task_id(1)).await.expect("read"), None);
    assert!(d.steps(task_id(1)).await.is_empty());
    assert!(d.log(task_id(1)).await.is_empty());
    assert_eq!(matching(&d, |_| {}).await, []);
    assert_eq!(d.store.queue().await.expect("queue"), []);
}

pub async fn the_queue_is_counted_per_handler(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("a", &[]), ("b", &[]), ("c", &[]), ("x", &[]), ("waits", &["a"])];
    let plan = plan_with("order", steps, |x| x.steps[3].handler = handler("other"));
    d.start(&plan).await;
    let start = d.clock.now();
    let claims = d.claim_exactly(&["a", "b", "c"]).await;
    d.settle(&claims[0], Outcome::Failure(Failure::retryable("Busy", "busy", "later").after(40))).await;
    d.settle(&claims[1], Outcome::Failure(Failure::retryable("Busy", "busy", "later").after(20))).await;
    d.clock.advance_seconds(30);
    let depth = |name: &str, due, later, running, next_due_at| QueueDepth {
        handler: handler(name),
        due,
        later,
        running,
        next_due_at: Some(next_due_at),
    };
    let expected = [depth("other", 1, 0, 0, start), depth(HANDLER, 1, 1, 1, start.plus_seconds(20))];
    assert_eq!(d.store.queue().await.expect("queue"), expected);
}
