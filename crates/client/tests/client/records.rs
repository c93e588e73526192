//! What happened, what is noted, and many tasks at once.

use tasker_client::request::{BulkAction, BulkActionRequest, BulkCreateRequest, CreateAnnotationRequest};

use crate::server::{Server, order};

#[tokio::test]
async fn a_history_comes_page_by_page() {
    let server = Server::start().await;
    let client = &server.client;
    let id = server.task().await.task_id;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = client.task_transitions(id, cursor.as_deref(), 1).await.unwrap();
        seen.extend(page.transitions.into_iter().map(|entry| entry.seq));
        match page.pagination.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3]);
    let of_step = client.step_transitions(id, "two", None, 10).await.unwrap().transitions;
    assert_eq!(of_step.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn what_is_noted_is_read_again() {
    let server = Server::start().await;
    let id = server.task().await.task_id;
    let note = CreateAnnotationRequest { kind: "refund".into(), value: serde_json::json!({"amount": 7}) };
    let noted = server.client.annotate(id, &note).await.unwrap();
    assert_eq!(server.client.annotations(id, 10, 0).await.unwrap().annotations, [noted]);
    assert!(server.client.annotations(id, 10, 1).await.unwrap().annotations.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn many_tasks_are_created_once_and_acted_on() {
    let server = Server::start().await;
    let mut wrong = order();
    wrong.name = "nothing".into();
    let request = BulkCreateRequest { tasks: vec![order(), wrong], atomic: false };
    let created = server.client.create_tasks(&request, "key").await.unwrap().results;
    assert_eq!(created.iter().map(|item| item.status).collect::<Vec<_>>(), [201, 422]);
    let again = server.client.create_tasks(&request, "key").await.unwrap().results;
    let id = created[0].task.as_ref().unwrap().task_id;
    assert_eq!(again[0].task.as_ref().unwrap().task_id, id);
    let request: BulkActionRequest =
        serde_json::from_value(serde_json::json!({"action": BulkAction::Cancel, "task_ids": [id]})).unwrap();
    let acted = server.client.act_on_tasks(&request).await.unwrap();
    assert_eq!((acted.results[0].task_id, acted.results[0].status), (id, 200));
    server.stop().await;
}
