//! Steps: looked at, listed, changed; and the server itself.

use futures::TryStreamExt as _;
use tasker_client::StepQuery;
use tasker_client::request::{CancelStepRequest, ResolveStepRequest, RetryStepRequest, UpdateStepRequest};
use tasker_core::state::StepState;
use tasker_wire::StepDocument;

use crate::server::Server;

#[tokio::test]
async fn steps_are_listed_explained_and_changed() {
    let server = Server::start().await;
    let client = &server.client;
    let id = server.task().await.task_id;
    let query = StepQuery { limit: Some(1), ..StepQuery::default() };
    let all: Vec<StepDocument> = client.all_steps(id, query).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(client.step(id, "two").await.unwrap(), all[1]);
    assert_eq!(client.explain_step(id, "two").await.unwrap().explained.code, "waiting_for_steps");

    let change = UpdateStepRequest { retry_limit: Some(9), inputs: None };
    assert_eq!(client.update_step(id, "one", &change).await.unwrap().retry_limit, 9);
    let done = ResolveStepRequest { reason: "by hand".into(), results: Some(serde_json::json!({"a": 1})) };
    let resolved = client.resolve_step(id, "one", &done).await.unwrap();
    assert_eq!(resolved.status, StepState::ResolvedManually);
    let cancelled = client.cancel_step(id, "two", &CancelStepRequest::default()).await.unwrap();
    assert_eq!(cancelled.status, StepState::Cancelled);
    let error = client.retry_step(id, "three", &RetryStepRequest::default()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code(), "STEP_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn a_server_tells_about_itself() {
    let server = Server::start().await;
    let alive = server.client.liveness().await.unwrap();
    assert_eq!((alive.service.as_str(), alive.version.as_str()), ("tasker", env!("CARGO_PKG_VERSION")));
    assert!(server.client.readiness().await.unwrap().ready);
    assert!(server.client.health_status().await.unwrap().healthy);
    assert!(server.client.me().await.unwrap().is_admin);
    server.stop().await;
}
