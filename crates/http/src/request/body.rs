//! Bodies: JSON objects, no larger and no deeper than they may be.

use axum::body::Body as RawBody;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use tasker_core::payload::{Payload, PayloadError};
use tasker_core::request::RequestProblem;
use tasker_wire::request::RequestDocument;

use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";

/// A body that must be there. Its fields are read later ([`Body::read`]): first it is found out whether there is what it is
/// about.
pub(crate) struct Body(Payload);

/// A body that need not be there; none is the same as `{}`.
pub(crate) struct OptionalBody(Payload);

impl Body {
    /// Reads the fields.
    pub(crate) fn read<T: RequestDocument>(&self) -> Result<T::Read, Problem> {
        T::read_object(&self.0).map_err(Problem::invalid)
    }
}

impl OptionalBody {
    /// Reads the fields.
    pub(crate) fn read<T: RequestDocument>(&self) -> Result<T::Read, Problem> {
        T::read_object(&self.0).map_err(Problem::invalid)
    }
}

impl FromRequest<ApiState> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &ApiState) -> Result<Self, Problem> {
        let missing = || Problem::new(&codes::MISSING_BODY, "send a JSON object");
        object(request, api).await?.map(Self).ok_or_else(missing)
    }
}

impl FromRequest<ApiState> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &ApiState) -> Result<Self, Problem> {
        Ok(Self(object(request, api).await?.unwrap_or_else(Payload::empty_object)))
    }
}

/// A body is larger than it may be.
pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::new(&codes::PAYLOAD_TOO_LARGE, format!("a body may have at most {limit} bytes"))
}

async fn object(request: Request, api: &ApiState) -> Result<Option<Payload>, Problem> {
    let (parts, body) = request.into_parts();
    let text = bytes(body, api.options.max_body_bytes).await?;
    if text.is_empty() {
        return Ok(None);
    }
    check_media_type(&parts.headers, &[JSON])?;
    parse(&text).map(Some)
}

pub(super) async fn bytes(body: RawBody, limit: usize) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => Err(malformed("the body ended before it was complete")),
    }
}

/// One of these media types, in UTF-8 and not compressed; answers with which.
pub(super) fn check_media_type(
    headers: &HeaderMap,
    taken: &'static [&'static str],
) -> Result<&'static str, Problem> {
    let refused = |detail: String| Problem::new(&codes::UNSUPPORTED_MEDIA_TYPE, detail);
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(refused(format!("a body cannot be encoded as {coding}: send it as it is")));
    }
    let choice = taken.join(" or ");
    let Some(media) = text(CONTENT_TYPE) else {
        return Err(refused(format!("say what the body is: Content-Type: {choice}")));
    };
    let found = taken.iter().find(|kind| is_of(kind, media));
    found.copied().ok_or_else(|| refused(format!("a body must be {choice}, not {media}")))
}

fn is_of(kind: &str, media: &str) -> bool {
    let mut parts = media.split(';').map(str::trim);
    parts.next().is_some_and(|first| first.eq_ignore_ascii_case(kind))
        && parts.filter(|parameter| !parameter.is_empty()).all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

pub(super) fn parse(bytes: &[u8]) -> Result<Payload, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(format!("it is not UTF-8: {error}")))?;
    match Payload::parse(text, usize::MAX).and_then(Payload::into_object) {
        Ok(object) => Ok(object),
        Err(PayloadError::InvalidText) => Err(unstorable_text(text)),
        Err(error) => Err(malformed(error.to_string())),
    }
}

pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(&codes::MALFORMED_JSON, detail)
}

/// Says where the text stands that cannot be stored, if it is JSON at all.
fn unstorable_text(text: &str) -> Problem {
    let error = PayloadError::InvalidText;
    let pointer = serde_json::from_str(text).ok().and_then(|value| pointer_to_nul(&value));
    match pointer {
        Some(pointer) => Problem::invalid(vec![RequestProblem {
            code: error.code(),
            pointer,
            message: error.to_string(),
            help: None,
        }]),
        None => malformed(error.to_string()),
    }
}

/// The first text with a NUL in it. The parser bounds how deep this goes.
fn pointer_to_nul(value: &Value) -> Option<String> {
    let below = |key: String, value: &Value| pointer_to_nul(value).map(|rest| format!("/{key}{rest}"));
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(i, item)| below(i.to_string(), item)),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let name = key.replace('~', "~0").replace('/', "~1");
            if key.contains('\0') { Some(String::new()) } else { below(name, value) }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_known_by_its_media_type() {
        for media in
            ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(is_of(JSON, media), "{media}");
        }
        for media in [
            "text/plain",
            "application/jsonx",
            "application/json; charset=latin1",
            "application/problem+json",
            "",
        ] {
            assert!(!is_of(JSON, media), "{media}");
        }
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        let code = |text: &str| parse(text.as_bytes()).unwrap_err().document("r").code;
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(64), "]".repeat(64));
        for text in
            ["{", "[]", "7", "null", "NaN", r#"{"a":NaN}"#, r#"{"a":1,"a":2}"#, r#"{"a":"\ud800"}"#, &deep]
        {
            assert_eq!(code(text), "MALFORMED_JSON", "{text}");
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err().document("r").code, "MALFORMED_JSON");
    }

    #[test]
    fn text_that_cannot_be_stored_is_named() {
        let document = parse(br#"{"context":{"a/b":["x","\u0000"]}}"#).unwrap_err().document("r");
        assert_eq!((document.status, document.code.as_str()), (422, "VALIDATION_FAILED"));
        assert_eq!(document.errors[0].pointer.as_deref(), Some("/context/a~1b/1"));
    }
}
