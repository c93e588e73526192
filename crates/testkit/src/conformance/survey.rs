//! What is told of many tasks together, as surveys count it.

use std::collections::BTreeSet;

use tasker_core::decide::{Action, Input};
use tasker_core::ids::TaskId;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::state::TaskState;
use tasker_core::survey::{
    Executions, FailureCount, Population, Spread, Stage, Standing, StepTally, Tallies, Traffic,
};
use tasker_core::time::Timestamp;
use tasker_store::survey::Scope;

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan, plan_with, step_name, version};
use crate::driver::Driver;

/// Before anything happened.
fn long_ago(d: &Driver) -> Timestamp {
    d.clock.now().plus_seconds(-86_400)
}

/// A task of one step that ran so many seconds.
async fn ran_for(d: &Driver, name: &str, seconds: u64) -> TaskId {
    let id = d.start(&plan(name, &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.clock.advance_seconds(seconds);
    d.succeed(&claim).await;
    id
}

async fn long_tasks(d: &Driver, stage: Stage, limit: usize) -> Vec<(TaskId, u64)> {
    let found = d.store.survey_store().long_tasks(&Scope::default(), long_ago(d), stage, limit).await;
    found.expect("look for long tasks").into_iter().map(|row| (row.task_id, row.span.as_secs())).collect()
}

pub async fn of_nothing_everything_is_0(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (surveys, all, since) = (d.store.survey_store(), Scope::default(), long_ago(&d));
    assert_eq!(surveys.standing(&all, since).await.expect("count"), Standing::default());
    assert_eq!(surveys.traffic(&all, since).await.expect("count"), Traffic::default());
    assert_eq!(surveys.population(&all, since).await.expect("count"), Population::default());
    assert_eq!(surveys.step_tallies(&all, since).await.expect("count"), Tallies::default());
    assert_eq!(surveys.failures(&all, since).await.expect("count"), []);
    assert_eq!(surveys.long_steps(&all, since, 10).await.expect("look"), []);
    assert_eq!(long_tasks(&d, Stage::Ended, 10).await, []);
}

pub async fn spans_of_complete_tasks_have_percentiles_and_buckets(store: StoreUnderTest) {
    let d = Driver::new(store);
    let begun_at = d.clock.now();
    for seconds in [20, 5, 100] {
        ran_for(&d, "order", seconds).await;
    }
    let surveys = d.store.survey_store();
    let complete = Spread {
        count: 3,
        total: 125_000_000,
        p50: 20_000_000,
        p95: 100_000_000,
        p99: 100_000_000,
        longest: 100_000_000,
        buckets: [1, 1, 1],
    };
    let expected = Population { tasks: 3, task_types: 1, in_error: 0, complete };
    let population = surveys.population(&Scope::default(), long_ago(&d)).await.expect("count");
    assert_eq!(population, expected);
    // After the first was created.
    let later = surveys.population(&Scope::default(), begun_at).await.expect("count");
    assert_eq!((later.tasks, later.complete.p50), (2, 5_000_000));
    let traffic = surveys.traffic(&Scope::default(), long_ago(&d)).await.expect("count");
    let steps = Executions { count: 3, run: 125_000_000, queued: 0 };
    assert_eq!(traffic, Traffic { created: 3, in_error: 0, complete, steps });
}

pub async fn traffic_counts_by_when_things_happened(store: StoreUnderTest) {
    let d = Driver::new(store);
    let order = plan("order", &[("a", &[]), ("b", &["a"])]);
    d.start(&order).await;
    d.start(&order).await;
    let claims = d.claim().await;
    d.clock.advance_seconds(10);
    let since = d.clock.now();
    d.clock.advance_seconds(1);
    d.succeed(&claims[0].claim).await;
    d.fail_for_good(&claims[1].claim).await;
    let surveys = d.store.survey_store();
    let traffic = surveys.traffic(&Scope::default(), since).await.expect("count");
    let steps = Executions { count: 1, run: 11_000_000, queued: 0 };
    assert_eq!(traffic, Traffic { created: 0, in_error: 1, steps, ..Traffic::default() });
    d.clock.advance_seconds(4);
    let claim = d.claim_one("b").await;
    d.clock.advance_seconds(2);
    d.succeed(&claim).await;
    let traffic = surveys.traffic(&Scope::default(), since).await.expect("count");
    assert_eq!((traffic.complete.count, traffic.complete.p50), (1, 17_000_000));
    assert_eq!(traffic.steps, Executions { count: 2, run: 13_000_000, queued: 4_000_000 });
    let standing = surveys.standing(&Scope::default(), since).await.expect("count");
    let expected = Standing { active: 0, namespaces: 1, task_types: 1, complete: 1, in_error: 1 };
    assert_eq!(standing, expected);
    let later = surveys.standing(&Scope::default(), d.clock.now()).await.expect("count");
    assert_eq!(later, Standing { complete: 0, in_error: 0, ..expected });
}

pub async fn a_step_that_ends_in_a_cancelled_task_was_executed_too(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    let claim = d.claim_one("a").await;
    d.operate(id, Action::CancelTask { force: false }).await;
    let since = d.clock.now();
    d.clock.advance_seconds(3);
    d.succeed(&claim).await;
    let traffic = d.store.survey_store().traffic(&Scope::default(), since).await.expect("count");
    let steps = Executions { count: 1, run: 3_000_000, queued: 0 };
    assert_eq!(traffic, Traffic { steps, ..Traffic::default() });
}

pub async fn steps_are_tallied_by_their_names(store: StoreUnderTest) {
    let d = Driver::new(store);
    let order = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let failed = d.start(&order).await;
    let claim = d.claim_one("a").await;
    d.clock.advance_seconds(10);
    d.succeed(&claim).await;
    for wait in [100, 0] {
        let claim = d.claim_one("b").await;
        d.fail(&claim).await;
        d.clock.advance_seconds(wait);
    }
    d.start(&order).await;
    d.clock.advance_seconds(50);
    let surveys = d.store.survey_store();
    let tallies = surveys.step_tallies(&Scope::default(), long_ago(&d)).await.expect("count");
    let none = StepTally::default();
    let expected = [
        ("a", StepTally { executed: 1, pending: 1, waited: 50_000_000, ..none }),
        ("b", StepTally { executed: 1, retried: 1, pending: 1, waited: 50_000_000, blocked: 1, ..none }),
        // Of the first task since it was created, for b is not done.
        ("c", StepTally { pending: 2, waited: 210_000_000, blocked: 2, ..none }),
    ];
    assert_eq!(tallies, Tallies(expected.map(|(name, tally)| (step_name(name), tally)).into()));
    d.operate(failed, Action::CancelTask { force: false }).await;
    let tallies = surveys.step_tallies(&Scope::default(), long_ago(&d)).await.expect("count");
    assert_eq!(tallies.totals().all.pending, 3);
}

pub async fn every_failed_execution_counts_even_if_the_step_recovered(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    let mut n = 0;
    d.drive(|step, attempt| {
        n += 1;
        let slow = Failure::retryable("StepTimeout", "step_timeout", "too slow");
        let broken = Failure::retryable("Broken", "broken", "quotes \" and \u{fffd}");
        match (step, attempt) {
            ("a", 1 | 2) => Outcome::Failure(slow),
            ("b", 1) => Outcome::Failure(broken),
            _ => crate::driver::success("1"),
        }
    })
    .await;
    assert_eq!(n, 5);
    let surveys = d.store.survey_store();
    let failure =
        |code: &str, class: &str, count| FailureCount { code: code.into(), class: class.into(), count };
    let found = surveys.failures(&Scope::default(), long_ago(&d)).await.expect("count");
    assert_eq!(found, [failure("step_timeout", "StepTimeout", 2), failure("broken", "Broken", 1)]);
    assert_eq!(surveys.failures(&Scope::default(), d.clock.now()).await.expect("count"), []);
    let totals = surveys.step_tallies(&Scope::default(), long_ago(&d)).await.expect("count").totals();
    assert_eq!((totals.all.retried, totals.all.recovered, totals.retry_success_rate()), (2, 2, 100.0));
}

pub async fn only_the_five_commonest_failures_are_told(store: StoreUnderTest) {
    let d = Driver::new(store);
    for code in ["e", "d", "c", "b", "a", "f", "e"] {
        d.start(&plan("order", &[("a", &[])])).await;
        let claim = d.claim_one("a").await;
        let failure = Failure::permanent("Odd", code, "odd");
        d.one(
            claim.task,
            Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: Outcome::Failure(failure) },
        )
        .await;
    }
    let found = d.store.survey_store().failures(&Scope::default(), long_ago(&d)).await.expect("count");
    let codes: Vec<&str> = found.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["e", "a", "b", "c", "d"]);
}

