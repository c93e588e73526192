//! What is told of all tasks together: counts, how it went lately, what took longest.

use std::time::Duration;

use tasker_core::decide::Action;
use tasker_core::graph::shapes;
use tasker_core::ids::TaskId;
use tasker_core::state::StepState;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{
    AnalyticsMetrics, Census, HealthCounts, NamespaceCounts, SlowTask, SlowestQuery, VitalSigns,
};
use tasker_store::write::Work;

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan, plan_of, plan_with, version};
use crate::driver::{Driver, at, success};

async fn counts(d: &Driver) -> HealthCounts {
    let counts = d.store.health_counts().await.expect("count");
    assert!(
        counts.active_connections >= 1 && counts.max_connections >= counts.active_connections,
        "{counts:?}"
    );
    let told = HealthCounts { active_connections: 0, max_connections: 0, ..counts };
    let census = d.store.census().await.expect("count by namespace");
    assert!(census.active_connections >= 1 && census.max_connections >= census.active_connections);
    let census = Census { active_connections: 0, max_connections: 0, ..census };
    assert_eq!(census.totals(), told, "namespace by namespace (left) and all together (right)");
    told
}

pub async fn tasks_and_steps_are_counted_by_namespace(store: StoreUnderTest) {
    let d = Driver::new(store);
    let here = plan("order", &[("a", &[]), ("b", &["a"])]);
    let there = plan_with("order", &[("a", &[])], |x| x.namespace = namespace("billing"));
    d.start(&here).await;
    let cancelled = d.start(&here).await;
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    d.start(&there).await;
    let claims = d.claim().await;
    let of = |work: &&Work| work.plan.digest == there.digest;
    d.fail(&claims.iter().find(of).expect("it is claimed").claim).await;
    let counted = d.store.census().await.expect("count by namespace").namespaces;
    let billing = NamespaceCounts {
        tasks: [0, 1, 0, 0, 0, 0],
        steps: [0, 0, 0, 1, 0, 0],
        retryable_errors: 1,
        in_backoff: 1,
        ..NamespaceCounts::none(namespace("billing"))
    };
    let default = NamespaceCounts {
        tasks: [0, 1, 0, 0, 1, 0],
        steps: [1, 1, 0, 0, 2, 0],
        ..NamespaceCounts::none(namespace("default"))
    };
    assert_eq!(counted, [billing, default]);
    counts(&d).await;
}

async fn metrics(d: &Driver, since: Timestamp) -> AnalyticsMetrics {
    d.store.analytics(since).await.expect("compute metrics")
}

/// Before anything happened.
fn long_ago(d: &Driver) -> Timestamp {
    d.clock.now().minus(Duration::from_secs(86_400))
}

async fn slowest(d: &Driver, change: impl FnOnce(&mut SlowestQuery)) -> Vec<SlowTask> {
    let mut query = SlowestQuery { limit: 100, ..SlowestQuery::since(long_ago(d)) };
    change(&mut query);
    d.store.slowest_tasks(query).await.expect("look for slow tasks")
}

pub async fn dom_133_tasks_and_steps_are_counted_by_state(store: StoreUnderTest) {
    let d = Driver::new(store);
    let linear = plan_of("linear", &shapes::linear());
    for _ in 0..2 {
        d.start(&linear).await;
        d.drive(|_, _| success("1")).await;
    }
    d.start(&linear).await;
    let claim = d.claim_one("L1").await;
    d.fail(&claim).await;
    d.start(&linear).await;
    let expected = HealthCounts {
        total_tasks: 4,
        pending_tasks: 1,
        in_progress_tasks: 1,
        complete_tasks: 2,
        total_steps: 24,
        pending_steps: 11,
        complete_steps: 12,
        error_steps: 1,
        retryable_error_steps: 1,
        in_backoff_steps: 1,
        ..HealthCounts::default()
    };
    assert_eq!(counts(&d).await, expected);
}

