//! `GET /analytics/metrics`: how it went since an instant.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::analytics::SystemMetrics;

use super::since;
use crate::call::Call;
use crate::figures;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, json};
use crate::state::ApiState;

/// How far back is looked unless the caller says.
const SPAN: Duration = Duration::from_secs(3_600);

const SINCE: Parameter =
    Parameter { name: "since", kind: Kind::Time, about: "Since when; an hour ago if absent" };

pub(crate) fn operation() -> Operation {
    Operation::new("show_system_metrics", "How it went since an instant")
        .description("It is about all namespaces, so whoever is limited to some is refused.")
        .query(&[SINCE])
        .reply::<SystemMetrics>(200, "How it went")
}

/// Counts.
pub(crate) async fn show_system_metrics(
    State(api): State<ApiState>,
    call: Call,
) -> Result<Response, Problem> {
    call.permit_everywhere()?;
    let since = since(&api, &call, SPAN).await?;
    Ok(json(StatusCode::OK, &figures::metrics(&api.engine.analytics(since).await?)))
}
