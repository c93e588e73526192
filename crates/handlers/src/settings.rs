//! Reading the settings of a handler: what both handlers share.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tasker_core::nearest::nearest;
use tasker_core::outcome::Failure;
use tasker_core::pointer::pointer_to;
use tasker_core::template::is_template;

/// A setting that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SettingProblem {
    /// JSON pointer inside the settings.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub help: Option<String>,
}

impl SettingProblem {
    pub(crate) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), help: None }
    }

    /// The permanent failure of a step with such settings.
    pub(crate) fn failure(&self) -> Failure {
        Failure::permanent(
            "InvalidHandlerConfig",
            "invalid_handler_config",
            format!("handler_config{}: {}", self.pointer, self.message),
        )
    }
}

/// The settings of one handler.
pub(crate) trait Settings: DeserializeOwned {
    /// The keys it knows.
    const KEYS: &'static [&'static str];

    /// Keys that hold an object of settings with the keys that object knows; none: any key.
    const NESTED: &'static [(&'static str, &'static [&'static str])];

    /// Keys that must be there, with a value of the right type to stand in for one that is not known yet.
    fn required() -> &'static [(&'static str, &'static str)];

    /// Rules that types do not tell.
    fn problems(&self) -> Vec<SettingProblem>;

    /// Reads rendered settings.
    ///
    /// # Errors
    /// The first problem.
    fn decode(config: Value) -> Result<Self, SettingProblem> {
        let Ok(settings) = serde_json::from_value::<Self>(config.clone()) else {
            return Err(Self::misfit(&config));
        };
        match settings.problems().into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(settings),
        }
    }

    /// Why settings cannot be read. Values are not repeated: rendered settings hold secrets.
    fn misfit(config: &Value) -> SettingProblem {
        let Value::Object(entries) = config else {
            return SettingProblem::at("", format!("the settings must be a mapping, found {}", kind(config)));
        };
        if let Some(problem) = unknown_keys(entries, Self::KEYS, "").into_iter().next() {
            return problem;
        }
        for (key, value) in entries {
            if Self::decode_alone(key, value.clone()).is_err() {
                return SettingProblem::at(
                    format!("/{key}"),
                    format!("is not what it must be, found {}", kind(value)),
                );
            }
        }
        let missing = Self::required().iter().map(|(key, _)| *key).find(|key| !entries.contains_key(*key));
        match missing {
            Some(key) => SettingProblem::at("", format!("the key `{key}` is missing")),
            None => SettingProblem::at("", "a key stands twice, once under its other name"),
        }
    }

    /// Everything wrong with settings as they are written, before templates and variables have values. That a
    /// required key is missing is for the caller to tell.
    fn check(config: &Value) -> Vec<SettingProblem> {
        let empty = Map::new();
        let written = match config {
            Value::Object(entries) => entries,
            Value::Null => &empty,
            _ => return vec![SettingProblem::at("", "the settings must be a mapping")],
        };
        let mut problems = unknown_keys(written, Self::KEYS, "");
        let mut known = Map::new();
        for (key, value) in
            written.iter().filter(|(key, value)| Self::KEYS.contains(&key.as_str()) && !is_open(value))
        {
            let value = match (Self::NESTED.iter().find(|(name, _)| name == key), value) {
                (Some((_, keys)), Value::Object(entries)) => {
                    if !keys.is_empty() {
                        problems.extend(unknown_keys(entries, keys, &format!("/{key}")));
                    }
                    let kept = entries
                        .iter()
                        .filter(|(k, v)| (keys.is_empty() || keys.contains(&k.as_str())) && !is_open(v));
                    Value::Object(kept.map(|(k, v)| (k.clone(), v.clone())).collect())
                }
                _ => value.clone(),
            };
            match Self::decode_alone(key, value.clone()) {
                Ok(()) => drop(known.insert(key.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        for (key, stand_in) in Self::required() {
            known.entry(*key).or_insert_with(|| Value::from(*stand_in));
        }
        if let Ok(settings) = serde_json::from_value::<Self>(Value::Object(known)) {
            problems.extend(settings.problems());
        }
        problems
    }

    /// Reads one key as if it stood alone, so that all wrong ones are told at once.
    fn decode_alone(key: &str, value: Value) -> Result<(), SettingProblem> {
        let mut alone: Map<_, _> =
            Self::required().iter().map(|(k, v)| ((*k).into(), Value::from(*v))).collect();
        alone.insert(key.into(), value);
        match serde_json::from_value::<Self>(Value::Object(alone)) {
            Ok(_) => Ok(()),
            Err(error) => Err(SettingProblem::at(format!("/{key}"), error.to_string())),
        }
    }
}

/// Whether a value is a text that is only known at each attempt: a template or a `${VARIABLE}`.
pub(crate) fn is_open(value: &Value) -> bool {
    value.as_str().is_some_and(|text| is_template(text) || text.contains("${"))
}

/// A scalar as text; `None` for null, lists and objects.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// What a text begins with, cut at a character.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn unknown_keys(entries: &Map<String, Value>, known: &[&str], parent: &str) -> Vec<SettingProblem> {
    let unknown = entries.keys().filter(|key| !known.contains(&key.as_str()));
    unknown
        .map(|key| SettingProblem {
            pointer: pointer_to(parent, key),
            message: format!("the key `{key}` is not known"),
            help: nearest(key, known.iter().copied()).map(|near| format!("did you mean `{near}`?")),
        })
        .collect()
}

/// A number, or a text that is one: what a variable stands for is always text.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) => {
            text.trim().parse().map(Some).map_err(|_| D::Error::custom("expected a number, found a text"))
        }
        other => Err(D::Error::custom(format!("expected a number, found {}", kind(&other)))),
    }
}

/// A whole number that is not negative, or a text that is one.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match number(deserializer)? {
        None => Ok(None),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        Some(n) if n >= 0.0 && n.fract() == 0.0 && n <= 9e15 => Ok(Some(n as u64)),
        Some(n) => Err(D::Error::custom(format!("expected a whole number of at least 0, found {n}"))),
    }
}

/// A truth value, or a text that is one.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        Value::String(text) if text == "true" => Ok(Some(true)),
        Value::String(text) if text == "false" => Ok(Some(false)),
        other => Err(D::Error::custom(format!("expected true or false, found {}", kind(&other)))),
    }
}

/// A text; numbers and truth values count as what they look like.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => match scalar_text(&value) {
            Some(text) => Ok(Some(text)),
            None => Err(D::Error::custom(format!("expected a text, found {}", kind(&value)))),
        },
    }
}

/// A value that is there, even if it is null.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The kind of a value, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Problems of the settings that the engine reads for every handler of this crate.
pub(crate) fn backoff_problems(retry_delay: Option<f64>, jitter_factor: Option<f64>) -> Vec<SettingProblem> {
    let mut problems = Vec::new();
    if retry_delay.is_some_and(|delay| !delay.is_finite() || delay < 0.0) {
        problems.push(SettingProblem::at("/retry_delay", "must be at least 0"));
    }
    if jitter_factor.is_some_and(|factor| !(0.0..=1.0).contains(&factor)) {
        problems.push(SettingProblem::at("/jitter_factor", "must be between 0 and 1"));
    }
    problems
}

/// The problem of a time limit, if it has one.
pub(crate) fn limit_problem(key: &str, seconds: Option<f64>) -> Option<SettingProblem> {
    let bad = seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 1e9));
    bad.then(|| SettingProblem::at(format!("/{key}"), "must be more than 0 seconds"))
}
