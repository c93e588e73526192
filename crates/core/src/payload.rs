//! JSON from outside: the one door through which contexts, inputs and results enter the engine.

mod contain;
mod scan;
#[cfg(test)]
mod tests;
mod visit;
mod write;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use self::write::Writer;

/// Deepest nesting of a payload.
pub const MAX_DEPTH: usize = 64;

/// Largest payload in bytes, unless configured otherwise.
pub const DEFAULT_MAX_BYTES: usize = 1024 * 1024;

/// JSON text that every store can keep: no NUL, no lone surrogate, at most [`MAX_DEPTH`] deep, no duplicate key,
/// numbers that fit i64, u64 or f64. Written compactly, keys in the order given; cheap to clone.
///
/// Equal values with equal order of keys are equal text, however they were written: escapes and numbers have one form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<str>);

/// Why text or a value is no payload.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadError {
    /// Not JSON.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// A string holds NUL or half of a surrogate pair.
    #[error("a string holds a NUL character or a lone surrogate, which databases cannot store")]
    InvalidText,
    /// Nested too deep.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A key stands twice in one object.
    #[error("the key {0:?} stands twice in one object")]
    DuplicateKey(String),
    /// A number beyond i64, u64 and f64.
    #[error("a number is outside of what 64 bits hold")]
    NumberOutOfRange,
    /// Too many bytes.
    #[error("{bytes} bytes are more than the {limit} allowed")]
    TooLarge {
        /// Size.
        bytes: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// An object is asked for, and this is something else.
    #[error("must be a JSON object, but is {0}")]
    NotAnObject(&'static str),
}

impl PayloadError {
    /// The stable code: `invalid_json`, `invalid_text`, `too_deep`, `duplicate_key`, `number_out_of_range`, `too_large`,
    /// `not_an_object`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "invalid_json",
            Self::InvalidText => "invalid_text",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey(_) => "duplicate_key",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::TooLarge { .. } => "too_large",
            Self::NotAnObject(_) => "not_an_object",
        }
    }
}

impl Payload {
    /// Checks text and keeps it, written compactly.
    ///
    /// # Errors
    /// Every rule of [`Payload`] that the text breaks has its own [`PayloadError`]; size is looked at first.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Self, PayloadError> {
        within(text.len(), max_bytes)?;
        let compact = scan::compact(text)?;
        within(compact.len(), max_bytes)?;
        Ok(Self(compact.into()))
    }

    /// Checks the text of a context and keeps it: [`Payload::parse`], and it must be an object.
    ///
    /// # Errors
    /// As [`Payload::parse`]; [`PayloadError::NotAnObject`].
    pub fn object(text: &str, max_bytes: usize) -> Result<Self, PayloadError> {
        Self::parse(text, max_bytes)?.into_object()
    }

    /// Checks a value and keeps it, written compactly.
    ///
    /// # Errors
    /// As [`Payload::parse`]; size is looked at last.
    pub fn from_value(value: &Value, max_bytes: usize) -> Result<Self, PayloadError> {
        let mut writer = Writer::with_capacity(128);
        visit::write_value(&mut writer, value)?;
        let compact = writer.finish();
        within(compact.len(), max_bytes)?;
        Ok(Self(compact.into()))
    }

    /// The same payload, if it is an object.
    ///
    /// # Errors
    /// [`PayloadError::NotAnObject`], naming what it is.
    pub fn into_object(self) -> Result<Self, PayloadError> {
        match self.0.as_bytes().first() {
            Some(b'{') => Ok(self),
            Some(b'[') => Err(PayloadError::NotAnObject("an array")),
            Some(b'"') => Err(PayloadError::NotAnObject("a string")),
            Some(b'n') => Err(PayloadError::NotAnObject("null")),
            Some(b't' | b'f') => Err(PayloadError::NotAnObject("a boolean")),
            _ => Err(PayloadError::NotAnObject("a number")),
        }
    }

    /// Takes text that a store gives back; it was checked when it went in.
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Size of the text in bytes.
    #[allow(clippy::len_without_is_empty, reason = "no JSON text is empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).expect("a payload is JSON")
    }

    /// Whether all of another payload is in this one, as PostgreSQL's `jsonb @> jsonb` means it: wanted keys with their
    /// values, wanted items of lists in any order, numbers by value.
    pub fn contains(&self, wanted: &Self) -> bool {
        contain::contains(&self.to_value(), &wanted.to_value())
    }

    /// `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// `{}`.
    pub fn empty_object() -> Self {
        Self("{}".into())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// Keeps every rule but size, which belongs to the whole document, and one: integers beyond 64 bits have become f64
/// before they arrive here.
impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut writer = Writer::with_capacity(128);
        visit::write_from(&mut writer, deserializer)?;
        Ok(Self(writer.finish().into()))
    }
}

fn within(bytes: usize, limit: usize) -> Result<(), PayloadError> {
    if bytes > limit { Err(PayloadError::TooLarge { bytes, limit }) } else { Ok(()) }
}
