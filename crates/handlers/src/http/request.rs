//! From settings to the request that is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::{Map, Value};
use tasker_core::outcome::Failure;
use tasker_engine::context::StepContext;
use url::Url;

use super::config::{HttpConfig, checked_url};
use crate::settings::{SettingProblem, kind, scalar_text};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("tasker/", env!("CARGO_PKG_VERSION")));

/// Everything but the unreserved characters of RFC 3986.
const FIELD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request ready to be sent.
#[derive(Debug)]
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<String>,
}

impl Request {
    /// Builds the request of a step.
    ///
    /// # Errors
    /// Permanent failures: `invalid_api_url`, `missing_path_field`, `invalid_handler_config`.
    pub(super) fn new(config: &HttpConfig, step: &StepContext) -> Result<Self, Failure> {
        let method = config.method();
        let body = body(config, &method, step)?;
        Ok(Self { url: url(config, step)?, headers: headers(config, step)?, method, body })
    }

    /// What is asked of whom, without what may be secret: no user, no query.
    pub(super) fn target(&self) -> String {
        format!("{} {}", self.method, plain(&self.url))
    }
}

/// A URL without user and query.
pub(super) fn plain(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn url(config: &HttpConfig, step: &StepContext) -> Result<Url, Failure> {
    let mut url = checked_url(&config.url).map_err(|message| {
        Failure::permanent("InvalidApiUrl", "invalid_api_url", format!("handler_config/url: {message}"))
    })?;
    if let Some(path) = &config.path {
        append(&mut url, &filled(path, step)?);
    }
    if let Some(params) = config.params.as_ref().filter(|params| !params.is_empty()) {
        let pairs = pairs(params, "params").map_err(|problem| problem.failure())?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
    }
    Ok(url)
}

/// A path with a leading `/` replaces that of the URL, any other is appended.
fn append(url: &mut Url, path: &str) {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if path.starts_with('/') {
        url.set_path(path);
    } else if !path.is_empty() {
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
    }
    if let Some(query) = query {
        let whole = [url.query(), Some(query)].into_iter().flatten().collect::<Vec<_>>().join("&");
        url.set_query(Some(&whole));
    }
}

/// Puts the values of inputs in place of `{field}`.
fn filled(path: &str, step: &StepContext) -> Result<String, Failure> {
    if !path.contains('{') {
        return Ok(path.to_owned());
    }
    let inputs = step.inputs.to_value();
    let (mut whole, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((field, remaining)) = after.split_once('}') else { break };
        whole.push_str(before);
        let value = inputs.get(field).and_then(scalar_text).ok_or_else(|| missing(field))?;
        whole.extend(utf8_percent_encode(&value, FIELD));
        rest = remaining;
    }
    whole.push_str(rest);
    // such a segment would be taken for a step up, encoded or not
    if whole.split(['/', '?']).any(|segment| segment == "." || segment == "..") {
        return Err(missing_kind(
            "the path holds the segment `.` or `..` once its fields are filled in".into(),
        ));
    }
    Ok(whole)
}

fn missing(field: &str) -> Failure {
    missing_kind(format!("the path names {{{field}}}, and the inputs hold no text or number of that name"))
}

fn missing_kind(message: String) -> Failure {
    Failure::permanent("MissingPathField", "missing_path_field", message)
}

fn headers(config: &HttpConfig, step: &StepContext) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, if config.form.is_some() { FORM } else { JSON });
    headers.insert(ACCEPT, JSON);
    headers.insert(USER_AGENT, AGENT);
    insert_if_valid(&mut headers, "idempotency-key", Some(&step.idempotency_key));
    insert_if_valid(&mut headers, "x-correlation-id", step.correlation_id.as_deref());
    insert_if_valid(
        &mut headers,
        "traceparent",
        step.correlation_id.as_deref().filter(|id| is_traceparent(id)),
    );
    for (name, value) in config.headers.iter().flatten() {
        set(&mut headers, name, value).map_err(|problem| problem.failure())?;
    }
    Ok(headers)
}

fn insert_if_valid(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
        headers.insert(name, value);
    }
}

fn set(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), SettingProblem> {
    let wrong = |message: &str| SettingProblem::at(format!("/headers/{name}"), message);
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is no name of a header"))?;
    if value.is_null() {
        headers.remove(header);
        return Ok(());
    }
    let text = scalar_text(value).ok_or_else(|| wrong(&format!("must be a text, found {}", kind(value))))?;
    let value =
        HeaderValue::from_str(&text).map_err(|_| wrong("holds characters that headers cannot carry"))?;
    headers.insert(header, value);
    Ok(())
}

/// Whether a text has the shape of a W3C `traceparent`.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    matches!(parts.as_slice(), [version, trace, span, flags]
        if hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2))
}

fn body(config: &HttpConfig, method: &Method, step: &StepContext) -> Result<Option<String>, Failure> {
    if let Some(json) = &config.json {
        return Ok(Some(json.to_string()));
    }
    if let Some(form) = &config.form {
        let pairs = pairs(form, "form").map_err(|problem| problem.failure())?;
        return Ok(Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()));
    }
    let sends_inputs = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    Ok(config.body.clone().or_else(|| sends_inputs.then(|| step.inputs.as_str().to_owned())))
}

