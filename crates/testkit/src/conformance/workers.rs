//! Heartbeats, lost workers, rescue.

use std::time::Duration;

use tasker_core::decide::{Action, Answer};
use tasker_core::ids::{Fence, Ordinal};
use tasker_core::outcome::Outcome;
use tasker_core::state::TaskState;
use tasker_store::workers::{ClaimKey, WorkerRow};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, handler, plan};
use crate::driver::{Driver, heartbeat, key, step_of, success, task_id, worker_id};

async fn workers(d: &Driver) -> Vec<WorkerRow> {
    d.store.workers().await.expect("list workers")
}

pub async fn the_first_heartbeat_registers_a_worker(store: StoreUnderTest) {
    let d = Driver::new(store);
    let started_at = d.clock.now();
    d.beat(worker_id(5), &[]).await;
    d.clock.advance_seconds(2);
    let answer = d.beat(worker_id(6), &[]).await;
    assert_eq!((answer.now, answer.lost), (d.clock.now(), false));
    d.beat(worker_id(5), &[]).await;
    d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    d.claim_as(worker_id(5), 9).await;
    let rows = workers(&d).await;
    let expected = WorkerRow {
        id: worker_id(5),
        name: "host:1".into(),
        version: "0.1.0".into(),
        handlers: vec![handler(HANDLER)],
        capacity: 10,
        running: 2,
        started_at,
        heartbeat_at: d.clock.now(),
        lost_at: None,
        stopped_at: None,
    };
    assert_eq!((rows.len(), rows[0].id), (2, worker_id(6)), "newest first");
    assert_eq!(rows[1], expected);
}

pub async fn a_silent_worker_is_lost(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(worker_id(5), &[]).await;
    d.clock.advance(Duration::from_millis(5_900));
    d.beat(worker_id(6), &[]).await;
    assert!(workers(&d).await.iter().all(WorkerRow::is_live));
    d.clock.advance(Duration::from_millis(200));
    d.beat(worker_id(6), &[]).await;
    let rows = workers(&d).await;
    assert_eq!((rows[0].lost_at, rows[1].lost_at), (None, Some(d.clock.now())));
    assert!(d.beat(worker_id(5), &[]).await.lost, "it cannot come back under this id");
    assert_eq!(workers(&d).await[1].heartbeat_at, rows[1].heartbeat_at);
}

pub async fn only_who_may_judge_does(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(worker_id(5), &[]).await;
    d.clock.advance_seconds(60);
    let mut beat = heartbeat(worker_id(6), &[]);
    beat.may_judge = false;
    d.store.heartbeat(beat).await.expect("heartbeat");
    assert!(workers(&d).await.iter().all(WorkerRow::is_live));
    assert!(!d.beat(worker_id(5), &[]).await.lost);
}

pub async fn whoever_was_not_heard_for_a_lease_judges_nobody(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(worker_id(5), &[]).await;
    d.beat(worker_id(6), &[]).await;
    d.clock.advance_seconds(60);
    d.beat(worker_id(6), &[]).await;
    d.beat(worker_id(7), &[]).await;
    assert!(workers(&d).await.iter().all(WorkerRow::is_live), "the machine slept; 5 may beat in a moment");
    d.clock.advance_seconds(1);
    d.beat(worker_id(6), &[]).await;
    let lost: Vec<_> = workers(&d).await.into_iter().filter(|row| !row.is_live()).map(|row| row.id).collect();
    assert_eq!(lost, [worker_id(5)]);
}

pub async fn a_claim_of_a_cancelled_task_that_nobody_heard_of_is_to_be_given_back(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(d.worker, &[]).await;
    d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.operate(claim.task, Action::CancelTask { force: false }).await;
    d.clock.advance_seconds(3);
    let answer = d.beat(d.worker, &[]).await;
    let unknown: Vec<ClaimKey> = answer.unknown.iter().map(|work| ClaimKey::from(&work.claim)).collect();
    assert_eq!((unknown, answer.revoked), (vec![key(&claim)], vec![key(&claim)]));
}

