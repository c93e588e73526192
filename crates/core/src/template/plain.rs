//! Copies of values that share nothing, within the limits of size.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, State, Value};

use super::cost::{VALUES_PER_UNIT, charge};
use super::json::{Budget, Unfit, deeper};
use crate::payload::MAX_DEPTH;

/// What a list or an object takes beside what is in it, in bytes.
const CONTAINER: usize = 14;

/// What a number beyond 64 bits takes, in bytes.
const LARGE_NUMBER: usize = 38;

/// A copy in which every list and every object is one of its own and written out.
///
/// # Errors
/// If it is too large, too deep, or too much for the work that may still be done.
pub(super) fn plain(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    Copying { state, budget: Budget::new(), owed: 0 }.copy(value, MAX_DEPTH)
}

struct Copying<'a, 't, 'e> {
    state: &'a State<'t, 'e>,
    budget: Budget,
    /// Values that were not charged for yet, being too few.
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
            ValueKind::Number if value.is_integer() && !fits_64_bits(value) => {
                self.budget.spend(LARGE_NUMBER)?;
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
        self.container(object.len().unwrap_or(0))?;
        let mut entries = Vec::new();
        for key in object.try_iter()? {
            let item = object.get_item(&key)?;
            entries.push((self.copy(&key, levels)?, self.copy(&item, levels)?));
        }
        Ok(Value::from_pairs(entries))
    }

    /// Before anything is copied, so that nothing is copied that cannot be paid for.
    fn container(&mut self, length: usize) -> Result<(), Error> {
        self.budget.spend(CONTAINER)?;
        self.budget.has(2 * length)?;
        self.owed += 1 + length;
        charge(self.state, self.owed)?;
        self.owed %= VALUES_PER_UNIT;
        Ok(())
    }
}

fn fits_64_bits(value: &Value) -> bool {
    value.as_i64().is_some() || u64::try_from(value.clone()).is_ok()
}
