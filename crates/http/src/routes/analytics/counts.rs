//! `GET /analytics/counts`: how many tasks and steps there are in each state.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::AGE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tasker_wire::analytics::SystemCounts;

use crate::call::Call;
use crate::figures;
use crate::operation::Operation;
use crate::reply::{Problem, json_with};
use crate::reused;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_counts", "How many tasks and steps there are in each state")
        .description(
            "It reads every step, so an answer is used again for 20 times as long as it took to count; the header `Age` says \
             how old it is, in seconds. It is about all namespaces, so whoever is limited to some is refused.",
        )
        .reply::<SystemCounts>(200, "The counts")
        .reply_headers(reused::HEADERS)
}

/// Counts, unless that was done lately.
pub(crate) async fn show_counts(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.permit_everywhere()?;
    let counted = api.engine.counted(Duration::ZERO).await?;
    let age = api.engine.now().await?.since(counted.at).as_secs();
    let counts = figures::counts(&counted.census.totals());
    Ok(json_with(StatusCode::OK, &counts, [(AGE, HeaderValue::from(age))]))
}