pub async fn claims_of_lost_stopped_and_unknown_workers_are_orphans(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let claim_as = async |worker| {
        d.start(&plan).await;
        d.claim_as(worker, 1).await.remove(0).claim
    };
    d.beat(worker_id(5), &[]).await;
    d.beat(worker_id(6), &[]).await;
    let lost = claim_as(worker_id(5)).await;
    let stopped = claim_as(worker_id(6)).await;
    let unknown = claim_as(worker_id(7)).await;
    d.clock.advance_seconds(3);
    d.beat(worker_id(8), &[]).await;
    let live = claim_as(worker_id(8)).await;
    d.store.worker_stopped(worker_id(6)).await.expect("stop");
    d.clock.advance_seconds(4);
    let mut orphans = d.beat(worker_id(8), &[key(&live)]).await.orphans;
    orphans.sort_unstable();
    assert_eq!(orphans, [key(&lost), key(&stopped), key(&unknown)]);
    let mut beat = heartbeat(worker_id(8), &[key(&live)]);
    beat.rescue_limit = 2;
    assert_eq!(d.store.heartbeat(beat).await.expect("heartbeat").orphans.len(), 2);
    for claim in [&lost, &stopped, &unknown] {
        assert!(matches!(d.settle(claim, Outcome::LeaseExpired).await, Answer::Settled { .. }));
        assert_eq!(
            d.settle(claim, Outcome::LeaseExpired).await,
            Answer::AlreadySettled,
            "two rescuers do no harm"
        );
    }
    assert!(d.beat(worker_id(8), &[key(&live)]).await.orphans.is_empty());
    assert_eq!(d.claim_as(worker_id(8), 9).await.len(), 3);
    d.assert_sound().await;
}

pub async fn a_worker_that_stopped_is_told_so(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(worker_id(5), &[]).await;
    d.clock.advance_seconds(1);
    d.store.worker_stopped(worker_id(5)).await.expect("stop");
    let stopped_at = Some(d.clock.now());
    d.clock.advance_seconds(1);
    d.store.worker_stopped(worker_id(5)).await.expect("stop");
    d.store.worker_stopped(worker_id(99)).await.expect("an unknown worker is no error");
    let rows = workers(&d).await;
    assert_eq!((rows.len(), rows[0].stopped_at, rows[0].lost_at), (1, stopped_at, None));
    assert!(d.beat(worker_id(5), &[]).await.lost);
}

pub async fn a_worker_learns_which_claims_it_lost(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.beat(d.worker, &[]).await;
    let mut claims = Vec::new();
    for _ in 0..5 {
        d.start(&plan).await;
        claims.push(d.claim_one("a").await);
    }
    let [kept, settled, cancelled, step_cancelled, taken_over] = &claims[..] else { panic!("five claims") };
    d.succeed(settled).await;
    d.operate(cancelled.task, Action::CancelTask { force: false }).await;
    d.operate(step_cancelled.task, Action::CancelStep(Ordinal(0))).await;
    d.settle(taken_over, Outcome::Interrupted).await;
    assert_eq!(d.claim_as(worker_id(9), 1).await[0].claim.fence, Fence(2));
    let unheard_of = ClaimKey { task: task_id(999), ordinal: Ordinal(0), fence: Fence(1) };
    let mut held: Vec<ClaimKey> = claims.iter().map(key).collect();
    held.push(unheard_of);
    let mut revoked = d.beat(d.worker, &held).await.revoked;
    revoked.sort_unstable();
    let expected = [key(settled), key(cancelled), key(step_cancelled), key(taken_over), unheard_of];
    assert_eq!(revoked, expected);
    assert_eq!(d.state(kept.task).await, TaskState::InProgress);
}

pub async fn a_worker_learns_of_claims_it_never_heard_of(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.beat(d.worker, &[]).await;
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    d.start_with(&plan, |r| r.correlation_id = Some("abc-1".into())).await;
    let first = d.claim_one("a").await;
    d.settle(&first, success(r#"{"n":1}"#)).await;
    let claim = d.claim_one("b").await;
    assert!(d.beat(d.worker, &[]).await.unknown.is_empty(), "it may be on its way");
    d.clock.advance_seconds(3);
    assert!(d.beat(d.worker, &[key(&claim)]).await.unknown.is_empty(), "it knows it");
    let unknown = d.beat(d.worker, &[]).await.unknown;
    assert_eq!(unknown.len(), 1);
    assert_eq!((&unknown[0].claim, step_of(&unknown[0])), (&claim, "b".to_owned()));
    assert_eq!(unknown[0].correlation_id.as_deref(), Some("abc-1"));
    let tasker_store::write::Results::Loaded(results) = &unknown[0].results else { panic!("small results") };
    assert_eq!(results[0].1.as_ref().expect("done").as_str(), r#"{"n":1}"#);
    assert!(d.beat(worker_id(9), &[]).await.unknown.is_empty(), "it is not another worker's business");
    assert!(matches!(d.succeed(&unknown[0].claim).await, Answer::Settled { .. }));
}