pub async fn dom_134_without_tasks_all_counts_are_0_and_all_is_well(store: StoreUnderTest) {
    let d = Driver::new(store);
    assert_eq!(counts(&d).await, HealthCounts::default());
    let since = long_ago(&d);
    let expected = AnalyticsMetrics {
        active_tasks_count: 0,
        total_namespaces_count: 0,
        unique_task_types_count: 0,
        system_health_score: 1.0,
        task_throughput: 0,
        completion_count: 0,
        error_count: 0,
        completion_rate: 0.0,
        error_rate: 0.0,
        avg_task_duration: 0.0,
        avg_step_duration: 0.0,
        step_throughput: 0,
        analysis_period_start: since,
        calculated_at: d.clock.now(),
    };
    assert_eq!(metrics(&d, since).await, expected);
    assert_eq!(slowest(&d, |_| ()).await, []);
    assert_eq!(d.store.slowest_steps(SlowestQuery::since(since)).await.expect("look for slow steps"), []);
}

pub async fn dom_135_a_step_whose_wait_is_over_is_not_in_backoff(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    let waiting = |counts: HealthCounts| {
        (
            counts.error_steps,
            counts.retryable_error_steps,
            counts.exhausted_retry_steps,
            counts.in_backoff_steps,
        )
    };
    assert_eq!(waiting(counts(&d).await), (1, 1, 0, 1));
    d.clock.advance(Duration::from_micros(999_999));
    assert_eq!(waiting(counts(&d).await), (1, 1, 0, 1));
    d.clock.advance(Duration::from_micros(1));
    assert_eq!(waiting(counts(&d).await), (1, 1, 0, 0));
    for _ in 0..2 {
        let claim = d.claim_one("a").await;
        d.fail(&claim).await;
        d.clock.advance_seconds(9);
    }
    assert_eq!(waiting(counts(&d).await), (1, 0, 1, 0));
}

pub async fn a_step_that_failed_for_good_is_neither_retryable_nor_exhausted(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.fail_for_good(&claims[0]).await;
    d.succeed(&claims[1]).await;
    let cancelled = d.start(&plan("order", &[("a", &[]), ("b", &[])])).await;
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    let resolved = d.start(&plan("other", &[("a", &[])])).await;
    d.operate(resolved, Action::ResolveStep { step: tasker_core::ids::Ordinal(0), results: None }).await;
    let expected = HealthCounts {
        total_tasks: 3,
        complete_tasks: 1,
        error_tasks: 1,
        cancelled_tasks: 1,
        total_steps: 5,
        complete_steps: 1,
        error_steps: 1,
        cancelled_steps: 2,
        resolved_manually_steps: 1,
        ..HealthCounts::default()
    };
    assert_eq!(counts(&d).await, expected);
    d.operate(id, Action::ResolveTask).await;
    let expected = HealthCounts { error_tasks: 0, resolved_manually_tasks: 1, ..expected };
    assert_eq!(counts(&d).await, expected);
}

pub async fn vital_signs_tell_how_it_went_since_an_instant(store: StoreUnderTest) {
    let d = Driver::new(store);
    let signs = async |since: Timestamp| {
        let signs = d.store.vital_signs(since).await.expect("read vital signs");
        let connections = signs.connections.map(|found| (found.used, found.max));
        assert!(connections.is_none_or(|(used, max)| (1..=max).contains(&used)), "{connections:?}");
        VitalSigns { connections: None, ..signs }
    };
    assert_eq!(signs(long_ago(&d)).await, VitalSigns::default());
    let one = plan("one", &[("a", &[])]);
    d.start(&one).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    d.start(&one).await;
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    let before = VitalSigns {
        ended_tasks: 2,
        failed_tasks: 1,
        executed_steps: 2,
        failed_steps: 1,
        ..VitalSigns::default()
    };
    assert_eq!(signs(long_ago(&d)).await, before);
    assert_eq!(signs(d.clock.now()).await, VitalSigns::default(), "only what came after the instant");
    let since = d.clock.now();
    d.clock.advance_seconds(60);
    // Called off, declared done, not begun, under way and failed once: of these only the last was executed.
    let cancelled = d.start(&one).await;
    d.operate(cancelled, Action::CancelTask { force: false }).await;
    let resolved = d.start(&one).await;
    d.operate(resolved, Action::ResolveStep { step: tasker_core::ids::Ordinal(0), results: None }).await;
    d.start(&plan("two", &[("b", &[]), ("c", &[])])).await;
    let claims = d.claim_exactly(&["b", "c"]).await;
    d.fail(&claims[0]).await;
    d.start(&one).await;
    let after = VitalSigns { ended_tasks: 1, executed_steps: 1, failed_steps: 1, ..VitalSigns::default() };
    assert_eq!(signs(since).await, after);
    let all = VitalSigns { ended_tasks: 3, failed_tasks: 1, executed_steps: 3, failed_steps: 2, ..before };
    assert_eq!(signs(long_ago(&d)).await, all);
}

