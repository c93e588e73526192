//! `/analytics/counts`, `/analytics/metrics` and what took longest: as the command line shows them.

use serde_json::json;

use crate::analytics::{one_step, run};
use crate::roles::believing;
use crate::server::Server;

#[tokio::test]
async fn everything_is_counted_for_those_who_may_see_everything() {
    let server = Server::with(believing()).await;
    let d = server.driver();
    run(&d, &one_step("default", "job", "1.0.0"), 5).await;
    d.start(&one_step("away", "job", "1.0.0")).await;
    let counts = server.get_as("admin", "/analytics/counts").await.expect(200);
    assert_eq!(counts.headers["age"], "0");
    let told = ["total_tasks", "complete_tasks", "pending_tasks", "total_steps", "complete_steps"];
    assert_eq!(told.map(|name| counts.body[name].as_u64()), [2, 1, 1, 2, 1].map(Some));

    let metrics = server.get_as("admin", "/analytics/metrics").await.expect(200).body;
    assert_eq!((&metrics["task_throughput"], &metrics["completion_count"]), (&json!(2), &json!(1)));
    assert_eq!((&metrics["avg_task_duration"], &metrics["total_namespaces_count"]), (&json!(5.0), &json!(2)));
    let later = "/analytics/metrics?since=2100-01-01T00:00:00Z";
    let metrics = server.get_as("admin", later).await.expect(200).body;
    assert_eq!(metrics["task_throughput"], 0);
    assert_eq!(metrics["analysis_period_start"], "2100-01-01T00:00:00.000Z");
    for path in ["/analytics/counts", "/analytics/metrics"] {
        server.get_as("admin @away", path).await.problem(403, "AUTHORIZATION_FAILED");
        server.get_as("tasker.task:index", path).await.problem(403, "AUTHORIZATION_FAILED");
        server.get(path).await.problem(401, "AUTHENTICATION_FAILED");
    }
    server.get_as("admin", "/analytics/metrics?since=yesterday").await.problem(400, "INVALID_PARAMETER");
    server.stop().await;
}

#[tokio::test]
async fn what_took_longest_is_listed_as_far_as_the_caller_may_see_it() {
    let server = Server::with(believing()).await;
    let d = server.driver();
    for (place, version, seconds) in [("default", "1.0.0", 5), ("default", "2.0.0", 20), ("away", "1.0.0", 9)]
    {
        run(&d, &one_step(place, "job", version), seconds).await;
    }
    for (claims, query, spans) in [
        ("admin", "", &[20.0, 9.0, 5.0][..]),
        ("admin", "?limit=1", &[20.0]),
        ("admin", "?namespace=default&name=job&version=1.0.0", &[5.0]),
        ("admin", "?namespace=nowhere", &[]),
        ("admin", "?name=no%20name", &[]),
        ("admin", "?since=2100-01-01T00:00:00Z", &[]),
        ("admin @away", "?namespace=away", &[9.0]),
        ("admin @away", "?namespace=default", &[]),
    ] {
        for what in ["tasks", "steps"] {
            let path = format!("/analytics/slowest_{what}{query}");
            let found = server.get_as(claims, &path).await.expect(200).body;
            let rows = found[what].as_array().unwrap().iter();
            let told: Vec<f64> = rows.map(|row| row["duration_seconds"].as_f64().unwrap()).collect();
            assert_eq!(told, spans, "{claims} {path}");
        }
    }
    for path in ["/analytics/slowest_tasks", "/analytics/slowest_steps"] {
        let refused = server.get_as("admin @away", path).await.problem(403, "AUTHORIZATION_FAILED");
        assert!(refused.body["help"].as_str().unwrap().contains("namespace"), "{:#}", refused.body);
        server.get_as("tasker.task:index", path).await.problem(403, "AUTHORIZATION_FAILED");
        server.get_as("admin", &format!("{path}?limit=101")).await.problem(400, "INVALID_PARAMETER");
    }
    server.stop().await;
}
