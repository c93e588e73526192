//! Diagrams of tasks and definitions.

use reqwest::Method;
use tasker_core::outcome::{Failure, Outcome};
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
async fn api_76_what_a_step_says_of_its_failure_is_text_and_nothing_else() {
    let server = Server::start().await;
    let path = format!("/tasks/{}/task_diagrams", server.task().await);
    let driver = server.driver();
    let failure = Failure::permanent("Refused", "refused", "<script>\"a\"\n'b'</script>");
    driver.settle(&driver.claim_one("one").await, Outcome::Failure(failure)).await;
    for (format, escaped) in
        [("html", "&lt;script&gt;"), ("svg", "&lt;script&gt;"), ("mermaid", "#60;script#62;")]
    {
        let drawn = server.get(&format!("{path}?format={format}")).await.expect(200);
        let text = drawn.body.as_str().unwrap();
        assert!(!text.contains("<script") && text.contains(escaped), "{text}");
    }
    let nodes = server.get(&path).await.expect(200).body["nodes"].as_array().map(Vec::len);
    assert_eq!(nodes, Some(3), "one for each step, and one for the task");
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
