//! `/analytics`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tasker_core::plan::Plan;
use tasker_core::survey::{FailureCount, LongStep, LongTask, Population, Stage, Standing, Tallies, Traffic};
use tasker_core::time::Timestamp;
use tasker_http::ApiOptions;
use tasker_store::survey::{Scope, SurveyStore};
use tasker_store::wrapper::Wrapper;
use tasker_store::{Store, StoreError};
use tasker_testkit::definitions::{namespace, plan_with, version};
use tasker_testkit::driver::Driver;

use crate::roles::believing;
use crate::server::{Answer, Server};

/// A definition of one step.
pub fn one_step(place: &str, name: &str, number: &str) -> Arc<Plan> {
    plan_with(name, &[("only", &[])], |x| (x.namespace, x.version) = (namespace(place), version(number)))
}

/// Lets a task run for so many seconds.
pub async fn run(d: &Driver, plan: &Arc<Plan>, seconds: u64) {
    d.start(plan).await;
    let claim = d.claim_one("only").await;
    d.clock.advance_seconds(seconds);
    d.succeed(&claim).await;
}

/// As many tasks as are told of.
fn total(answer: &Answer) -> &Value {
    &answer.body["scope_summary"]["total_tasks"]
}

#[tokio::test]
async fn api_93_metrics_and_analytics_are_for_those_who_say_who_they_are() {
    let server = Server::with(believing()).await;
    for path in ["/metrics", "/analytics/performance", "/analytics/bottlenecks"] {
        server.get(path).await.problem(401, "AUTHENTICATION_FAILED");
    }
    server.get_as("tasker.task:index", "/analytics/performance").await.problem(403, "AUTHORIZATION_FAILED");
    server.get_as("tasker.analytics:index", "/analytics/performance").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn api_123_three_tasks_of_5_20_and_100_seconds_are_told_as_they_were() {
    let server = Server::start().await;
    let (d, plan) = (server.driver(), one_step("default", "job", "1.0.0"));
    for seconds in [5, 20, 100] {
        run(&d, &plan, seconds).await;
    }
    let found = server.get("/analytics/bottlenecks").await.expect(200).body;
    let distribution = &found["performance_distribution"];
    assert_eq!(distribution["percentiles"], json!({"p50": 20.0, "p95": 100.0, "p99": 100.0}));
    let buckets = json!([
        {"range": "0-10s", "count": 1}, {"range": "10-30s", "count": 1}, {"range": "30s+", "count": 1},
    ]);
    assert_eq!(distribution["distribution_buckets"], buckets);
    let analysis = &found["bottleneck_analysis"];
    let spans = |list: &str| {
        let rows = analysis[list].as_array().unwrap().iter();
        rows.map(|row| row["duration_seconds"].as_f64().unwrap()).collect::<Vec<f64>>()
    };
    assert_eq!(spans("slowest_tasks"), [100.0, 20.0, 5.0]);
    assert_eq!(spans("slowest_steps"), [100.0, 20.0, 5.0]);
    let slowest = &analysis["slowest_tasks"][0];
    assert_eq!((&slowest["step_count"], &slowest["completed_steps"]), (&json!(1), &json!(1)));
    assert_eq!((&slowest["status"], &slowest["error_steps"]), (&json!("complete"), &json!(0)));
    assert_eq!(analysis["slowest_steps"][0]["queue_seconds"], 0.0);
    assert_eq!(
        found["scope_summary"],
        json!({"total_tasks": 3, "unique_task_types": 1, "time_span_hours": 24.0})
    );
    let codes: Vec<&Value> =
        found["recommendations"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["LONG_TASKS"]);
    assert_eq!(found["recommendations"][0]["evidence"]["mean_seconds"], 41.667);
    assert_eq!((&found["analysis_period_hours"], &found["partial_failures"]), (&json!(24), &json!([])));
    let performance = server.get("/analytics/performance").await.expect(200).body;
    let trend = &performance["performance_trends"]["last_hour"];
    assert_eq!((&trend["avg_task_duration"], &trend["p50"]), (&json!(41.667), &json!(20.0)));
    assert_eq!((&trend["task_throughput"], &trend["completion_rate"]), (&json!(3), &json!(100.0)));
    assert_eq!((&trend["step_throughput"], &trend["avg_step_duration"]), (&json!(3), &json!(41.667)));
    assert_eq!(performance["system_overview"]["system_health_score"], 1.0);
    server.stop().await;
}

#[tokio::test]
async fn api_124_each_filter_has_an_answer_of_its_own() {
    let server = Server::start().await;
    let d = server.driver();
    let definitions = [
        ("x", "x", "2.0.0"),
        ("x", "y", "1.0.0"),
        ("x", "y", "2.0.0"),
        ("y", "x", "2.0.0"),
        ("y", "y", "2.0.0"),
    ];
    for (place, name, number) in definitions {
        run(&d, &one_step(place, name, number), 1).await;
    }
    for (query, expected) in [
        ("?namespace=x", 3),
        ("?name=x", 2),
        ("?version=2.0.0", 4),
        ("?version=x", 0),
        ("?namespace=x&name=y", 2),
        ("?name=x&namespace=y", 1),
        ("", 5),
    ] {
        for cached in [false, true] {
            let found = server.get(&format!("/analytics/bottlenecks{query}")).await.expect(200);
            assert_eq!(found.header("cache-control"), "no-store");
            assert_eq!(
                (total(&found), &found.body["cache_info"]["cached"]),
                (&json!(expected), &json!(cached)),
                "{query}"
            );
        }
        let overview = server.get(&format!("/analytics/performance{query}")).await.expect(200).body;
        let trend = &overview["performance_trends"]["last_24_hours"];
        assert_eq!(trend["task_throughput"], expected, "{query}");
    }
    let told =
        server.get("/analytics/bottlenecks?name=y&version=2.0.0&period=3&limit=1").await.expect(200).body;
    assert_eq!(told["scope"], json!({"name": "y", "version": "2.0.0"}));
    assert_eq!(told["bottleneck_analysis"]["slowest_steps"].as_array().unwrap().len(), 1);
    assert_eq!(told["cache_info"], json!({"cached": false, "age_seconds": 0.0, "ttl_seconds": 120.0}));
    server.stop().await;
}

#[tokio::test]
async fn api_125_periods_and_names_that_cannot_be_are_refused() {
    let server = Server::start().await;
    for period in ["0", "-5", "abc", "721", "1.5"] {
        let refused = server.get(&format!("/analytics/bottlenecks?period={period}")).await;
        assert_eq!(refused.problem(400, "INVALID_PARAMETER").places(), ["period"], "{period}");
    }
    let long = "a".repeat(65);
    for query in [
        "limit=0".into(),
        "limit=51".into(),
        format!("namespace={long}"),
        format!("name={long}"),
        format!("version={long}"),
    ] {
        server.get(&format!("/analytics/bottlenecks?{query}")).await.problem(400, "INVALID_PARAMETER");
    }
    server.get("/analytics/performance?period=24").await.problem(400, "INVALID_PARAMETER");
    for period in ["1", "720"] {
        server.get(&format!("/analytics/bottlenecks?period={period}")).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_126_of_nothing_everything_is_0_and_nothing_is_invented() {
    let server = Server::start().await;
    run(&server.driver(), &one_step("default", "job", "1.0.0"), 100).await;
    let found = server.get("/analytics/bottlenecks?namespace=nowhere").await.expect(200).body;
    let expected = json!({
        "slowest_tasks": [], "longest_running": [], "slowest_steps": [],
        "error_patterns": {"total_errors": 0, "recent_error_rate": 0.0, "common_error_types": [], "retry_success_rate": 0.0},
        "dependency_bottlenecks": {"blocking_dependencies": 0, "avg_wait_time": 0.0, "most_blocked_steps": []},
    });
    assert_eq!(found["bottleneck_analysis"], expected);
    assert_eq!((&found["recommendations"], &found["partial_failures"]), (&json!([]), &json!([])));
    assert_eq!(found["performance_distribution"]["percentiles"], json!({"p50": 0.0, "p95": 0.0, "p99": 0.0}));
    let performance = server.get("/analytics/performance?namespace=nowhere").await.expect(200).body;
    let overview = json!({"active_tasks": 0, "total_namespaces": 0, "unique_task_types": 0, "system_health_score": null});
    assert_eq!(performance["system_overview"], overview);
    for (name, value) in performance["performance_trends"]["last_4_hours"].as_object().unwrap() {
        assert_eq!(value.as_f64(), Some(0.0), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_failed_and_what_waits_is_named() {
    let server = Server::start().await;
    let (d, plan) = (server.driver(), server.register("order", |_| {}).await);
    d.start(&plan).await;
    for _ in 0..2 {
        let claim = d.claim_one("one").await;
        d.fail(&claim).await;
        d.clock.advance_seconds(400);
    }
    let found = server.get("/analytics/bottlenecks").await.expect(200).body;
    let analysis = &found["bottleneck_analysis"];
    let errors = json!([{"code": "broken", "class": "Broken", "count": 2}]);
    assert_eq!(analysis["error_patterns"]["common_error_types"], errors);
    let waiting = json!({
        "blocking_dependencies": 1, "avg_wait_time": 800.0, "most_blocked_steps": [{"step_name": "two", "count": 1}],
    });
    assert_eq!(analysis["dependency_bottlenecks"], waiting);
    assert_eq!(analysis["longest_running"][0]["duration_seconds"], 800.0);
    assert_eq!(analysis["longest_running"][0]["completed_at"], Value::Null);
    let codes: Vec<&Value> =
        found["recommendations"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["HIGH_RETRIES", "DEPENDENCY_WAIT"]);
    server.stop().await;
}

/// A store of which some surveys fail.
struct Broken {
    inner: Arc<dyn Store>,
    surveys: BrokenSurveys,
}

struct BrokenSurveys {
    inner: Arc<dyn Store>,
    broken: &'static [&'static str],
}

impl BrokenSurveys {
    fn whole(&self, name: &'static str) -> Result<&dyn SurveyStore, StoreError> {
        if self.broken.contains(&name) {
            let source = "SELECT secret: canceling statement due to statement timeout";
            return Err(StoreError::Unavailable { trying: "counting".into(), source: source.into() });
        }
        Ok(self.inner.survey_store())
    }
}

impl Wrapper for Broken {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn survey_store_through(&self) -> &dyn SurveyStore {
        &self.surveys
    }
}

#[async_trait]
impl SurveyStore for BrokenSurveys {
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError> {
        self.whole("standing")?.standing(scope, since).await
    }

    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError> {
        self.whole("traffic")?.traffic(scope, since).await
    }

    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError> {
        self.whole("population")?.population(scope, since).await
    }

    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError> {
        self.whole("step_tallies")?.step_tallies(scope, since).await
    }

    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError> {
        self.whole("failures")?.failures(scope, since).await
    }

    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError> {
        self.whole("long_tasks")?.long_tasks(scope, since, stage, limit).await
    }

    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError> {
        self.whole("long_steps")?.long_steps(scope, since, limit).await
    }
}

async fn broken(broken: &'static [&'static str]) -> Server {
    let wrap = |inner: Arc<dyn Store>| -> Arc<dyn Store> {
        Arc::new(Broken { surveys: BrokenSurveys { inner: inner.clone(), broken }, inner })
    };
    Server::over(wrap, ApiOptions::default()).await
}

#[tokio::test]
async fn api_127_a_part_that_fails_is_named_and_costs_nobody_the_others() {
    let server = broken(&["failures", "standing"]).await;
    server.task().await;
    let found = server.get("/analytics/bottlenecks").await.expect(200);
    assert_eq!(found.body["partial_failures"], json!(["error_patterns"]));
    assert_eq!(
        (total(&found), &found.body["bottleneck_analysis"]["error_patterns"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(found.body["bottleneck_analysis"]["dependency_bottlenecks"]["blocking_dependencies"], 1);
    // Soon there may be more to tell.
    assert_eq!(found.body["cache_info"]["ttl_seconds"], 10.0);
    let found = server.get("/analytics/performance").await.expect(200).body;
    assert_eq!(
        (&found["partial_failures"], &found["system_overview"]),
        (&json!(["system_overview"]), &Value::Null)
    );
    assert_eq!(found["performance_trends"]["last_hour"]["task_throughput"], 1);
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_can_be_found_out_the_server_cannot_do_this_now() {
    let all = &["standing", "traffic", "population", "step_tallies", "failures", "long_tasks", "long_steps"];
    let server = broken(all).await;
    for path in ["/analytics/performance", "/analytics/bottlenecks"] {
        let refused = server.get(path).await.problem(503, "SERVICE_UNAVAILABLE");
        assert!(refused.has_header("retry-after") && !refused.body.to_string().contains("SELECT"));
    }
    server.stop().await;
}

#[tokio::test]
async fn api_128_whoever_may_see_one_namespace_is_told_of_that_one_only() {
    let server = Server::with(believing()).await;
    let d = server.driver();
    run(&d, &one_step("payments", "job", "1.0.0"), 5).await;
    run(&d, &one_step("inventory", "job", "1.0.0"), 100).await;
    let (all, payments) = ("tasker.analytics:index", "tasker.analytics:index@payments");
    for (claims, expected, slowest) in [
        (all, 2, 100.0),
        (payments, 1, 5.0),
        ("admin @payments", 1, 5.0),
        ("tasker.analytics:index@inventory", 1, 100.0),
    ] {
        for _ in 0..2 {
            let found = server.get_as(claims, "/analytics/bottlenecks").await.expect(200);
            assert_eq!(total(&found), expected, "{claims}");
            assert_eq!(
                found.body["bottleneck_analysis"]["slowest_tasks"][0]["duration_seconds"], slowest,
                "{claims}"
            );
            assert_eq!(found.body["scope"], json!({}), "{claims}");
            let found = server.get_as(claims, "/analytics/performance").await.expect(200).body;
            assert_eq!(found["system_overview"]["total_namespaces"], expected, "{claims}");
        }
    }
    let foreign = server.get_as(payments, "/analytics/bottlenecks?namespace=inventory").await.expect(200);
    assert_eq!(total(&foreign), 0);
    server.stop().await;
}