pub async fn dom_136_a_task_in_progress_is_neither_complete_nor_in_error(store: StoreUnderTest) {
    let d = Driver::new(store);
    let since = long_ago(&d);
    d.start(&plan("order", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])])).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.succeed(&claims[0]).await;
    d.fail(&claims[1]).await;
    let metrics = metrics(&d, since).await;
    assert_eq!((metrics.task_throughput, metrics.completion_count, metrics.error_count), (1, 0, 0));
    assert_eq!((metrics.completion_rate, metrics.error_rate, metrics.active_tasks_count), (0.0, 0.0, 1));
    assert_eq!((metrics.system_health_score, metrics.step_throughput), (1.0, 1));
}

pub async fn metrics_tell_of_what_was_created_and_completed_since(store: StoreUnderTest) {
    let d = Driver::new(store);
    let shop = plan_with("order", &[("a", &[]), ("b", &["a"])], |x| x.namespace = namespace("shop"));
    d.start(&shop).await;
    d.drive(|_, _| success("1")).await;
    d.clock.advance_seconds(7200);
    let since = d.clock.now();
    d.clock.advance_seconds(1);
    for seconds in [1, 2] {
        d.start(&plan("order", &[("a", &[])])).await;
        let claim = d.claim_one("a").await;
        d.clock.advance_seconds(seconds);
        d.succeed(&claim).await;
    }
    d.start(&plan_with("order", &[("a", &[])], |x| x.version = version("2.0.0"))).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    d.start(&shop).await;
    let expected = AnalyticsMetrics {
        active_tasks_count: 1,
        total_namespaces_count: 2,
        unique_task_types_count: 2,
        system_health_score: 0.667,
        task_throughput: 4,
        completion_count: 2,
        error_count: 1,
        completion_rate: 50.0,
        error_rate: 25.0,
        avg_task_duration: 1.5,
        avg_step_duration: 1.5,
        step_throughput: 2,
        analysis_period_start: since,
        calculated_at: d.clock.now(),
    };
    assert_eq!(metrics(&d, since).await, expected);
    let all = metrics(&d, long_ago(&d)).await;
    assert_eq!((all.task_throughput, all.completion_count, all.step_throughput), (5, 3, 4));
    assert_eq!((all.avg_task_duration, all.avg_step_duration), (1.0, 0.75));
}

pub async fn a_step_that_ends_in_a_cancelled_task_counts(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    let claim = d.claim_one("a").await;
    d.operate(id, Action::CancelTask { force: false }).await;
    d.clock.advance_seconds(60);
    let since = d.clock.now();
    d.clock.advance_seconds(2);
    d.succeed(&claim).await;
    let metrics = metrics(&d, since).await;
    assert_eq!((metrics.task_throughput, metrics.step_throughput, metrics.avg_step_duration), (0, 1, 62.0));
}

/// A task whose only step, or first step of six, ran so many seconds.
async fn ran_for(d: &Driver, plan: &std::sync::Arc<tasker_core::plan::Plan>, seconds: u64) -> TaskId {
    let id = d.start(plan).await;
    let claim = d.claim().await.remove(0).claim;
    d.clock.advance_seconds(seconds);
    d.succeed(&claim).await;
    d.drive(|_, _| success("1")).await;
    id
}

