//! Kinds of settings: which values they take, from files (typed) and from environment and flags (text).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::span;
use tasker_core::nearest::nearest;

/// What a setting may hold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A number.
    Number {
        /// Least.
        min: f64,
        /// Most.
        max: f64,
    },
    /// A span of time.
    Span {
        /// Shortest.
        min: Duration,
        /// Whether `never` is allowed.
        never: bool,
    },
    /// A size in bytes: a number, or text such as `8MiB`.
    Bytes {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Text that is not empty.
    Text,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list of texts; in the environment with commas between them.
    Texts,
    /// A list of whole numbers; in the environment with commas between them.
    Counts,
    /// Whole numbers from 1 by name; cannot be set in the environment.
    CountsByName,
    /// Lists of texts by name; cannot be set in the environment.
    TextsByName,
}

/// A checked value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Flag(bool),
    Count(u64),
    Number(f64),
    Span(Duration),
    Never,
    Text(String),
    Texts(Vec<String>),
    Counts(Vec<u64>),
    CountsByName(BTreeMap<String, u64>),
    TextsByName(BTreeMap<String, Vec<String>>),
}

/// Why a value does not fit: the code and the words.
pub(crate) type Misfit = (&'static str, String);

impl Kind {
    /// What it takes, in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Flag => "true or false".into(),
            Self::Count { min, max: u64::MAX } => format!("a whole number from {min}"),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Span { min, never } => {
                let or_never = if *never { ", or \"never\"" } else { "" };
                format!("a span of time such as 500ms, 30s or 5m, at least {}{or_never}", span::format(*min))
            }
            Self::Bytes { min, max } => {
                format!("a size such as 65536, 64KiB or 8MiB, from {min} to {max} bytes")
            }
            Self::Text => "text that is not empty".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Texts => "a list of texts".into(),
            Self::Counts => "a list of whole numbers".into(),
            Self::CountsByName => "a table of whole numbers from 1".into(),
            Self::TextsByName => "a table of lists of texts".into(),
        }
    }

    /// Reads a typed value, as files hold it.
    pub(crate) fn read(&self, raw: &Json) -> Result<Value, Misfit> {
        let found = match (self, raw) {
            (Self::Flag, Json::Bool(flag)) => Some(Value::Flag(*flag)),
            (Self::Count { .. } | Self::Bytes { .. }, Json::Number(number)) => {
                number.as_u64().map(Value::Count)
            }
            (Self::Number { .. }, Json::Number(number)) => number.as_f64().map(Value::Number),
            (Self::Span { .. }, Json::Number(number)) => {
                number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(Value::Span)
            }
            (Self::Span { .. } | Self::Bytes { .. } | Self::Text | Self::Choice(_), Json::String(text)) => {
                return self.read_text(text);
            }
            (Self::Texts, list) => texts(list).map(Value::Texts),
            (Self::TextsByName, Json::Object(map)) => map
                .iter()
                .map(|(name, list)| Some((name.clone(), texts(list)?)))
                .collect::<Option<_>>()
                .map(Value::TextsByName),
            (Self::Counts, Json::Array(items)) => {
                items.iter().map(Json::as_u64).collect::<Option<_>>().map(Value::Counts)
            }
            (Self::CountsByName, Json::Object(map)) => map
                .iter()
                .map(|(name, n)| Some((name.clone(), n.as_u64()?)))
                .collect::<Option<_>>()
                .map(Value::CountsByName),
            _ => None,
        };
        self.within(found.ok_or_else(|| self.wrong_type(&raw.to_string()))?)
    }

    /// Reads text, as environment and flags give it.
    pub(crate) fn read_text(&self, text: &str) -> Result<Value, Misfit> {
        let wrong = || self.wrong_type(&format!("{text:?}"));
        let list = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let value = match self {
            Self::Flag => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Value::Flag(true),
                "false" | "0" | "no" | "off" => Value::Flag(false),
                _ => return Err(wrong()),
            },
            Self::Count { .. } => Value::Count(text.parse().map_err(|_| wrong())?),
            Self::Number { .. } => Value::Number(text.parse().map_err(|_| wrong())?),
            Self::Span { never: true, .. } if text == "never" => Value::Never,
            Self::Span { .. } => Value::Span(span::parse(text).map_err(|_| wrong())?),
            Self::Bytes { .. } => Value::Count(bytes(text).ok_or_else(wrong)?),
            Self::Text | Self::Choice(_) => Value::Text(text.into()),
            Self::Texts => Value::Texts(list().map(str::to_owned).collect()),
            Self::Counts => {
                Value::Counts(list().map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?)
            }
            Self::CountsByName | Self::TextsByName => {
                return Err(("wrong_type", "can only be set in a file".into()));
            }
        };
        self.within(value)
    }

    fn within(&self, value: Value) -> Result<Value, Misfit> {
        let fits = match (self, &value) {
            (Self::Count { min, max } | Self::Bytes { min, max }, Value::Count(n)) => min <= n && n <= max,
            (Self::Number { min, max }, Value::Number(n)) => min <= n && n <= max,
            (Self::Span { min, .. }, Value::Span(span)) => min <= span,
            (Self::Text, Value::Text(text)) => !text.trim().is_empty(),
            (Self::Choice(words), Value::Text(text)) => return choose(words, text),
            (Self::CountsByName, Value::CountsByName(map)) => map.values().all(|n| *n > 0),
            _ => true,
        };
        let found = || value.show().to_string();
        if fits {
            Ok(value)
        } else {
            Err(("out_of_range", format!("is {}, but must be {}", found(), self.describe())))
        }
    }

    fn wrong_type(&self, found: &str) -> Misfit {
        let found: String = found.chars().take(80).collect();
        ("wrong_type", format!("is {found}, but must be {}", self.describe()))
    }
}

impl Value {
    /// The value as JSON, for people.
    pub(crate) fn show(&self) -> Json {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::Count(n) => json!(n),
            Self::Number(n) => json!(n),
            Self::Span(length) => json!(span::format(*length)),
            Self::Never => json!("never"),
            Self::Text(text) => json!(text),
            Self::Texts(list) => json!(list),
            Self::Counts(list) => json!(list),
            Self::CountsByName(map) => json!(map),
            Self::TextsByName(map) => json!(map),
        }
    }
}

fn texts(list: &Json) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn choose(words: &[&str], text: &str) -> Result<Value, Misfit> {
    if words.contains(&text) {
        return Ok(Value::Text(text.into()));
    }
    let proposal =
        nearest(text, words.iter().copied()).map(|w| format!("; did you mean {w:?}?")).unwrap_or_default();
    Err(("out_of_range", format!("is {text:?}, but must be one of {}{proposal}", words.join(", "))))
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match text[digits..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}
