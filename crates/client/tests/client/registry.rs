//! What is registered: listed, shown, drawn, registered.

use tasker_client::{Client, DiagramQuery};

use crate::server::Server;

const TEXT: &str =
    "name: greet\nnamespace_name: hello\nversion: 1.0.0\nstep_templates:\n- {name: say, handler: work}\n";

fn drawing(format: &str) -> DiagramQuery {
    DiagramQuery { format: Some(format.into()), ..DiagramQuery::default() }
}

async fn refusal(client: &Client, text: &str) -> String {
    client.register(text, false).await.unwrap_err().problem().unwrap().code().to_owned()
}

#[tokio::test]
async fn a_definition_is_registered_listed_and_shown() {
    let server = Server::start().await;
    let client = &server.client;
    let registered = client.register(TEXT, false).await.unwrap();
    assert_eq!(registered.definition.full_name, "hello.greet@1.0.0");
    let changed = TEXT.replace("say", "wave");
    assert_eq!(refusal(client, &changed).await, "VERSION_CONTENT_CHANGED");
    assert_eq!(refusal(client, "name: [").await, "VALIDATION_FAILED");
    client.register(&changed, true).await.unwrap();

    let all = client.definitions(None).await.unwrap().definitions;
    assert_eq!(all.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["order", "greet"]);
    assert_eq!(client.definitions(Some("hello")).await.unwrap().definitions, all[1..]);
    assert_eq!(client.namespaces().await.unwrap().total_namespaces, 2);
    assert_eq!(client.handlers("hello").await.unwrap().handlers[0].version_count, 1);
    let shown = client.handler("hello", "greet", None).await.unwrap();
    assert_eq!(shown.definition, client.definition("hello", "greet", "1.0.0").await.unwrap());
    assert_eq!(shown.definition.definition().unwrap().steps[0].name.as_str(), "wave");
    let missing = client.handler("hello", "greet", Some("2.0.0")).await.unwrap_err();
    assert_eq!(missing.problem().unwrap().code(), "DEFINITION_NOT_FOUND");

    let retired = client.retire_definition("hello", "greet", "1.0.0", true).await.unwrap();
    assert_eq!((retired.full_name.as_str(), retired.retired), ("hello.greet@1.0.0", true));
    assert!(client.definitions(Some("hello")).await.unwrap().definitions[0].retired);
    let missing = client.retire_definition("hello", "greet", "2.0.0", true).await.unwrap_err();
    assert_eq!(missing.problem().unwrap().code(), "DEFINITION_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn tasks_and_definitions_are_drawn() {
    let server = Server::start().await;
    let client = &server.client;
    let id = server.task().await.task_id;
    let chart = client.task_diagram(id, &DiagramQuery::default()).await.unwrap();
    assert!(chart.starts_with('{') && chart.contains("step_one"), "{chart}");
    let unlinked = DiagramQuery { links: Some(false), ..drawing("mermaid") };
    assert!(!client.task_diagram(id, &unlinked).await.unwrap().contains("click"));
    let drawn = client.handler_diagram("default", "order", None, &drawing("svg")).await.unwrap();
    assert!(drawn.starts_with("<svg "), "{drawn}");
    let refused = client.task_diagram(id, &drawing("pdf")).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code(), "NOT_ACCEPTABLE");
    server.stop().await;
}