pub async fn dom_137_slowest_tasks_come_longest_first(store: StoreUnderTest) {
    let d = Driver::new(store);
    let linear = plan_of("linear", &shapes::linear());
    let shop = plan_with("order", &[("a", &[])], |x| x.namespace = namespace("shop"));
    let newer = plan_with("order", &[("a", &[])], |x| x.version = version("2.0.0"));
    let begun_at = d.clock.now();
    let first = ran_for(&d, &linear, 5).await;
    let second = ran_for(&d, &shop, 9).await;
    let third = ran_for(&d, &newer, 5).await;
    let fourth = ran_for(&d, &plan("order", &[("a", &[])]), 1).await;
    d.start(&plan("idle", &[("a", &[])])).await;
    let ids = |rows: Vec<SlowTask>| rows.into_iter().map(|row| row.task_id).collect::<Vec<_>>();
    assert_eq!(ids(slowest(&d, |_| ()).await), [second, first, third, fourth]);
    assert_eq!(ids(slowest(&d, |q| q.limit = 2).await), [second, first]);
    assert_eq!(ids(slowest(&d, |q| q.limit = 0).await), [second]);
    assert_eq!(ids(slowest(&d, |q| q.namespace = Some(namespace("shop"))).await), [second]);
    let order = linear.definition.name.clone();
    assert_eq!(ids(slowest(&d, |q| q.name = Some(order)).await), [first]);
    assert_eq!(ids(slowest(&d, |q| q.version = Some(version("2.0.0"))).await), [third]);
    assert_eq!(ids(slowest(&d, |q| q.since = begun_at).await), [second, third, fourth]);
    let row = slowest(&d, |_| ()).await.remove(1);
    let expected = SlowTask {
        task_id: first,
        task_name: linear.definition.name.clone(),
        namespace_name: linear.definition.namespace.clone(),
        version: version("1.0.0"),
        duration_seconds: 5.0,
        step_count: 6,
        completed_steps: 6,
        error_steps: 0,
        created_at: begun_at,
        completed_at: begun_at.plus_seconds(5),
        initiator: "unknown".into(),
        source_system: "unknown".into(),
    };
    assert_eq!(row, expected);
}

pub async fn resolved_and_failed_steps_make_a_task_slow_too(store: StoreUnderTest) {
    let d = Driver::new(store);
    let order = plan("order", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
    let id = d.start(&order).await;
    let claims = d.claim_exactly(&["a", "b"]).await;
    d.clock.advance(Duration::from_micros(1_500_499));
    d.fail(&claims[0]).await;
    let figures = |rows: Vec<SlowTask>| {
        let row = rows.into_iter().next().expect("there is one");
        (row.task_id, row.duration_seconds, row.step_count, row.completed_steps, row.error_steps)
    };
    assert_eq!(figures(slowest(&d, |_| ()).await), (id, 1.5, 3, 0, 1));
    d.clock.advance_seconds(1);
    d.operate(id, Action::ResolveStep { step: at(&order, "a"), results: None }).await;
    assert_eq!(figures(slowest(&d, |_| ()).await), (id, 2.5, 3, 1, 0));
}

pub async fn dom_138_waiting_for_parents_does_not_make_a_step_slow(store: StoreUnderTest) {
    let d = Driver::new(store);
    let order = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &[])]);
    let created_at = d.clock.now();
    let id = d.start(&order).await;
    let claims = d.claim_exactly(&["a", "c"]).await;
    d.succeed(&claims[1]).await;
    d.clock.advance_seconds(100);
    d.succeed(&claims[0]).await;
    let claim = d.claim_one("b").await;
    d.fail(&claim).await;
    d.clock.advance_seconds(20);
    let claim = d.claim_one("b").await;
    d.clock.advance_seconds(2);
    d.succeed(&claim).await;
    let rows = d.store.slowest_steps(SlowestQuery::since(long_ago(&d))).await.expect("look for slow steps");
    let names: Vec<(&str, f64)> =
        rows.iter().map(|row| (row.step_name.as_str(), row.duration_seconds)).collect();
    assert_eq!(names, [("a", 100.0), ("b", 2.0)]);
    let row = &rows[1];
    assert_eq!((row.task_id, row.ordinal, row.attempts, row.retryable), (id, at(&order, "b"), 2, true));
    assert_eq!((row.created_at, row.completed_at), (created_at, d.clock.now()));
    assert_eq!((row.step_status, row.task_name.as_str()), (StepState::Complete, "order"));
    let only = SlowestQuery { limit: 1, ..SlowestQuery::since(long_ago(&d)) };
    assert_eq!(d.store.slowest_steps(only).await.expect("look for slow steps").len(), 1);
    let later = SlowestQuery::since(created_at);
    assert_eq!(d.store.slowest_steps(later).await.expect("look for slow steps"), []);
}
