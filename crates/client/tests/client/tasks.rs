//! Tasks: asked for, looked at, listed, changed.

use futures::TryStreamExt as _;
use tasker_client::request::{CancelTaskRequest, RetryTaskRequest, UpdateTaskRequest};
use tasker_client::{Error, TaskQuery};
use tasker_core::state::TaskState;
use tasker_wire::{Include, TaskSummary};

use crate::server::{Server, order};

fn code(error: &Error) -> &str {
    error.problem().map_or("", |problem| problem.code())
}

#[tokio::test]
async fn a_task_is_created_shown_changed_and_cancelled() {
    let server = Server::start().await;
    let client = &server.client;
    let created = server.task().await;
    assert_eq!(client.task(created.task_id).await.unwrap().steps, created.steps);
    let bare = client.task_with(created.task_id, &[Include::Context]).await.unwrap();
    assert!(bare.context.is_some() && bare.steps.is_none() && bare.execution.is_none());

    let change = UpdateTaskRequest { reason: None, tags: Some(vec!["late".into()]) };
    let changed = client.update_task(created.task_id, &change).await.unwrap();
    assert_eq!(changed.tags, ["late"]);
    assert_eq!(client.resume_task(created.task_id).await.unwrap().status, TaskState::Pending);
    let told = client.explain_task(created.task_id).await.unwrap();
    assert_eq!(told.summary.code, "no_worker");

    let why = CancelTaskRequest { reason: Some("changed mind".into()), force: None };
    assert_eq!(client.cancel_task(created.task_id, &why).await.unwrap().status, TaskState::Cancelled);
    let late = client.retry_task(created.task_id, &RetryTaskRequest::default()).await.unwrap_err();
    assert_eq!(code(&late), "INVALID_STATE_TRANSITION");
    server.stop().await;
}

#[tokio::test]
async fn the_same_request_is_accepted_once() {
    let server = Server::start().await;
    let mut request = order();
    request.id = Some("01890a5d-ac96-774b-bcce-b302099a8057".into());
    let first = server.client.create_task(request.clone()).await.unwrap();
    let second = server.client.create_task(request).await.unwrap();
    assert_eq!(first.task.task_id, second.task.task_id);
    assert_eq!(server.client.tasks(&TaskQuery::new()).await.unwrap().tasks.len(), 1);
    assert_ne!(server.task().await.task_id, first.task.task_id);
    server.stop().await;
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_was_seen_only() {
    let server = Server::start().await;
    let task = server.task().await;
    let tags = |tag: &str| UpdateTaskRequest { reason: None, tags: Some(vec![tag.into()]) };
    let seen = server.client.if_version(task.lock_version);
    seen.update_task(task.task_id, &tags("first")).await.unwrap();
    let late = seen.update_task(task.task_id, &tags("second")).await.unwrap_err();
    assert_eq!(code(&late), "PRECONDITION_FAILED");
    assert_eq!(server.client.task(task.task_id).await.unwrap().tags, ["first"]);
    server.stop().await;
}

#[tokio::test]
async fn all_tasks_come_page_by_page() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(server.task().await.task_id);
    }
    let query = TaskQuery::new().name("order").limit(3).sort_order("asc");
    let all: Vec<TaskSummary> = server.client.all_tasks(query).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|task| task.task_id).collect::<Vec<_>>(), ids);
    let none: Vec<TaskSummary> =
        server.client.all_tasks(TaskQuery::new().name("other")).try_collect().await.unwrap();
    assert!(none.is_empty());
    let counted = server.client.tasks(&TaskQuery::new().limit(1).include_total(true)).await.unwrap();
    assert_eq!(counted.pagination.total_count, Some(7));
    server.stop().await;
}
