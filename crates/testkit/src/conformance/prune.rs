//! Deleting what is over and old.

use std::time::Duration;

use tasker_core::decide::Action;
use tasker_core::identity::IdentityStrategy;
use tasker_core::state::TaskState;
use tasker_store::read::{LogQuery, TaskFilter};
use tasker_store::write::{Prune, Pruned, SubmitAnswer};

use crate::StoreUnderTest;
use crate::definitions::plan;
use crate::driver::{Driver, success, worker_id};

fn older_than(seconds: u64, batch: usize) -> Prune {
    Prune { finished_before: Duration::from_secs(seconds), dry_run: false, batch }
}

async fn prune(d: &Driver, request: Prune) -> Pruned {
    d.store.prune(request).await.expect("prune")
}

pub async fn ended_tasks_go_with_their_log(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let old = d.start(&plan).await;
    d.drive(|_, _| success("1")).await;
    d.clock.advance_seconds(100);
    let young = d.start(&plan).await;
    d.drive(|_, _| success("1")).await;
    let open = d.start(&plan).await;
    d.clock.advance_seconds(50);
    let dry = Prune { dry_run: true, ..older_than(60, 10) };
    assert_eq!(prune(&d, dry).await.tasks, 1);
    assert_eq!(d.state(old).await, TaskState::Complete, "a dry run deletes nothing");
    assert_eq!(prune(&d, older_than(60, 10)).await, Pruned { tasks: 1, more: false });
    assert!(d.store.task(old).await.expect("read").is_none());
    assert!(d.steps(old).await.is_empty());
    assert!(d.log(old).await.is_empty());
    assert_eq!((d.state(young).await, d.state(open).await), (TaskState::Complete, TaskState::Pending));
    let log = d.store.log(LogQuery { limit: 100, ..LogQuery::default() }).await.expect("log");
    assert!(log.iter().all(|entry| entry.task != old));
    assert_eq!(prune(&d, older_than(60, 10)).await, Pruned::default());
    d.clock.advance_seconds(1_000_000);
    assert_eq!(prune(&d, older_than(0, 10)).await.tasks, 1, "open tasks stay, however old");
    assert_eq!(d.state(open).await, TaskState::Pending);
    d.assert_sound().await;
}

pub async fn tasks_are_deleted_in_batches(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(d.start(&plan).await);
        d.drive(|_, _| success("1")).await;
        d.clock.advance_seconds(1);
    }
    d.clock.advance_seconds(10);
    assert_eq!(prune(&d, Prune { dry_run: true, ..older_than(5, 2) }).await.tasks, 5, "all that would be");
    assert_eq!(prune(&d, older_than(5, 2)).await, Pruned { tasks: 2, more: true });
    assert!(d.store.task(ids[1]).await.expect("read").is_none(), "the oldest first");
    assert!(d.store.task(ids[2]).await.expect("read").is_some());
    assert_eq!(prune(&d, older_than(5, 2)).await, Pruned { tasks: 2, more: true });
    assert_eq!(prune(&d, older_than(5, 2)).await, Pruned { tasks: 1, more: false });
    let filter = TaskFilter { limit: 1, count_all: true, ..TaskFilter::default() };
    assert_eq!(d.store.tasks(filter).await.expect("list").total, Some(0));
}

pub async fn every_way_to_end_counts(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let failed = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    let resolved = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    d.operate(resolved, Action::ResolveTask).await;
    let cancelled = d.start(&plan).await;
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    d.clock.advance_seconds(10);
    assert_eq!(prune(&d, older_than(5, 100)).await.tasks, 3);
    assert!(d.store.task(failed).await.expect("read").is_none());
}

pub async fn a_pruned_request_may_be_made_again(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let mut request = d.request(&plan);
    request.identity = IdentityStrategy::Hash;
    d.submit(request.clone()).await;
    d.drive(|_, _| success("1")).await;
    d.clock.advance_seconds(5);
    assert_eq!(d.submit(request.clone()).await, SubmitAnswer::AlreadyAccepted);
    prune(&d, older_than(1, 10)).await;
    assert_eq!(d.submit(request).await, SubmitAnswer::Accepted { state: TaskState::Pending });
    d.assert_sound().await;
}

pub async fn workers_that_are_gone_are_forgotten_after_a_day(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(worker_id(5), &[]).await;
    d.beat(worker_id(6), &[]).await;
    d.store.worker_stopped(worker_id(5)).await.expect("stop");
    d.clock.advance_seconds(23 * 3600);
    prune(&d, older_than(0, 10)).await;
    assert_eq!(d.store.workers().await.expect("workers").len(), 2);
    d.clock.advance_seconds(2 * 3600);
    prune(&d, older_than(0, 10)).await;
    let left: Vec<_> = d.store.workers().await.expect("workers").into_iter().map(|row| row.id).collect();
    assert_eq!(left, [worker_id(6)], "a silent worker is judged by others, not by age");
}
