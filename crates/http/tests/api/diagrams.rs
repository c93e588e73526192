//! Diagrams of tasks and definitions.

use reqwest::Method;
use serde_json::json;
use tasker_http::ApiOptions;

use crate::server::{Answer, Server, answer};

impl Server {
    async fn drawn(&self, path: &str, accept: &str) -> Answer {
        answer(self.request(Method::GET, path).header("accept", accept)).await
    }
}

#[tokio::test]
async fn api_75_a_diagram_comes_in_the_form_that_was_asked_for() {
    let server = Server::start().await;
    let task = format!("/tasks/{}/task_diagrams", server.task().await);
    for path in [task.as_str(), "/handlers/default/order/diagram"] {
        for (query, accept, media, begins) in [
            ("", "application/json", "application/json", ""),
            ("", "*/*", "application/json", ""),
            ("", "text/html,*/*;q=0.8", "text/html", "<!DOCTYPE html>"),
            ("?format=html", "application/json", "text/html", "<!DOCTYPE html>"),
            ("?format=mermaid", "*/*", "text/vnd.mermaid", "graph TD"),
            ("?format=MERMAID&direction=lr", "*/*", "text/vnd.mermaid", "graph LR"),
            ("", "text/plain", "text/plain", "graph TD"),
            ("?format=dot", "*/*", "text/vnd.graphviz", "digraph"),
            ("?format=svg&theme=dark", "*/*", "image/svg+xml", "<svg"),
            ("?format=text", "*/*", "text/plain", ""),
        ] {
            let drawn = server.drawn(&format!("{path}{query}"), accept).await.expect(200);
            assert!(drawn.header("content-type").starts_with(media), "{query} {accept}: {drawn:?}");
            assert_eq!(drawn.header("x-content-type-options"), "nosniff");
            let policy = drawn.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
            assert!(drawn.body.as_str().unwrap_or_default().starts_with(begins), "{query}: {drawn:?}");
        }
        server.drawn(&format!("{path}?format=pdf"), "*/*").await.problem(406, "NOT_ACCEPTABLE");
        server.drawn(path, "application/pdf").await.problem(406, "NOT_ACCEPTABLE");
    }
    let chart = server.get(&task).await.expect(200).body;
    assert_eq!(chart["nodes"].as_array().unwrap().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn api_77_links_of_a_diagram_lead_somewhere() {
    let server = Server::start().await;
    let path = format!("/tasks/{}/task_diagrams", server.task().await);
    let chart = server.get(&path).await.expect(200).body;
    let urls: Vec<&str> =
        chart["nodes"].as_array().unwrap().iter().filter_map(|node| node["url"].as_str()).collect();
    assert_eq!(urls.len(), 2, "{chart:#}");
    for url in urls {
        server.get(url.strip_prefix("/tasker").expect("below the base path")).await.expect(200);
    }
    let plain = server.get(&format!("{path}?links=false")).await.expect(200).body;
    assert!(plain["nodes"].as_array().unwrap().iter().all(|node| node["url"].is_null()), "{plain:#}");
    server.stop().await;
}

#[tokio::test]
async fn links_begin_with_the_address_that_others_use() {
    let public_url = Some("https://flows.example/".to_owned());
    let server = Server::with(ApiOptions { public_url, ..ApiOptions::default() }).await;
    let chart = server.get(&format!("/tasks/{}/task_diagrams", server.task().await)).await.expect(200).body;
    let url = chart["nodes"][1]["url"].as_str().unwrap();
    assert!(url.starts_with("https://flows.example/tasker/tasks/"), "{url}");
    server.stop().await;
}

#[tokio::test]
async fn garbage_is_refused() {
    let server = Server::start().await;
    let task = format!("/tasks/{}/task_diagrams", server.task().await);
    for path in [task.as_str(), "/handlers/default/order/diagram"] {
        for query in ["direction=up", "direction=", "theme=pink", "format=", "links=maybe", "colour=red"] {
            server.get(&format!("{path}?{query}")).await.problem(400, "INVALID_PARAMETER");
        }
    }
    server.get("/tasks/7/task_diagrams").await.problem(400, "INVALID_ID");
    let unknown = format!("/tasks/{}/task_diagrams", uuid::Uuid::from_u128(7));
    server.get(&unknown).await.problem(404, "TASK_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn the_description_is_a_page_where_that_is_switched_on() {
    let server = Server::start().await;
    server.get("/docs").await.problem(404, "ROUTE_NOT_FOUND");
    server.stop().await;
    let server = Server::with(ApiOptions { docs: true, ..ApiOptions::default() }).await;
    let page = server.get("/docs").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = page.body.as_str().unwrap();
    for route in tasker_http::routes::table() {
        assert!(text.contains(&format!("<code>{} {}</code>", route.method, route.path)), "{}", route.path);
        assert!(text.contains(&format!("id=\"{}\"", route.operation.id)));
    }
    for foreign in ["<script", "src=", "@import", "http://", "https://"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert!(text.contains("tasker.handler:create"), "permissions are named");
    server.get("/docs?x=1").await.problem(400, "INVALID_PARAMETER");
    assert_eq!(json!(text).as_str().map(|text| text.matches("<html lang=\"en\">").count()), Some(1));
    server.stop().await;
}
