//! Problems: why a request was refused or failed (RFC 9457).
//!
//! A problem travels in the extensions of its response and is written at the very end, where the request's id is known
//! ([`crate::layers::identity`]). What nobody but the operator should see goes to the log, not into the answer.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use tasker_core::request::RequestProblem;
use tasker_wire::{ProblemDocument, ProblemEntry};

use super::codes::{self, Code};

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json; charset=utf-8";

/// Why a request was refused or failed.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    title: &'static str,
    detail: String,
    help: Option<String>,
    errors: Vec<ProblemEntry>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    strategy: Option<&'static str>,
}

impl Problem {
    /// A problem of a known kind.
    pub(crate) fn new(code: &Code, detail: impl Into<String>) -> Self {
        Self::named(code.status, code.name.into(), code.title, detail)
    }

    /// A problem of a kind that only the engine knows.
    pub(crate) fn named(
        status: StatusCode,
        code: Cow<'static, str>,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            help: None,
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
            strategy: None,
        }
    }

    /// A parameter of the query or path, or a header, that is not as it should be.
    pub(crate) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::parameters(vec![entry_of_parameter("invalid_parameter", name, message)])
    }

    /// Several of them.
    pub(crate) fn parameters(errors: Vec<ProblemEntry>) -> Self {
        Self::new(&codes::INVALID_PARAMETER, summary(&errors)).errors(errors)
    }

    /// Rules that a body breaks.
    pub(crate) fn invalid(problems: Vec<RequestProblem>) -> Self {
        let of_schema = !problems.is_empty() && problems.iter().all(|problem| problem.code == "schema");
        let code = if of_schema { &codes::CONTEXT_SCHEMA_VIOLATION } else { &codes::VALIDATION_FAILED };
        let errors: Vec<ProblemEntry> = problems.into_iter().map(entry_of_body).collect();
        Self::new(code, summary(&errors)).errors(errors)
    }

    /// One rule that a field of the body breaks.
    pub(crate) fn field(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![RequestProblem::new(code, pointer, message)])
    }

    /// Everything that is wrong with the parts of a body.
    pub(crate) fn of_entries(code: &Code, errors: Vec<ProblemEntry>) -> Self {
        Self::new(code, summary(&errors)).errors(errors)
    }

    /// What it says, about a part of a body that stands at `place`.
    pub(crate) fn entries_at(self, place: &str) -> Vec<ProblemEntry> {
        if self.errors.is_empty() {
            let (code, pointer) = (self.code.into_owned(), Some(place.to_owned()));
            return vec![ProblemEntry {
                code,
                pointer,
                parameter: None,
                message: self.detail,
                help: self.help,
            }];
        }
        let within = |entry: ProblemEntry| {
            let pointer = entry.pointer.unwrap_or_default();
            ProblemEntry { pointer: Some(format!("{place}{}", pointer.trim_end_matches('/'))), ..entry }
        };
        self.errors.into_iter().map(within).collect()
    }

    pub(crate) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    pub(crate) fn errors(mut self, errors: Vec<ProblemEntry>) -> Self {
        self.errors = errors;
        self
    }

    /// Something that belongs to the code.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// When it is worth trying again, in seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// What really happened: for the log, and for nobody else.
    pub(crate) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The way to find out who asks that came to this: for whoever counts, and not told.
    pub(crate) fn found_by(mut self, strategy: &'static str) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// The way to find out who asks that came to this.
    pub(crate) fn strategy(&self) -> Option<&'static str> {
        self.strategy
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// What really happened.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Something that belongs to the code.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// The same problem under another code, where the same thing means something else.
    pub(crate) fn under_code(mut self, code: &Code) -> Self {
        (self.status, self.code, self.title) = (code.status, code.name.into(), code.title);
        self
    }

    /// The document, for one part of a request that is answered as a whole. What the operator should see is logged.
    pub(crate) fn part_of(self, request_id: &str) -> ProblemDocument {
        if self.status.is_server_error() {
            let (code, cause) = (self.code(), self.cause().unwrap_or("-"));
            tracing::error!(problem.code = code, cause, "a part of a request failed");
        }
        self.document(request_id)
    }

    /// The document, for one request.
    pub(crate) fn document(self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("urn:tasker:problem:{}", self.code.to_lowercase()),
            title: self.title.into(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.into_owned(),
            errors: self.errors,
            help: self.help,
            request_id: request_id.into(),
            members: self.members,
        }
    }
}

/// Its body is written where the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = self.headers.iter().cloned();
        response.headers_mut().extend(headers);
        response.extensions_mut().insert(self);
        response
    }
}

/// One problem with a parameter.
pub(crate) fn entry_of_parameter(code: &str, name: &str, message: impl Into<String>) -> ProblemEntry {
    let parameter = Some(name.chars().take(100).collect());
    ProblemEntry { code: code.into(), pointer: None, parameter, message: message.into(), help: None }
}

fn entry_of_body(problem: RequestProblem) -> ProblemEntry {
    ProblemEntry {
        code: problem.code.into(),
        pointer: Some(problem.pointer),
        parameter: None,
        message: problem.message,
        help: problem.help,
    }
}

/// All of them in one line.
fn summary(errors: &[ProblemEntry]) -> String {
    let told = |entry: &ProblemEntry| {
        let place = entry.pointer.as_deref().or(entry.parameter.as_deref()).unwrap_or_default();
        if place.is_empty() { entry.message.clone() } else { format!("{place}: {}", entry.message) }
    };
    errors.iter().map(told).collect::<Vec<_>>().join("; ")
}
