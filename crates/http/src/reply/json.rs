//! Documents as responses.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::codes;
use super::problem::Problem;

/// The media type of documents.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A document.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    json_with(status, document, [])
}

/// A document with headers.
pub(crate) fn json_with(
    status: StatusCode,
    document: &impl Serialize,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Response {
    let text = match serde_json::to_vec(document) {
        Ok(text) => text,
        Err(error) => {
            let problem = Problem::new(&codes::INTERNAL_ERROR, "the answer could not be written");
            return problem.caused_by(error.to_string()).into_response();
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    response.headers_mut().extend(headers);
    response
}
