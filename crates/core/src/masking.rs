//! Secrets made unreadable before anything is stored, logged or shown.
//!
//! Keys tell what is secret (`spec/observability.md` 4.6); in texts such as lines of a log, credentials are found by their
//! form besides. Applies to stored response headers, contexts of errors, logs and dumps of settings; never to contexts,
//! inputs and results themselves.

mod text;

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// What stands in place of a secret, unless configured otherwise.
pub const DEFAULT_MASK: &str = "[FILTERED]";

/// Parts of keys whose values are secret, unless configured otherwise.
pub const DEFAULT_PATTERNS: [&str; 13] = [
    "passw",
    "email",
    "secret",
    "token",
    "_key",
    "crypt",
    "salt",
    "certificate",
    "otp",
    "ssn",
    "authorization",
    "cookie",
    "credential",
];

/// Patterns so short that they only count as whole words: `otp` is in `otp_code`, but not in `hotpot`.
const WHOLE_WORDS: [&str; 3] = ["otp", "ssn", "salt"];

/// Which values are secret, and what takes their place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Masking {
    mask: String,
    /// Parts of keys.
    parts: Vec<String>,
    /// Whole words of keys.
    words: Vec<String>,
    /// Parts of dotted paths.
    paths: Vec<String>,
}

impl Default for Masking {
    fn default() -> Self {
        Self::new(DEFAULT_PATTERNS, DEFAULT_MASK)
    }
}

impl Masking {
    /// Masking by patterns: text that a key holds, regardless of case; with a dot, text that the dotted path holds.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>, mask: &str) -> Self {
        let mut masking = Self { mask: mask.into(), parts: Vec::new(), words: Vec::new(), paths: Vec::new() };
        for pattern in patterns {
            let list = match pattern.to_lowercase().as_str() {
                "" => continue,
                p if p.contains('.') => &mut masking.paths,
                p if WHOLE_WORDS.contains(&p) => &mut masking.words,
                _ => &mut masking.parts,
            };
            list.push(pattern.to_lowercase());
        }
        masking
    }

    /// Whether the value of this key, header or parameter is secret.
    pub fn is_secret(&self, key: &str) -> bool {
        let key = snake_case(key);
        self.parts.iter().any(|part| key.contains(part.as_str()))
            || key.split(|c: char| !c.is_alphanumeric()).any(|word| self.words.iter().any(|w| w == word))
    }

    /// Whether a field of a log line is secret; its name may be a dotted path.
    pub fn is_secret_field(&self, name: &str) -> bool {
        let path = name.to_lowercase();
        self.is_secret(name) || self.paths.iter().any(|pattern| path.contains(pattern.as_str()))
    }

    /// Masks the secrets of a value at any depth, and the credentials in its texts.
    pub fn mask_line(&self, value: &mut Value) {
        self.mask_value(value);
        self.mask_texts(value);
    }

    fn mask_texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_texts(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.mask_texts(value)),
            _ => {}
        }
    }

    /// What stands in place of a secret.
    pub fn mask(&self) -> &str {
        &self.mask
    }

    /// Masks the secrets of a value, at any depth.
    pub fn mask_value(&self, value: &mut Value) {
        self.mask_below(value, "");
    }

    /// Masks the secrets among headers.
    pub fn mask_headers(&self, headers: &mut Map<String, Value>) {
        for (name, value) in headers {
            if self.is_secret(name) {
                *value = Value::from(self.mask.as_str());
            }
        }
    }

    fn mask_below(&self, value: &mut Value, path: &str) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.mask_entry(key, value, path);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_below(item, path)),
            _ => {}
        }
    }

    fn mask_entry(&self, key: &str, value: &mut Value, parent: &str) {
        let path =
            if self.paths.is_empty() { String::new() } else { format!("{parent}.{}", key.to_lowercase()) };
        let path = path.trim_start_matches('.');
        if self.is_secret(key) || self.paths.iter().any(|pattern| path.contains(pattern.as_str())) {
            *value = Value::from(self.mask.as_str());
        } else {
            self.mask_below(value, path);
        }
    }
}

static DEFAULT: LazyLock<Masking> = LazyLock::new(Masking::default);

/// Masks the secrets of a value by the default patterns.
pub fn mask_value(value: &mut Value) {
    DEFAULT.mask_value(value);
}

/// Masks the secrets among headers by the default patterns: `Authorization`, `Cookie`, `Set-Cookie`, `X-Api-Key`, ...
pub fn mask_headers(headers: &mut Map<String, Value>) {
    DEFAULT.mask_headers(headers);
}

/// `apiKey`, `APIKey`, `API-Key` and `api key` as `api_key`.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    let mut before = '_';
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_a_run = before.is_uppercase() && rest.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (before.is_lowercase() || before.is_numeric() || ends_a_run) {
            snake.push('_');
        }
        if c.is_alphanumeric() || c == '.' {
            snake.extend(c.to_lowercase())
        } else {
            snake.push('_')
        }
        before = c;
    }
    snake
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_tell_what_is_secret() {
        let masking = Masking::default();
        for key in [
            "password",
            "userPassword",
            "PASSWD",
            "client_secret",
            "accessToken",
            "api_key",
            "apiKey",
            "APIKey",
            "X-Api-Key",
            "x-auth-token",
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "otp",
            "otp_code",
            "userSsn",
            "salt",
            "email_address",
            "credentials",
        ] {
            assert!(masking.is_secret(key), "{key}");
        }
        for key in ["", "order_id", "hotpot", "salty", "assn", "keyboard", "monkey", "Content-Type", "host"] {
            assert!(!masking.is_secret(key), "{key}");
        }
    }

    #[test]
    fn values_are_masked_at_any_depth() {
        let mut value = json!({"a": [{"token": {"x": 1}}, {"b": 2}], "password": null, "n": "token"});
        mask_value(&mut value);
        assert_eq!(
            value,
            json!({"a": [{"token": "[FILTERED]"}, {"b": 2}], "password": "[FILTERED]", "n": "token"})
        );
    }

    #[test]
    fn a_pattern_with_a_dot_is_about_the_path() {
        let masking = Masking::new(["card.number"], "***");
        let mut value = json!({"payment": {"Card": [{"number": "4111", "name": "x"}]}, "number": 1});
        masking.mask_value(&mut value);
        assert_eq!(value, json!({"payment": {"Card": [{"number": "***", "name": "x"}]}, "number": 1}));
    }

    #[test]
    fn headers_that_hold_secrets_are_masked() {
        let mut headers = json!({"set-cookie": ["a=1"], "x-api-key": "k", "content-type": "text/html"});
        mask_headers(headers.as_object_mut().unwrap());
        assert_eq!(
            headers,
            json!({"set-cookie": "[FILTERED]", "x-api-key": "[FILTERED]", "content-type": "text/html"})
        );
    }
}