pub async fn long_tasks_that_ended_are_apart_from_those_under_way(store: StoreUnderTest) {
    let d = Driver::new(store);
    let pair = plan("pair", &[("a", &[]), ("b", &[])]);
    let running = d.start(&pair).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.succeed(&claims[0]).await;
    let short = ran_for(&d, "order", 5).await;
    let long = ran_for(&d, "order", 20).await;
    let failed = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.clock.advance_seconds(7);
    d.fail_for_good(&claim).await;
    let cancelled = d.start(&pair).await;
    d.clock.advance_seconds(100);
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    d.start(&pair).await;
    assert_eq!(long_tasks(&d, Stage::Ended, 10).await, [(long, 20), (failed, 7), (short, 5)]);
    assert_eq!(long_tasks(&d, Stage::Ended, 1).await, [(long, 20)]);
    assert_eq!(long_tasks(&d, Stage::Running, 10).await, [(running, 132)]);
    let found = d.store.survey_store().long_tasks(&Scope::default(), long_ago(&d), Stage::Running, 1).await;
    let row = found.expect("look for long tasks").remove(0);
    assert_eq!((row.state, row.steps, row.done, row.in_error), (TaskState::InProgress, 2, 1, 0));
    assert_eq!((row.name.as_str(), row.initiator.as_str(), row.ended_at), ("pair", "unknown", None));
}

