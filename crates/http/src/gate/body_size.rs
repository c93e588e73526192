//! A body that says it is too large is not even begun. One that does not say it is counted while it is read
//! ([`crate::request::body`]).

use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;

use crate::reply::Problem;
use crate::request::body::too_large;

/// Looks at what the request says of its length.
pub(super) fn check(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match told {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}
