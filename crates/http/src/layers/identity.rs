//! Every request has an id of its own, and one that ties it to whatever caused it. Here problems are written, what failed is
//! logged, and headers that every response has are added.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tasker_core::request::correlation_of;
use tracing::Instrument as _;

use crate::reply::Problem;
use crate::reply::problem::MEDIA_TYPE;
use crate::state::ApiState;

/// Names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a request is called.
#[derive(Clone, Debug)]
pub(crate) struct RequestIdentity {
    /// Its own id.
    pub(crate) request_id: String,
    /// What ties it to whatever caused it; its own id, if the caller told nothing.
    pub(crate) correlation_id: String,
}

/// Names the request, and finishes the response.
pub(super) async fn identify(State(api): State<ApiState>, mut request: Request, next: Next) -> Response {
    let identity = RequestIdentity::of(&api, request.headers());
    request.extensions_mut().insert(identity.clone());
    let span = tracing::info_span!(
        "request",
        request.id = identity.request_id,
        correlation.id = identity.correlation_id,
        http.method = %request.method(),
        http.path = request.uri().path(),
    );
    let begin = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let _inside = span.enter();
    write_problem(&mut response, &identity);
    tracing::debug!(
        http.status = response.status().as_u16(),
        duration_ms = begin.elapsed().as_millis(),
        "served"
    );
    finish(response, &identity, &api.options.correlation_header)
}

impl RequestIdentity {
    fn of(api: &ApiState, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = api.engine.options().entropy.id().to_string();
        let told = correlation_of(text(&api.options.correlation_header), text("traceparent"));
        Self { correlation_id: told.unwrap_or(&request_id).to_owned(), request_id }
    }
}

/// Writes the body of a problem, and logs what only the operator should see.
fn write_problem(response: &mut Response, identity: &RequestIdentity) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    if response.status().is_server_error() {
        let (code, cause) = (problem.code().to_owned(), problem.cause().unwrap_or("-").to_owned());
        tracing::error!(problem.code = code, cause, "a request failed");
    }
    let document = problem.document(&identity.request_id);
    let text = serde_json::to_vec(&document).expect("a problem has text keys and finite numbers");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Body::from(text);
}

fn finish(mut response: Response, identity: &RequestIdentity, correlation_header: &str) -> Response {
    let headers = response.headers_mut();
    let value = |text: &str| HeaderValue::try_from(text).ok();
    if let (Ok(name), Some(id)) =
        (HeaderName::from_bytes(correlation_header.as_bytes()), value(&identity.correlation_id))
    {
        headers.insert(name, id);
    }
    headers.extend(value(&identity.request_id).map(|id| (REQUEST_ID, id)));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
