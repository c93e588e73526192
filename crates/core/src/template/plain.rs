//! Copies of values that share nothing, within the limits of size.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::cost::{LONGEST_NUMBER, charge, text_weight};
use super::json::{Budget, Unfit, deeper};
use crate::payload::MAX_DEPTH;

/// Values that one unit of work copies.
const COPIES_PER_UNIT: usize = 4;

/// What a list or an object takes beside what is in it, in bytes.
const CONTAINER: usize = 14;

/// A copy in which every list and every object is one of its own and written out.
///
/// # Errors
/// If it is too large, too deep, or too much for the work that may still be done.
pub(super) fn plain(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    plain_within(state, value, &mut Budget::new())
}

/// The same for one value of several, which have to be within the limit together.
pub(super) fn plain_within(
    state: &State<'_, '_>,
    value: &Value,
    budget: &mut Budget,
) -> Result<Value, Error> {
    Copying { state, budget, owed: 0 }.copy(value, MAX_DEPTH)
}

struct Copying<'a, 't, 'e> {
    state: &'a State<'t, 'e>,
    budget: &'a mut Budget,
    /// Values that were not paid for yet, being too few.
    owed: usize,
}

impl Copying<'_, '_, '_> {
    /// Of lists and objects, at most `levels` may be open at a time.
    fn copy(&mut self, value: &Value, levels: usize) -> Result<Value, Error> {
        self.budget.spend(2)?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => self.list(value, deeper(levels)?),
            ValueKind::Map => self.object(value, deeper(levels)?),
            ValueKind::Invalid => Err(Unfit::Other(value.to_string()).into()),
            ValueKind::Number if !is_short(value) => {
                self.budget.spend(LONGEST_NUMBER)?;
                Ok(value.clone())
            }
            _ => {
                self.budget.spend(value.as_str().map_or(0, str::len))?;
                Ok(value.clone())
            }
        }
    }

    fn list(&mut self, list: &Value, levels: usize) -> Result<Value, Error> {
        let length = list.len().unwrap_or(0);
        self.container(length)?;
        let mut items = Vec::with_capacity(length);
        for item in list.try_iter()? {
            items.push(self.copy(&item, levels)?);
        }
        Ok(match list {
            // a group of `groupby`, whose parts have names; it was made of copies
            group if group.get_attr("list").is_ok_and(|part| !part.is_undefined()) => group.clone(),
            tuple if tuple.is_tuple() => Tuple::new(items).into(),
            _ => items.into(),
        })
    }

    fn object(&mut self, object: &Value, levels: usize) -> Result<Value, Error> {
        self.container(object.len().unwrap_or(0).saturating_mul(2))?;
        let mut entries = Vec::new();
        for key in object.try_iter()? {
            if !is_key(&key) {
                return Err(Error::new(ErrorKind::InvalidOperation, "keys are texts, or numbers of 64 bits"));
            }
            // both to look it up and to store it goes through all of it
            charge(self.state, 2 * text_weight(&key))?;
            let item = object.get_item(&key)?;
            entries.push((self.copy(&key, levels)?, self.copy(&item, levels)?));
        }
        Ok(Value::from_pairs(entries))
    }

    /// Before anything is copied, so that nothing is copied that cannot be paid for.
    fn container(&mut self, length: usize) -> Result<(), Error> {
        self.budget.spend(CONTAINER)?;
        self.budget.has(length.saturating_mul(2))?;
        self.owed += 1 + length;
        self.state.consume_fuel((self.owed / COPIES_PER_UNIT) as u64)?;
        self.owed %= COPIES_PER_UNIT;
        Ok(())
    }
}

/// Whether a value may be a key. The hashes of others may all be the same, or take long.
fn is_key(value: &Value) -> bool {
    match value.kind() {
        ValueKind::String | ValueKind::Bool | ValueKind::None => true,
        ValueKind::Number if value.is_integer() => value.as_i64().is_some(),
        ValueKind::Number => f64::try_from(value.clone()).is_ok_and(|number| !number.is_nan()),
        _ => false,
    }
}

/// Whether a number takes few bytes as text: floats are written without an exponent.
fn is_short(number: &Value) -> bool {
    let float = || f64::try_from(number.clone()).unwrap_or(f64::MAX).abs();
    number.as_i64().is_some() || (!number.is_integer() && (float() == 0.0 || (1e-9..1e18).contains(&float())))
}
