//! The description of the API: complete, and locked.

use serde_json::Value;

use crate::server::Server;

#[tokio::test]
async fn the_description_is_the_one_in_the_documentation() {
    let server = Server::start().await;
    let served = server.get("/openapi.json").await.expect(200).body;
    let text = format!("{served:#}\n");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    if std::env::var_os("TASKER_UPDATE_DOCS").is_some() {
        std::fs::write(page, &text).unwrap();
    }
    let kept = std::fs::read_to_string(page).unwrap_or_default();
    assert!(kept == text, "docs/openapi.json is out of date; write it anew: cargo xtask docs");
    server.stop().await;
}

#[tokio::test]
async fn api_131_every_route_is_described_and_nothing_else() {
    let server = Server::start().await;
    let served = server.get("/openapi.json").await.expect(200).body;
    let mut described: Vec<String> = Vec::new();
    for (path, item) in served["paths"].as_object().unwrap() {
        described.extend(
            item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let mut routed: Vec<String> =
        tasker_http::routes::table().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    described.sort();
    routed.sort();
    assert_eq!(described, routed);
    server.stop().await;
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let server = Server::start().await;
    let served = server.get("/openapi.json").await.expect(200).body;
    let mut references = Vec::new();
    collect(&served, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(served.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    server.stop().await;
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            references.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
