//! Values of the template engine as JSON.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind};
use serde_json::{Map, Value};

use super::environment::MAX_RENDERED_BYTES;
use crate::payload::MAX_DEPTH;

/// Why a value cannot become JSON.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is, or holds, a value that is not there.
    Undefined,
    /// It is larger than the budget.
    TooLarge,
    /// Anything else.
    Other(String),
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Undefined => ErrorKind::UndefinedError.into(),
            Unfit::TooLarge => Self::new(ErrorKind::WriteFailure, TOO_LARGE),
            Unfit::Other(reason) => Self::new(ErrorKind::InvalidOperation, reason),
        }
    }
}

/// Whether an error says that something is larger than the budget.
pub(super) fn is_too_large(error: &Error) -> bool {
    error.kind() == ErrorKind::WriteFailure && error.detail() == Some(TOO_LARGE)
}

const TOO_LARGE: &str = "too large";

/// Bytes that may still be used while settings are rendered.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(MAX_RENDERED_BYTES)
    }

    /// Whether so many bytes are left.
    pub(super) fn has(&self, bytes: usize) -> Result<(), Unfit> {
        if bytes > self.0 { Err(Unfit::TooLarge) } else { Ok(()) }
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Unfit> {
        self.0 = self.0.checked_sub(bytes).ok_or(Unfit::TooLarge)?;
        Ok(())
    }
}

/// Turns a value into JSON, strictly: what is undefined at any depth is an error. As in payloads, depth is limited.
pub(super) fn to_json(value: &minijinja::Value, budget: &mut Budget) -> Result<Value, Unfit> {
    convert(value, budget, MAX_DEPTH)
}

/// Of lists and objects, at most `levels` may be open at a time.
fn convert(value: &minijinja::Value, budget: &mut Budget, levels: usize) -> Result<Value, Unfit> {
    budget.spend(2)?;
    match value.kind() {
        ValueKind::Undefined => Err(Unfit::Undefined),
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable => list(value, budget, deeper(levels)?),
        ValueKind::Map => object(value, budget, deeper(levels)?),
        ValueKind::Invalid => Err(Unfit::Other(value.to_string())),
        _ => text(value, budget),
    }
}

/// The levels that are left inside a list or an object.
pub(super) fn deeper(levels: usize) -> Result<usize, Unfit> {
    levels.checked_sub(1).ok_or_else(|| Unfit::Other(format!("nested deeper than {MAX_DEPTH} levels")))
}

fn number(value: &minijinja::Value) -> Result<Value, Unfit> {
    match serde_json::to_value(value) {
        Ok(Value::Null) => Err(Unfit::Other("a number is not finite".into())),
        Ok(number) => Ok(number),
        Err(_) => Err(Unfit::Other("a number does not fit 64 bits".into())),
    }
}

fn text(value: &minijinja::Value, budget: &mut Budget) -> Result<Value, Unfit> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    budget.spend(text.len())?;
    Ok(Value::String(text))
}

fn list(value: &minijinja::Value, budget: &mut Budget, levels: usize) -> Result<Value, Unfit> {
    let items = value.try_iter()?;
    items.map(|item| convert(&item, budget, levels)).collect::<Result<_, _>>().map(Value::Array)
}

fn object(value: &minijinja::Value, budget: &mut Budget, levels: usize) -> Result<Value, Unfit> {
    let mut map = Map::new();
    for key in value.try_iter()? {
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        budget.spend(name.len())?;
        map.insert(name, convert(&value.get_item(&key)?, budget, levels)?);
    }
    Ok(Value::Object(map))
}
