//! Web pages of other origins: none, unless listed.

use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use axum::http::{HeaderValue, Method};
use tower_http::cors::CorsLayer;

use crate::options::ApiOptions;

/// How long a browser may remember what it was told.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The layer that lets the listed origins in; `None` if none is.
pub(super) fn layer(options: &ApiOptions) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        options.allowed_origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let correlation = HeaderName::from_bytes(options.correlation_header.as_bytes()).ok();
    let sent = [
        AUTHORIZATION,
        CONTENT_TYPE,
        IF_MATCH,
        IF_NONE_MATCH,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("last-event-id"),
    ];
    let seen = [
        ETAG,
        LOCATION,
        RETRY_AFTER,
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("idempotent-replayed"),
    ];
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
            .allow_headers(sent.into_iter().chain(correlation.clone()).collect::<Vec<_>>())
            .expose_headers(seen.into_iter().chain(correlation).collect::<Vec<_>>())
            .max_age(MAX_AGE),
    )
}
