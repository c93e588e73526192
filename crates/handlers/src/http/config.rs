//! The settings of the `http` handler as types.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::classify::Verdict;
use crate::settings::{
    SettingProblem, Settings, backoff_problems, count, flag, limit_problem, number, present, text,
};

/// Settings of one request, rendered. The meaning of each is told in [`crate::http`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to.
    pub url: String,
    /// Method; `None` is `GET`, or `POST` with a body.
    #[serde(default)]
    pub method: Option<String>,
    /// Path below or instead of that of `url`.
    #[serde(default)]
    pub path: Option<String>,
    /// Query parameters.
    #[serde(default)]
    pub params: Option<Map<String, Value>>,
    /// Headers; null removes one.
    #[serde(default)]
    pub headers: Option<Map<String, Value>>,
    /// JSON to send.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Value>,
    /// Form to send.
    #[serde(default)]
    pub form: Option<Map<String, Value>>,
    /// Text to send.
    #[serde(default, deserialize_with = "text")]
    pub body: Option<String>,
    /// Limit of the exchange in seconds.
    #[serde(default, alias = "timeout", deserialize_with = "number")]
    pub timeout_seconds: Option<f64>,
    /// Limit of connecting in seconds.
    #[serde(default, deserialize_with = "number")]
    pub connect_timeout_seconds: Option<f64>,
    /// TLS.
    #[serde(default)]
    pub ssl: Option<SslConfig>,
    /// Verdicts on statuses, by status.
    #[serde(default)]
    pub status_overrides: Option<BTreeMap<String, Verdict>>,
    /// Most redirects.
    #[serde(default, deserialize_with = "count")]
    pub follow_redirects: Option<u64>,
    /// Largest body of an answer.
    #[serde(default, deserialize_with = "count")]
    pub max_response_bytes: Option<u64>,
    /// Proxy, or `none`.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Kind of the settings; only `api` is known.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "flag")]
    pub enable_exponential_backoff: Option<bool>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "number")]
    pub retry_delay: Option<f64>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "number")]
    pub jitter_factor: Option<f64>,
    /// Another name of the step's `default_retry_limit`.
    #[serde(default, deserialize_with = "count")]
    pub retries: Option<u64>,
}

/// Settings of TLS.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SslConfig {
    /// Whether the server's certificate is checked; true unless written.
    #[serde(default, deserialize_with = "flag")]
    pub verify: Option<bool>,
    /// PEM file with certificates to trust besides the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// PEM file with the client's certificate.
    #[serde(default)]
    pub client_cert: Option<String>,
    /// PEM file with the key of `client_cert`.
    #[serde(default)]
    pub client_key: Option<String>,
    /// Oldest version, `1.2` or `1.3`.
    #[serde(default, deserialize_with = "text")]
    pub min_version: Option<String>,
}

impl HttpConfig {
    /// The method that is used.
    pub fn method(&self) -> Method {
        let has_body = self.json.is_some() || self.form.is_some() || self.body.is_some();
        match &self.method {
            Some(name) => Method::from_bytes(name.to_uppercase().as_bytes()).unwrap_or(Method::GET),
            None if has_body => Method::POST,
            None => Method::GET,
        }
    }

    /// Limit of the whole exchange.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds.unwrap_or(30.0))
    }

    /// Limit of connecting.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.connect_timeout_seconds.unwrap_or(5.0))
    }

    /// Verdicts on statuses.
    pub fn overrides(&self) -> BTreeMap<u16, Verdict> {
        let written = self.status_overrides.iter().flatten();
        written.filter_map(|(status, verdict)| Some((status.parse().ok()?, *verdict))).collect()
    }
}

impl Settings for HttpConfig {
    const KEYS: &'static [&'static str] = &[
        "url",
        "method",
        "path",
        "params",
        "headers",
        "json",
        "form",
        "body",
        "timeout_seconds",
        "timeout",
        "connect_timeout_seconds",
        "ssl",
        "status_overrides",
        "follow_redirects",
        "max_response_bytes",
        "proxy",
        "type",
        "enable_exponential_backoff",
        "retry_delay",
        "jitter_factor",
        "retries",
    ];

    const NESTED: &'static [(&'static str, &'static [&'static str])] = &[
        ("ssl", &["verify", "ca_file", "client_cert", "client_key", "min_version"]),
        ("status_overrides", &[]),
    ];

    fn required() -> &'static [(&'static str, &'static str)] {
        &[("url", "http://host")]
    }

    fn problems(&self) -> Vec<SettingProblem> {
        let mut problems = backoff_problems(self.retry_delay, self.jitter_factor);
        problems.extend(limit_problem("timeout_seconds", self.timeout_seconds));
        problems.extend(limit_problem("connect_timeout_seconds", self.connect_timeout_seconds));
        let bodies =
            [("json", self.json.is_some()), ("form", self.form.is_some()), ("body", self.body.is_some())];
        let given: Vec<_> = bodies.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
        if given.len() > 1 {
            problems.push(SettingProblem::at("", format!("only one of {} may be given", given.join(", "))));
        }
        if let Some(name) = &self.method
            && !METHODS.contains(&name.to_uppercase().as_str())
        {
            problems.push(SettingProblem::at("/method", format!("must be one of {}", METHODS.join(", "))));
        }
        if self.kind.as_deref().is_some_and(|kind| kind != "api") {
            problems.push(SettingProblem::at("/type", "must be `api` if it is given"));
        }
        for status in self.status_overrides.iter().flat_map(BTreeMap::keys) {
            if !status.parse::<u16>().is_ok_and(|status| (100..1000).contains(&status)) {
                let pointer = format!("/status_overrides/{status}");
                problems.push(SettingProblem::at(pointer, "a status is a number from 100 to 999"));
            }
        }
        problems.extend(self.ssl.iter().flat_map(ssl_problems));
        problems
    }
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

