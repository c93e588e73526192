//! `spec/domain.md` 14.10: many workers, lost workers, repeated outcomes.

use tasker_core::decide::{Answer, Input};
use tasker_core::graph::shapes::{self, Shape};
use tasker_core::ids::TaskId;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::state::{StepState, TaskState};
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, Work};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, definition_of, plan, plan_of};
use crate::driver::{Driver, budget_for, key, success, worker_id};
use crate::random::Rng;

pub async fn dom_127_the_step_of_a_killed_worker_is_executed_again(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (killed, other) = (worker_id(5), worker_id(6));
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    d.beat(killed, &[]).await;
    d.beat(other, &[]).await;
    let claim = d.claim_as(killed, 1).await.remove(0).claim;
    d.clock.advance_seconds(5);
    assert!(d.beat(other, &[]).await.orphans.is_empty(), "the lease is not over");
    d.clock.advance_seconds(2);
    let orphans = d.beat(other, &[]).await.orphans;
    assert_eq!(orphans, [key(&claim)]);
    let settled = d.settle(&claim, Outcome::LeaseExpired).await;
    assert_eq!(settled, Answer::Settled { state: StepState::Error, retry_at: Some(d.clock.now()) });
    let step = d.step(id, "a").await;
    assert_eq!((step.record.state, step.record.attempts), (StepState::Error, 1));
    assert_eq!(step.error.expect("it says why").class, "LeaseExpired");
    assert_eq!(d.drive(|_, _| success("1")).await, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!((d.state(id).await, d.step(id, "a").await.record.attempts), (TaskState::Complete, 2));
    d.assert_sound().await;
}

pub async fn dom_128_the_outcome_of_a_paused_worker_is_dropped(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (paused, other) = (worker_id(5), worker_id(6));
    let id = d.start(&plan("order", &[("a", &[])])).await;
    d.beat(paused, &[]).await;
    let old = d.claim_as(paused, 1).await.remove(0).claim;
    d.clock.advance_seconds(3);
    d.beat(other, &[]).await;
    d.clock.advance_seconds(4);
    let orphans = d.beat(other, &[]).await.orphans;
    assert_eq!(orphans.len(), 1);
    d.settle(&old, Outcome::LeaseExpired).await;
    let new = d.claim_as(other, 1).await.remove(0).claim;
    d.settle(&new, success(r#"{"by":"other"}"#)).await;
    assert_eq!(d.settle(&old, success(r#"{"by":"paused"}"#)).await, Answer::Stale);
    assert!(d.beat(paused, &[key(&old)]).await.lost);
    let step = d.step(id, "a").await;
    assert_eq!(step.results.expect("done").as_str(), r#"{"by":"other"}"#);
    assert_eq!((d.state(id).await, step.record.attempts), (TaskState::Complete, 2));
    d.assert_sound().await;
}

pub async fn a_paused_worker_that_is_quicker_than_its_rescuer_wins(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    assert_eq!(d.settle(&claim, Outcome::LeaseExpired).await, Answer::Stale);
    assert_eq!(d.state(id).await, TaskState::Complete);
}

pub async fn dom_130_what_one_worker_has_another_cannot_take(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan_of("order", &shapes::small())).await;
    assert_eq!(d.claim_as(worker_id(5), 9).await.len(), 2);
    let before = d.log(id).await;
    assert!(d.claim_as(worker_id(6), 9).await.is_empty());
    assert_eq!(d.log(id).await, before);
}

pub async fn dom_131_many_tasks_with_failures_all_complete(store: StoreUnderTest) {
    let d = Driver::new(store);
    let shapes: [Shape; 5] =
        [shapes::small(), shapes::linear(), shapes::diamond(), shapes::tree(), shapes::parallel_merge()];
    let mut n_steps = 0;
    let mut tasks: Vec<TaskId> = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        let definition = definition_of(&format!("shape{number}"), shape);
        let plan = tasker_core::plan::Plan::new(definition);
        d.register(&plan).await;
        let requests: Vec<_> = (0..200).map(|_| d.request(&plan)).collect();
        tasks.extend(requests.iter().map(|request| request.id));
        n_steps += 200 * plan.graph.n_steps();
        d.submit_all(requests, None).await;
    }
    let (n_executions, n_failures) = work_off(&d).await;
    assert!(n_failures > n_steps / 10, "{n_failures} of {n_steps}");
    assert_eq!(n_executions, n_steps + n_failures);
    for task in tasks {
        assert_eq!(d.state(task).await, TaskState::Complete);
    }
    d.assert_sound().await;
}

/// Several workers by turns, each settling what it claimed together with its next claim. One first attempt in five
/// fails. Answers with the numbers of executions and of failures.
async fn work_off(d: &Driver) -> (usize, usize) {
    let mut rng = Rng::new(131);
    let mut held: Vec<Vec<Work>> = (0..4).map(|_| Vec::new()).collect();
    let (mut n_executions, mut n_failures) = (0, 0);
    for turn in 0.. {
        let place = turn % held.len();
        let mut settle = |work: &Work| {
            n_executions += 1;
            let fails = work.claim.attempt == 1 && rng.percent(20);
            n_failures += usize::from(fails);
            let failure = || Outcome::Failure(Failure::retryable("Broken", "broken", "it broke"));
            let outcome = if fails { failure() } else { success("1") };
            (work.claim.task, Input::Settle { step: work.claim.ordinal, fence: work.claim.fence, outcome })
        };
        let inputs = held[place].iter().map(&mut settle).collect();
        let budget = budget_for(worker_id(10 + place as u64), 40, &[HANDLER]);
        let claiming = Some(Claiming { budget, from_queue: FromQueue::Last });
        let batch = ApplyBatch { inputs, rules: d.rules.clone(), claiming };
        let applied = d.store.apply(batch).await.expect("apply");
        assert!(applied.answers.iter().all(|answer| matches!(answer, Answer::Settled { .. })));
        held[place] = applied.work;
        if held.iter().all(Vec::is_empty) {
            match applied.next_due {
                Some(due) => d.clock.set(due.max(d.clock.now())),
                None => break,
            }
        }
    }
    (n_executions, n_failures)
}
