//! Claims as they stand in a token, read as what they mean.

use serde_json::{Map, Value};

use super::BadJwt;
use crate::time::Timestamp;

/// Last second that can be written with four digits of the year.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a token says.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Payload<'a> {
    /// A claim by its name, or by the names on the way to it with dots between. `null` is as good as missing.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        find(self.0, name).filter(|value| !value.is_null())
    }

    /// An instant: a number of seconds.
    pub(super) fn instant(self, name: &str) -> Result<Option<Timestamp>, BadJwt> {
        let read = |value| instant(value).ok_or_else(|| malformed(name, "a number of seconds since 1970"));
        self.get(name).map(read).transpose()
    }

    /// A text.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, BadJwt> {
        let read = |value: &'a Value| value.as_str().ok_or_else(|| malformed(name, "a text"));
        self.get(name).map(read).transpose()
    }

    /// A list of texts. A text alone is a list of its words.
    pub(super) fn texts(self, name: &str) -> Result<Option<Vec<&'a str>>, BadJwt> {
        let read = |value| words(value).ok_or_else(|| malformed(name, "a list of texts"));
        self.get(name).map(read).transpose()
    }
}

/// A claim that is not what it must be.
pub(super) fn malformed(claim: &str, rule: &'static str) -> BadJwt {
    BadJwt::Malformed { claim: claim.to_owned(), rule }
}

/// Names of claims may hold dots themselves (`https://example.org/roles`), so the whole name comes first.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (head, rest) = name.split_once('.')?;
    find(claims.get(head)?.as_object()?, rest)
}

fn instant(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64()?;
    // What is beyond cannot be written as a date, and no issuer means it.
    if !(0.0..=LAST_SECOND as f64).contains(&seconds) {
        return None;
    }
    Some(Timestamp::from_micros((seconds * 1e6) as i64))
}

fn words(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(text.split_whitespace().collect()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}
