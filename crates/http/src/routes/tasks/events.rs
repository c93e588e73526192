//! `GET /tasks/{task_id}/events`: what happens to a task, as it happens.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;

use crate::call::Call;
use crate::events::{self, Start};
use crate::operation::{Operation, Parameter};
use crate::reply::{Problem, codes};
use crate::routes::events::{BEGIN, EVENT, FOLLOW, LAST, described, span, wanted};
use crate::state::ApiState;

const QUERY: &[Parameter] = &[EVENT, BEGIN, LAST, FOLLOW];

pub(crate) fn operation() -> Operation {
    described(Operation::new("stream_task_events", "Tell what happens to a task, as it happens"))
        .description(
            "Server-sent events, as `GET /events` has them, of one task and its steps. Begins with the creation of the \
             task, unless it is said where.",
        )
        .query(QUERY)
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Tells what happens to it.
pub(crate) async fn stream_task_events(
    State(api): State<ApiState>,
    parts: Parts,
    call: Call,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let wanted = wanted(&call, Some(call.task_id()))?;
    let span = span(&call, Start::Beginning)?;
    events::open(api, call, parts, wanted, span).await
}
