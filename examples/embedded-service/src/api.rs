//! The service's own HTTP interface: invoices come in, and people ask how far they are.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tasker::{Error, TaskId, Tasker, request};

/// The routes of the service.
pub fn router(tasker: Arc<Tasker>) -> Router {
    Router::new().route("/invoices", post(make)).route("/invoices/{id}", get(show)).with_state(tasker)
}

/// Answers as soon as the task is committed: from then on the invoice will be made, whatever happens to the process.
async fn make(State(tasker): State<Arc<Tasker>>, Json(order): Json<Value>) -> Response {
    let submitted = match request("invoice", order) {
        Ok(request) => tasker.submit(request).await,
        Err(error) => Err(error),
    };
    match submitted {
        Ok(task) => (StatusCode::ACCEPTED, Json(json!({ "id": task.task_id }))).into_response(),
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error),
    }
}

async fn show(State(tasker): State<Arc<Tasker>>, Path(id): Path<TaskId>) -> Response {
    let state = match tasker.task(id).await {
        Ok(view) => view.detail.record.state,
        Err(error) => return problem(StatusCode::NOT_FOUND, &error),
    };
    match tasker.result(id, "number").await {
        Ok(number) => Json(json!({ "id": id, "state": state, "number": number })).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn problem(status: StatusCode, error: &Error) -> Response {
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower_service::Service;

    use super::*;
    use crate::invoices;

    async fn call(router: &mut Router, request: Request<Body>) -> (StatusCode, Value) {
        let Ok(response) = router.call(request).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("the body can be read");
        (status, serde_json::from_slice(&body).expect("the body is JSON"))
    }

    fn order(body: &str) -> Request<Body> {
        let request = Request::post("/invoices").header("content-type", "application/json");
        request.body(Body::from(body.to_owned())).expect("a request")
    }

    #[tokio::test]
    async fn an_invoice_is_accepted_made_and_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let builder = invoices::handlers(Tasker::builder(), folder.path().to_owned());
        let tasker = Arc::new(builder.temporary().build().await.expect("an engine"));
        tasker.register(invoices::DEFINITION).await.expect("the definition is valid");
        let mut router = router(Arc::clone(&tasker));

        let (status, body) = call(&mut router, order(include_str!("../context.json"))).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        let id: TaskId = body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        tasker.wait(id).await.expect("it ends");

        let shown = Request::get(format!("/invoices/{id}")).body(Body::empty()).expect("a request");
        let (status, body) = call(&mut router, shown).await;
        assert_eq!((status, &body["state"]), (StatusCode::OK, &json!("complete")));
        assert!(body["number"].as_str().is_some_and(|number| number.starts_with("INV-")), "{body}");

        let (status, body) = call(&mut router, order(r#"{ "customer": "Ada", "lines": [] }"#)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(body["error"].as_str().is_some_and(|error| error.contains("context.lines")), "{body}");
    }
}