pub async fn a_long_step_tells_how_long_it_had_waited(store: StoreUnderTest) {
    let d = Driver::new(store);
    let created_at = d.clock.now();
    let id = d.start(&plan("order", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])])).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.clock.advance_seconds(10);
    d.succeed(&claims[0]).await;
    d.clock.advance_seconds(20);
    d.succeed(&claims[1]).await;
    d.clock.advance_seconds(4);
    let claim = d.claim_one("c").await;
    d.fail(&claim).await;
    d.clock.advance_seconds(6);
    let claim = d.claim_one("c").await;
    d.clock.advance_seconds(15);
    d.succeed(&claim).await;
    let surveys = d.store.survey_store();
    let rows = surveys.long_steps(&Scope::default(), long_ago(&d), 10).await.expect("look for long steps");
    let told: Vec<(&str, u64, u64, u32)> = rows
        .iter()
        .map(|row| (row.step.as_str(), row.span.as_secs(), row.queued.as_secs(), row.attempts))
        .collect();
    assert_eq!(told, [("b", 30, 0, 1), ("c", 15, 10, 2), ("a", 10, 0, 1)]);
    let row = &rows[1];
    assert_eq!((row.task_id, row.created_at, row.completed_at), (id, created_at, d.clock.now()));
    assert_eq!((row.name.as_str(), row.version.to_string(), row.retryable), ("order", "1.0.0".into(), true));
    assert_eq!(surveys.long_steps(&Scope::default(), long_ago(&d), 2).await.expect("look").len(), 2);
    assert_eq!(surveys.long_steps(&Scope::default(), created_at, 2).await.expect("look"), []);
}

pub async fn a_scope_bounds_everything_that_is_counted(store: StoreUnderTest) {
    let d = Driver::new(store);
    let of = |place: &'static str, number: &'static str| {
        plan_with("order", &[("a", &[]), ("b", &["a"])], |x| {
            (x.namespace, x.version) = (namespace(place), version(number));
        })
    };
    for (place, number) in [("shop", "1.0.0"), ("shop", "2.0.0"), ("bank", "1.0.0")] {
        d.start(&of(place, number)).await;
        let claim = d.claim_one("a").await;
        d.fail_for_good(&claim).await;
        d.start(&of(place, number)).await;
        d.drive(|_, _| crate::driver::success("1")).await;
        d.start(&of(place, number)).await;
        let claim = d.claim_one("a").await;
        d.clock.advance_seconds(1);
        d.succeed(&claim).await;
        d.claim_one("b").await;
    }
    let surveys = d.store.survey_store();
    let since = long_ago(&d);
    let tasks_of = async |scope: Scope| {
        let population = surveys.population(&scope, since).await.expect("count");
        let standing = surveys.standing(&scope, since).await.expect("count");
        let traffic = surveys.traffic(&scope, since).await.expect("count");
        let failures = surveys.failures(&scope, since).await.expect("count");
        let running = surveys.long_tasks(&scope, since, Stage::Running, 10).await.expect("look");
        let steps = surveys.long_steps(&scope, since, 100).await.expect("look");
        let tallies = surveys.step_tallies(&scope, since).await.expect("count").totals();
        let n = population.tasks / 3;
        assert_eq!((population.in_error, population.complete.count), (n, n), "{scope:?}");
        assert_eq!((standing.active, standing.complete, standing.in_error), (n, n, n), "{scope:?}");
        assert_eq!(standing.task_types, population.task_types, "{scope:?}");
        assert_eq!((traffic.created, traffic.in_error), (3 * n, n), "{scope:?}");
        assert_eq!((traffic.complete.count, traffic.steps.count), (n, 3 * n), "{scope:?}");
        assert_eq!(failures.iter().map(|row| row.count).sum::<u64>(), n, "{scope:?}");
        assert_eq!((running.len() as u64, steps.len() as u64), (n, 3 * n), "{scope:?}");
        assert_eq!((tallies.all.executed, tallies.all.blocked), (5 * n, n), "{scope:?}");
        n
    };
    let all = Scope::default();
    let seen = |places: &[&str]| Some(places.iter().map(|place| namespace(place)).collect::<BTreeSet<_>>());
    assert_eq!(tasks_of(all.clone()).await, 3);
    assert_eq!(tasks_of(Scope { namespace: Some(namespace("shop")), ..all.clone() }).await, 2);
    assert_eq!(tasks_of(Scope { version: Some(version("1.0.0")), ..all.clone() }).await, 2);
    assert_eq!(tasks_of(Scope { namespaces: seen(&["bank"]), ..all.clone() }).await, 1);
    let both = Scope { namespaces: seen(&["bank"]), namespace: Some(namespace("shop")), ..all.clone() };
    assert_eq!(tasks_of(both).await, 0);
    let unknown = plan("unknown", &[("a", &[])]).definition.name.clone();
    assert_eq!(tasks_of(Scope { name: Some(unknown), ..all.clone() }).await, 0);
    assert_eq!(tasks_of(Scope { namespaces: seen(&[]), ..all }).await, 0);
}
