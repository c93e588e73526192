//! `/handlers` and `/namespaces`.

use serde_json::json;
use tasker_core::names::{Namespace, Version};

use crate::roles::believing;
use crate::server::Server;

impl Server {
    /// Registers a version of a definition of `payments` whose settings hold a secret.
    async fn payment(&self, name: &str, version: &str) {
        self.register(name, |definition| {
            definition.namespace = Namespace::new("payments").unwrap();
            definition.version = Version::new(version).unwrap();
            definition.steps[0].handler_config = json!({"headers": {"Authorization": "Bearer secret"}});
        })
        .await;
    }
}

#[tokio::test]
async fn api_70_namespaces_count_their_definitions() {
    let server = Server::start().await;
    for (name, version) in [("charge", "1.0.0"), ("charge", "2.0.0"), ("refund", "1.0.0")] {
        server.payment(name, version).await;
    }
    for path in ["/handlers", "/namespaces"] {
        let list = server.get(path).await.expect(200).body;
        let counts = json!([
            {"name": "default", "handler_count": 1, "version_count": 1},
            {"name": "payments", "handler_count": 2, "version_count": 3},
        ]);
        assert_eq!((&list["namespaces"], &list["total_namespaces"]), (&counts, &json!(2)));
        assert!(list["generated_at"].is_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn api_71_versions_are_ordered_as_versions() {
    let server = Server::with(believing()).await;
    for version in ["9.0.0", "10.0.0", "1.2.0"] {
        server.payment("charge", version).await;
    }
    let list = server.get_as("viewer", "/handlers/payments").await.expect(200).body;
    assert_eq!((&list["namespace"], &list["total_handlers"]), (&json!("payments"), &json!(1)));
    let charge = &list["handlers"][0];
    assert_eq!(charge["versions"], json!(["1.2.0", "9.0.0", "10.0.0"]));
    assert_eq!((&charge["latest_version"], &charge["version_count"]), (&json!("10.0.0"), &json!(3)));
    let shown = |version: &str| format!("/handlers/payments/charge{version}");
    for (query, version) in [("", "10.0.0"), ("?version=latest", "10.0.0"), ("?version=9.0.0", "9.0.0")] {
        let handler = server.get_as("viewer", &shown(query)).await.expect(200);
        assert_eq!(handler.body["handler"]["version"], version);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_72_what_is_missing_is_found_once_it_is_there() {
    let server = Server::start().await;
    let paths =
        ["/handlers/payments", "/handlers/payments/charge", "/handlers/payments/charge?version=7.7.7"];
    for path in paths {
        server.get(path).await.problem(404, "DEFINITION_NOT_FOUND");
    }
    server.payment("charge", "7.7.7").await;
    for path in paths {
        server.get(path).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_73_a_step_comes_after_all_it_waits_for() {
    let server = Server::start().await;
    server
        .register("merge", |definition| {
            let mut last = definition.steps[1].clone();
            definition.steps[1].depends_on = Vec::new();
            last.name = tasker_core::names::StepName::new("last").unwrap();
            last.depends_on = definition.steps.iter().map(|step| step.name.clone()).collect();
            definition.steps.insert(0, last);
        })
        .await;
    let graph =
        server.get("/handlers/default/merge").await.expect(200).body["handler"]["dependency_graph"].clone();
    assert_eq!(
        graph["edges"],
        json!([
            {"from": "one", "to": "last", "type": "multiple"},
            {"from": "two", "to": "last", "type": "multiple"},
        ])
    );
    assert_eq!(graph["execution_order"], json!(["one", "two", "last"]));
    assert_eq!(graph["levels"], json!({"one": 0, "two": 0, "last": 1}));
    assert_eq!((&graph["roots"], &graph["leaves"]), (&json!(["one", "two"]), &json!(["last"])));
    let summary = json!({
        "total_steps": 3, "total_dependencies": 2, "has_cycles": false, "max_depth": 1, "parallel_branches": 2,
    });
    assert_eq!(graph["summary"], summary);
    server.stop().await;
}

#[tokio::test]
async fn api_74_secrets_are_shown_to_those_who_may_see_them() {
    let server = Server::with(believing()).await;
    server.payment("charge", "1.0.0").await;
    for (claims, secret) in [
        ("viewer", "[FILTERED]"),
        ("operator", "[FILTERED]"),
        ("viewer tasker.handler:show_config@default", "[FILTERED]"),
        ("viewer tasker.handler:show_config@payments", "Bearer secret"),
        ("admin", "Bearer secret"),
    ] {
        let by_name =
            server.get_as(claims, "/handlers/payments/charge").await.expect(200).body["handler"].clone();
        let by_version = server.get_as(claims, "/definitions/payments/charge/1.0.0").await.expect(200);
        for document in [&by_name, &by_version.body["definition"]] {
            let found = &document["steps"][0]["handler_config"]["headers"]["Authorization"];
            assert_eq!(found, secret, "{claims}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_may_not_see_a_namespace_learns_nothing_of_it() {
    let server = Server::with(believing()).await;
    server.payment("charge", "1.0.0").await;
    for claims in ["viewer @default", "tasker.handler:*@default"] {
        for path in ["/handlers", "/namespaces"] {
            let list = server.get_as(claims, path).await.expect(200).body;
            assert_eq!(list["namespaces"].as_array().unwrap().len(), 1, "{claims}: {list:#}");
        }
        for rest in ["", "/charge", "/charge/diagram"] {
            let hidden = server.get_as(claims, &format!("/handlers/payments{rest}")).await;
            let missing = server.get_as(claims, &format!("/handlers/nowhere{rest}")).await;
            let (hidden, missing) =
                (hidden.problem(404, "DEFINITION_NOT_FOUND"), missing.problem(404, "DEFINITION_NOT_FOUND"));
            let detail = missing.body["detail"].as_str().unwrap().replace("nowhere", "payments");
            assert_eq!(
                (&hidden.body["detail"], &hidden.body["help"]),
                (&json!(detail), &missing.body["help"])
            );
        }
    }
    server.get_as("tasker.task:index", "/handlers").await.problem(403, "AUTHORIZATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn a_definition_is_available_if_its_handlers_are_served() {
    let server = Server::start().await;
    let shown = server.get("/handlers/default/order").await.expect(200).body;
    assert_eq!(shown["handler"]["available"], false);
    server.stop().await;
}

#[tokio::test]
async fn garbage_in_paths_and_queries_is_refused() {
    let server = Server::start().await;
    for path in [
        "/handlers/%20",
        "/handlers/a%2Fb",
        "/handlers/default/%00",
        "/handlers/default/%C3%A4",
        "/handlers/default/%FF",
        "/definitions/default/order/one",
        "/definitions/default/order/latest",
    ] {
        server.get(path).await.problem(400, "INVALID_ID");
    }
    for path in [
        "/handlers?limit=1",
        "/namespaces?x",
        "/handlers/default?version=1.0.0",
        "/handlers/default/order?version=one",
        "/handlers/default/order?version=",
        "/handlers/default/order?version=1.0.0&version=1.0.0",
    ] {
        server.get(path).await.problem(400, "INVALID_PARAMETER");
    }
    server.get("/definitions/default/order/9.9.9").await.problem(404, "DEFINITION_NOT_FOUND");
    server.stop().await;
}