fn pairs(entries: &Map<String, Value>, parent: &str) -> Result<Vec<(String, String)>, SettingProblem> {
    let mut pairs = Vec::new();
    for (key, value) in entries {
        let items =
            if let Value::Array(items) = value { items.as_slice() } else { std::slice::from_ref(value) };
        for item in items.iter().filter(|item| !item.is_null()) {
            let text = scalar_text(item).ok_or_else(|| {
                SettingProblem::at(
                    format!("/{parent}/{key}"),
                    format!("must be a text, a number or a list of them, found {}", kind(item)),
                )
            })?;
            pairs.push((key.clone(), text));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    fn built(config: Value) -> Result<Request, Failure> {
        let inputs = json!({ "id": "a b/\u{e9}", "n": 7, "up": "..", "o": {} });
        let mut step = StepContext::for_test("s", Value::Null, inputs, &[]);
        step.correlation_id = Some("abc-1".into());
        Request::new(&HttpConfig::decode(config).unwrap(), &step)
    }

    fn url_of(config: Value) -> String {
        built(config).unwrap().url.to_string()
    }

    #[test]
    fn paths_replace_or_append() {
        let check = |url: &str, path: &str, expected| {
            assert_eq!(url_of(json!({ "url": url, "path": path })), expected)
        };
        check("http://h/v2/", "quotes", "http://h/v2/quotes");
        check("http://h/v2", "quotes/1", "http://h/v2/quotes/1");
        check("http://h", "quotes", "http://h/quotes");
        check("http://h/v2/", "/quotes", "http://h/quotes");
        check("http://h/v2?a=1", "q?b=2", "http://h/v2/q?a=1&b=2");
        check("http://h/v2", "", "http://h/v2");
        check("http://h/v2", "q/{id}/{n}", "http://h/v2/q/a%20b%2F%C3%A9/7");
    }

    #[test]
    fn fields_that_are_missing_are_permanent() {
        for path in ["x/{none}", "x/{o}", "x/{up}/y"] {
            let failure = built(json!({ "url": "http://h", "path": path })).unwrap_err();
            assert_eq!(
                (failure.code.as_str(), failure.is_retryable()),
                ("missing_path_field", false),
                "{path}"
            );
        }
        assert_eq!(built(json!({ "url": "/h" })).unwrap_err().code, "invalid_api_url");
    }

    #[test]
    fn params_are_added_to_the_query() {
        let params = json!({ "currency": "EUR", "n": 1, "l": ["a", null, "b&c"], "none": null, "yes": true });
        let url = url_of(json!({ "url": "http://h/x?k=v", "params": params }));
        assert_eq!(url, "http://h/x?k=v&currency=EUR&n=1&l=a&l=b%26c&yes=true");
        assert_eq!(url_of(json!({ "url": "http://h/x", "params": {} })), "http://h/x");
        let failure = built(json!({ "url": "http://h", "params": { "o": {} } })).unwrap_err();
        assert_eq!(failure.code, "invalid_handler_config");
    }

    fn header(config: Value, name: &str) -> Option<String> {
        built(config).unwrap().headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn dom_108_as_48_json_headers_are_sent_unless_overridden() {
        let check = |headers: Value, name, expected: Option<&str>| {
            assert_eq!(
                header(json!({ "url": "http://h", "headers": headers }), name).as_deref(),
                expected,
                "{name}"
            );
        };
        check(json!({}), "content-type", Some("application/json"));
        check(json!({}), "accept", Some("application/json"));
        check(json!({}), "idempotency-key", Some("00000000-0000-0000-0000-000000000000/s"));
        check(json!({}), "x-correlation-id", Some("abc-1"));
        check(json!({}), "traceparent", None);
        check(json!({ "ACCEPT": "text/csv" }), "accept", Some("text/csv"));
        check(json!({ "accept": null }), "accept", None);
        check(json!({ "idempotency-KEY": "mine", "X-N": 1 }), "idempotency-key", Some("mine"));
        check(json!({ "X-N": 1 }), "x-n", Some("1"));
        let form = json!({ "url": "http://h", "form": { "a": 1 } });
        assert_eq!(header(form, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    }

    #[test]
    fn bodies_are_written_as_they_are_meant() {
        let check = |config: Value, expected: Option<&str>| {
            assert_eq!(built(config).unwrap().body.as_deref(), expected);
        };
        check(json!({ "url": "http://h" }), None);
        check(json!({ "url": "http://h", "json": { "a": [1, null] } }), Some("{\"a\":[1,null]}"));
        check(json!({ "url": "http://h", "form": { "a": "b c", "d": [1, 2] } }), Some("a=b+c&d=1&d=2"));
        check(json!({ "url": "http://h", "body": "plain" }), Some("plain"));
        check(json!({ "url": "http://h", "method": "POST", "body": "" }), Some(""));
        let inputs = r#"{"id":"a b/é","n":7,"up":"..","o":{}}"#;
        check(json!({ "url": "http://h", "method": "PUT" }), Some(inputs));
    }

    #[test]
    fn what_is_told_of_a_request_holds_no_secret() {
        let request =
            built(json!({ "url": "https://user:pw@h:8443/a?token=t", "method": "DELETE" })).unwrap();
        assert_eq!(request.target(), "DELETE https://h:8443/a");
    }

    #[test]
    fn a_traceparent_is_recognised() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("00-4bf9-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("abc-1"));
    }
}
