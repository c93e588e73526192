//! From the answer to the step's result, or to what a failure tells.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};
use tasker_core::masking;
use tasker_core::outcome::Failure;
use tasker_core::payload::Payload;
use tasker_core::retry_after;
use tasker_core::time::Timestamp;

use super::classify::{Verdict, class_of};
use super::request::Request;
use super::transport;
use crate::settings::head;

/// Most bytes of a body that a failure keeps.
const EXCERPT: usize = 8 * 1024;

/// Reads the answer and makes the step's result of it.
///
/// # Errors
/// Permanent: `response_too_large`, `invalid_text` and the other codes of payloads. Retryable: the answer broke off.
pub(super) async fn result(
    mut response: Response,
    limit: usize,
    request: &Request,
) -> Result<Value, Failure> {
    let (status, headers) = (response.status(), shown(response.headers()));
    let is_json = is_json(response.headers());
    let too_large = || {
        Failure::permanent(
            "ResponseTooLarge",
            "response_too_large",
            format!("{} answered with more than {limit} bytes (max_response_bytes)", request.target()),
        )
        .with_context(context(status, &headers, None, request))
    };
    if response.content_length().is_some_and(|length| length > limit as u64)
        && request.method != reqwest::Method::HEAD
    {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport::failure(&error, request))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let result = json!({ "status": status.as_u16(), "headers": headers, "body": decoded(body, is_json) });
    // bytes are limited above, and again by whoever stores the result
    match Payload::from_value(&result, usize::MAX) {
        Ok(_) => Ok(result),
        Err(error) => Err(Failure::permanent(
            "ResponseNotStorable",
            error.code(),
            format!("{} answered with a body that cannot be stored: {error}", request.target()),
        )
        .with_context(context(status, &headers, None, request))),
    }
}

/// Makes a failure of an answer, with the first part of its body.
pub(super) async fn failure(
    mut response: Response,
    verdict: Verdict,
    now: Timestamp,
    request: &Request,
) -> Failure {
    let status = response.status();
    let headers = shown(response.headers());
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|value| retry_after::parse(value, now));
    let mut body = Vec::new();
    // an answer that breaks off here has already said what matters
    while body.len() < EXCERPT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
    let (class, code) = (class_of(status), format!("HTTP_{}", status.as_u16()));
    let message = format!("{} answered {}", request.target(), status);
    let failure = match verdict {
        Verdict::Retryable => Failure::retryable(&class, &code, message),
        _ => Failure::permanent(&class, &code, message),
    };
    let failure = failure.with_context(context(status, &headers, Some(excerpt(&text)), request));
    match (verdict, wait) {
        (Verdict::Retryable, Some(seconds)) => failure.after(seconds),
        _ => failure,
    }
}

fn context(
    status: StatusCode,
    headers: &Map<String, Value>,
    body: Option<Value>,
    request: &Request,
) -> Value {
    json!({
        "method": request.method.as_str(),
        "url": super::request::plain(&request.url),
        "status": status.as_u16(),
        "headers": headers,
        "response": body,
    })
}

/// A body as a failure keeps it: secrets masked if it is JSON, cut to [`EXCERPT`].
fn excerpt(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) if value.is_object() || value.is_array() => {
            masking::mask_value(&mut value);
            let masked = value.to_string();
            if masked.len() <= EXCERPT { value } else { Value::from(head(&masked, EXCERPT)) }
        }
        _ => Value::from(head(text, EXCERPT)),
    }
}

/// Headers as they are stored: values of one name joined, at most [`EXCERPT`] bytes each, secrets masked.
fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        map.insert(name.as_str().to_owned(), Value::from(head(&values.join(", "), EXCERPT)));
    }
    masking::mask_headers(&mut map);
    map
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
}

fn decoded(body: Vec<u8>, is_json: bool) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if is_json && let Ok(value) = serde_json::from_slice(&body) {
        return value;
    }
    match String::from_utf8(body) {
        Ok(text) => Value::String(text),
        Err(error) => json!({ "base64": STANDARD.encode(error.as_bytes()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_what_their_type_says() {
        let check =
            |body: &[u8], is_json, expected: Value| assert_eq!(decoded(body.to_vec(), is_json), expected);
        check(b"", true, Value::Null);
        check(b"{\"a\":1}", true, json!({ "a": 1 }));
        check(b"{\"a\":1}", false, json!("{\"a\":1}"));
        check(b"{\"a\":", true, json!("{\"a\":"));
        check(b"plain", false, json!("plain"));
        check(&[0xff, 0xfe], false, json!({ "base64": "//4=" }));
    }

    #[test]
    fn json_is_told_by_the_content_type() {
        let check = |text: &'static str, expected| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, text.parse().unwrap())]);
            assert_eq!(is_json(&headers), expected, "{text}");
        };
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/problem+json", true);
        check("text/plain", false);
        check("application/jsonl", false);
    }

    #[test]
    fn excerpts_are_masked_and_cut() {
        assert_eq!(excerpt("{\"password\":\"x\",\"a\":1}"), json!({ "password": "[FILTERED]", "a": 1 }));
        assert_eq!(excerpt("oops"), json!("oops"));
        assert_eq!(excerpt(&"\u{e9}".repeat(5000)).as_str().map(str::len), Some(EXCERPT));
    }

    #[test]
    fn secret_headers_are_masked() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", "session=1".parse().unwrap());
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        let shown = shown(&headers);
        assert_eq!(shown["set-cookie"], "[FILTERED]");
        assert_eq!(shown["x-a"], "1, 2");
    }
}