fn ssl_problems(ssl: &SslConfig) -> Vec<SettingProblem> {
    let mut problems = Vec::new();
    if ssl.client_cert.is_none() && ssl.client_key.is_some() {
        problems.push(SettingProblem::at("/ssl/client_key", "is of no use without client_cert"));
    }
    if ssl.min_version.as_deref().is_some_and(|version| !["1.2", "1.3"].contains(&version)) {
        problems.push(SettingProblem::at("/ssl/min_version", "must be \"1.2\" or \"1.3\""));
    }
    problems
}

/// Reads the URL of a request: absolute, `http` or `https`, with a host.
///
/// # Errors
/// What is wrong with it, for people; the text itself is not repeated, it may hold secrets.
pub fn checked_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the url is blank; give one such as https://example.org/v1".into());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("the url is relative; give its scheme and host, such as https://example.org/v1".into());
    };
    if !["http", "https"].contains(&scheme.to_lowercase().as_str()) {
        return Err("the scheme of the url must be http or https".into());
    }
    // the parser would take the first segment of the path for the host
    if rest.is_empty() || rest.starts_with(['/', '\\', '?', '#']) {
        return Err("the url has no host".into());
    }
    let url = Url::parse(text).map_err(|error| format!("the url cannot be read: {error}"))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the url has no host".into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dom_106_as_25_urls_must_be_absolute() {
        for wrong in [
            "",
            "   ",
            "ftp://x",
            "/relative",
            "relative",
            "http://",
            "http:///x",
            "http:x",
            "https://?a",
            "http://:80",
        ] {
            assert!(checked_url(wrong).is_err(), "{wrong:?}");
        }
        for right in ["http://x", "https://example.org:8443/v1?a=b", "http://127.0.0.1/", "HTTP://[::1]:80/"]
        {
            assert!(checked_url(right).is_ok(), "{right:?}");
        }
    }

    fn problems(config: Value) -> Vec<(String, String)> {
        let help = |p: SettingProblem| {
            (p.pointer, p.message + &p.help.map(|h| format!("; {h}")).unwrap_or_default())
        };
        HttpConfig::check(&config).into_iter().map(help).collect()
    }

    #[test]
    fn sound_settings_have_no_problems() {
        let config = json!({
            "type": "api", "url": "{{ context.shop }}/x", "method": "post", "path": "a/{id}", "params": { "a": [1, null] },
            "headers": { "Accept": null }, "json": "{{ context }}", "timeout": "${LIMIT}", "connect_timeout_seconds": 3,
            "ssl": { "verify": "${VERIFY}", "min_version": "1.2" }, "status_overrides": { "409": "success", "404": "{{ context.v }}" },
            "follow_redirects": 3, "max_response_bytes": 10, "proxy": "none", "enable_exponential_backoff": true,
            "retry_delay": 2.0, "jitter_factor": 0.1, "retries": 3,
        });
        assert_eq!(problems(config), []);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let found = problems(json!({
            "url": "http://x", "hedaers": {}, "timeout_seconds": 0, "method": "FETCH", "json": 1, "body": "x",
            "ssl": { "verfy": true, "min_version": "1.0" }, "status_overrides": { "409": "maybe" }, "retry_delay": [],
        }));
        let expected = [
            ("/hedaers", "the key `hedaers` is not known; did you mean `headers`?"),
            ("/ssl/verfy", "the key `verfy` is not known; did you mean `verify`?"),
            (
                "/status_overrides",
                "unknown variant `maybe`, expected one of `success`, `retryable`, `permanent`",
            ),
            ("/retry_delay", "expected a number, found a list"),
            ("/timeout_seconds", "must be more than 0 seconds"),
            ("", "only one of json, body may be given"),
            ("/method", "must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
            ("/ssl/min_version", "must be \"1.2\" or \"1.3\""),
        ];
        assert_eq!(found, expected.map(|(pointer, message)| (pointer.to_owned(), message.to_owned())));
    }

    #[test]
    fn texts_stand_for_numbers_and_truth_values() {
        let config = json!({ "url": "http://x", "timeout": "1.5", "ssl": { "verify": "false" }, "follow_redirects": "2" });
        let config = HttpConfig::decode(config).unwrap();
        assert_eq!(config.timeout(), Duration::from_millis(1500));
        assert_eq!(config.ssl.unwrap().verify, Some(false));
        assert_eq!(config.follow_redirects, Some(2));
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_value() {
        let check = |config: Value, pointer: &str, message: &str| {
            let problem = HttpConfig::decode(config).unwrap_err();
            assert_eq!((problem.pointer.as_str(), problem.message.as_str()), (pointer, message));
        };
        let config = json!({ "url": "http://x", "params": "s3cret" });
        check(config, "/params", "is not what it must be, found a text");
        check(json!({ "url": "http://x", "utl": "s3cret" }), "/utl", "the key `utl` is not known");
        check(json!({ "json": 1 }), "", "the key `url` is missing");
        check(json!(null), "", "the settings must be a mapping, found null");
        let config = json!({ "url": "http://x", "timeout": 1, "timeout_seconds": 2 });
        check(config, "", "a key stands twice, once under its other name");
    }

    #[test]
    fn the_method_follows_the_body() {
        let check =
            |config: Value, expected| assert_eq!(HttpConfig::decode(config).unwrap().method(), expected);
        check(json!({ "url": "http://x" }), Method::GET);
        check(json!({ "url": "http://x", "json": null }), Method::POST);
        check(json!({ "url": "http://x", "form": {}, "method": "put" }), Method::PUT);
    }
}
