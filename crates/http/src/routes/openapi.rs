//! `GET /openapi.json`: the description of the API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::openapi;
use crate::operation::Operation;
use crate::reply::json;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_openapi", "Describe the API").plain_reply(
        200,
        "An OpenAPI 3.1 document",
        "application/json",
    )
}

/// Describes the API.
pub(crate) async fn show_openapi(State(api): State<ApiState>) -> Response {
    json(StatusCode::OK, &openapi::document(&api.options.base_path))
}
