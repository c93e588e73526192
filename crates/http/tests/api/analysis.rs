//! `GET /tasks/{task_id}?include_dependencies=true`.

use std::time::Instant;

use serde_json::{Value, json};
use tasker_core::names::StepName;

use crate::server::Server;

impl Server {
    /// Asks for a task and for its analysis.
    async fn analysis(&self, path: &str) -> Value {
        let shown = self.get(&format!("{path}?include_dependencies=true")).await.expect(200);
        shown.body["task"]["dependency_analysis"].clone()
    }

    /// A task of `one`, then `two`, then `three` and `four`; its path.
    pub async fn fork(&self) -> String {
        self.register("fork", |definition| {
            definition.steps[1].retry_limit = 1;
            for name in ["three", "four"] {
                let mut step = definition.steps[1].clone();
                step.name = StepName::new(name).unwrap();
                step.depends_on = vec![definition.steps[1].name.clone()];
                definition.steps.push(step);
            }
        })
        .await;
        let created = self.post("/tasks", &json!({"name": "fork", "context": {}})).await.expect(201);
        format!("/tasks/{}", created.body["task"]["task_id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn api_37_a_fresh_task_is_healthy() {
    let server = Server::start().await;
    let path = server.fork().await;
    let analysis = server.analysis(&path).await;
    let summary = &analysis["task_execution_summary"];
    assert_eq!(
        (&summary["overall_health"], &summary["critical_bottlenecks_count"]),
        (&json!("healthy"), &json!(0))
    );
    assert_eq!(analysis["critical_paths"]["longest_path_length"], 3);
    assert_eq!(analysis["parallelism_opportunities"]["max_parallel_steps"], 2);
    let without = server.get(&format!("{path}?include_dependencies=false")).await.expect(200);
    assert!(without.body["task"].get("dependency_analysis").is_none());
    server.get(&format!("{path}?include_dependencies=maybe")).await.problem(400, "INVALID_PARAMETER");
    server.stop().await;
}

#[tokio::test]
async fn api_38_what_failed_beyond_its_limit_is_critical() {
    let server = Server::start().await;
    let path = server.fork().await;
    let driver = server.driver();
    driver.succeed(&driver.claim_one("one").await).await;
    driver.fail(&driver.claim_one("two").await).await;
    let analysis = server.analysis(&path).await;
    assert_eq!(analysis["task_execution_summary"]["overall_health"], "critical");
    let chains = &analysis["error_chains"]["error_chains"];
    assert_eq!(chains.as_array().unwrap().len(), 1, "{chains:#}");
    assert_eq!(chains[0]["blocked_downstream_steps"], 2);
    let strategies: Vec<&Value> =
        chains[0]["recovery_strategies"].as_array().unwrap().iter().map(|one| &one["strategy"]).collect();
    assert!(strategies.iter().any(|name| **name == "Manual Resolution"), "{strategies:?}");
    server.stop().await;
}

#[tokio::test]
async fn api_39_an_analysis_tells_of_the_task_as_it_is() {
    let server = Server::start().await;
    let path = server.fork().await;
    let first = server.analysis(&path).await;
    let body = json!({"reason": "done by hand", "results": {}});
    for step in ["one", "two"] {
        server.post(&format!("{path}/workflow_steps/{step}/resolve"), &body).await.expect(200);
    }
    let second = server.analysis(&path).await;
    let ready =
        |analysis: &Value| analysis["parallelism_opportunities"]["current_parallel_opportunities"].clone();
    assert_eq!((ready(&first), ready(&second)), (json!(1), json!(2)));
    server.stop().await;
}

#[tokio::test]
async fn api_40_a_task_of_countless_paths_is_analysed_at_once() {
    let server = Server::start().await;
    let name = |layer: usize, i: usize| StepName::new(&format!("s{layer}_{i}")).unwrap();
    server
        .register("dense", |definition| {
            let template = definition.steps[0].clone();
            definition.steps = (0..40)
                .flat_map(|layer| (0..3).map(move |i| (layer, i)))
                .map(|(layer, i)| {
                    let mut step = template.clone();
                    step.name = name(layer, i);
                    step.depends_on =
                        if layer == 0 { Vec::new() } else { (0..3).map(|j| name(layer - 1, j)).collect() };
                    step
                })
                .collect();
        })
        .await;
    let created = server.post("/tasks", &json!({"name": "dense", "context": {}})).await.expect(201);
    let path = format!("/tasks/{}", created.body["task"]["task_id"].as_str().unwrap());
    let began = Instant::now();
    let analysis = server.analysis(&path).await;
    // A second on its own; machines that run other tests beside it get some more.
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(analysis["critical_paths"]["total_paths_truncated"], true);
    server.stop().await;
}
