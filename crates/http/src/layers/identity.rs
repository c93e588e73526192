//! Every request has an id of its own, and one that ties it to whatever caused it. Here problems are written, what failed is
//! logged, and headers that every response has are added.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tasker_core::request::correlation_of;
use tracing::Instrument as _;

use crate::observe::Answered;
use crate::reply::problem::MEDIA_TYPE;
use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// Names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What ties a request to others (W3C Trace Context).
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

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
    let asked = Asked::of(&api, &request);
    // Not the path itself: where there is no route, the caller may have written anything.
    let span = tracing::info_span!(
        "request",
        request.id = identity.request_id,
        correlation.id = identity.correlation_id,
        http.method = asked.method,
        http.route = asked.route(),
    );
    let begin = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let _inside = span.enter();
    write_problem(&api, &mut response, &identity);
    let took = begin.elapsed();
    tracing::debug!(http.status = response.status().as_u16(), duration_ms = took.as_millis(), "served");
    api.options.observer.answered(Answered {
        method: asked.method,
        route: asked.route(),
        status: response.status(),
        took,
    });
    finish(response, &identity, &api.correlation_header)
}

impl RequestIdentity {
    fn of(api: &ApiState, headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = api.engine.options().entropy.id().to_string();
        let told = correlation_of(text(&api.correlation_header), text(&TRACE_PARENT));
        Self { correlation_id: told.unwrap_or(&request_id).to_owned(), request_id }
    }
}

/// Writes the body of a problem, and logs what only the operator should see.
fn write_problem(api: &ApiState, response: &mut Response, identity: &RequestIdentity) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    observe(api, &problem);
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

/// Counts refusals whose reason is of interest.
fn observe(api: &ApiState, problem: &Problem) {
    let observer = &api.options.observer;
    if problem.code() == codes::AUTHENTICATION_FAILED.name {
        let strategy = problem.strategy().unwrap_or("other");
        observer.not_authenticated(strategy, problem.member("reason").unwrap_or("other"));
    } else if problem.code() == codes::AUTHORIZATION_FAILED.name {
        observer.not_authorized(problem.member("permission").unwrap_or("other"));
    }
}

/// What is counted of a request: nothing that its caller chose freely.
struct Asked {
    method: &'static str,
    path: Option<MatchedPath>,
    n_base: usize,
}

impl Asked {
    fn of(api: &ApiState, request: &Request) -> Self {
        static METHODS: [Method; 7] = [
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::OPTIONS,
        ];
        let known = METHODS.iter().find(|method| *method == request.method());
        Self {
            method: known.map_or("other", Method::as_str),
            path: request.extensions().get::<MatchedPath>().cloned(),
            n_base: api.options.base_path.len(),
        }
    }

    /// The template of the path, below the base path and version.
    fn route(&self) -> &str {
        let below = self.path.as_ref().and_then(|path| path.as_str().get(self.n_base..));
        below.map_or("other", |path| path.strip_prefix("/v1").filter(|rest| !rest.is_empty()).unwrap_or(path))
    }
}

fn finish(mut response: Response, identity: &RequestIdentity, correlation_header: &HeaderName) -> Response {
    let headers = response.headers_mut();
    let value = |text: &str| HeaderValue::try_from(text).ok();
    if let Some(id) = value(&identity.correlation_id) {
        headers.insert(correlation_header, id);
    }
    headers.extend(value(&identity.request_id).map(|id| (REQUEST_ID, id)));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
