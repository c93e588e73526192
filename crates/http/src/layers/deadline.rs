//! No request takes longer than it may.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// Gives up when the time is over. What the database was asked to do may still happen.
pub(super) async fn limit(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let limit = api.options.request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail =
                format!("it took longer than {} s, and may have been done all the same", limit.as_secs_f64());
            Problem::new(&codes::TIMEOUT, detail)
                .help(Some("look before you try again".into()))
                .retry_after(1)
                .into_response()
        }
    }
}
