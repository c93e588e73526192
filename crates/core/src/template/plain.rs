//! The guards at work: copies of values that share nothing, and what going through a value costs.
//!
//! The template engine charges for what a list or a text is by itself, not for what is in it. What compares or looks up
//! goes through all of it, so that here it is charged for all of it.

use std::borrow::Cow;

use minijinja::value::{Kwargs, Rest, Tuple, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value, filters};

use super::guard::{PLAIN, SCANNED, SEARCHED, WEIGHED};
use super::json::{Budget, Unfit, deeper};
use crate::payload::MAX_DEPTH;

/// What one unit of work pays for: so many values to go through or to copy, or 64 bytes of text for each of them.
const VALUES_PER_UNIT: usize = 4;

/// As the engine charges for text that is made of values.
const BYTES_SERIALIZED_PER_UNIT: u64 = 4;

type Name<'a> = Option<Cow<'a, str>>;

/// Gives an environment the guards, and filters that charge for what they go through.
pub(super) fn guard(environment: &mut Environment<'_>) {
    type Weight = fn(&Value) -> usize;
    environment.add_filter(PLAIN, |state: &State<'_, '_>, value: Value| {
        let copy = copy(&value, &mut Budget::new(), MAX_DEPTH)?;
        charge(state, weight(&copy)).map(|()| copy)
    });
    let charging: [(&'static str, Weight); 3] =
        [(WEIGHED, weight), (SEARCHED, searched_weight), (SCANNED, text_weight)];
    for (name, weight) in charging {
        environment.add_filter(name, move |state: &State<'_, '_>, value: Value| {
            charge(state, weight(&value)).map(|()| value)
        });
    }
    environment.add_filter("attr", |state: &State<'_, '_>, value: Value, key: Value| {
        charge(state, weight(&key))?;
        filters::attr(&value, &key)
    });
    environment.add_filter("tojson", to_json_text);
    environment.add_filter("pprint", |state: &State<'_, '_>, value: Value| {
        Budget::new().spend(indentation(&value, 4, 1))?;
        let text = filters::pprint(&value);
        state.consume_fuel(text.len() as u64 / BYTES_SERIALIZED_PER_UNIT).map(|()| text)
    });
    compare(environment);
    apply_to_each(environment);
}

/// As the engine's, which may be told to indent by any number of spaces.
fn to_json_text(
    state: &State<'_, '_>,
    value: Value,
    indent: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let indent = indent.or(options.get("indent")?);
    let spaces = indent.as_ref().and_then(Value::as_usize).unwrap_or(0);
    Budget::new().spend(indentation(&value, spaces, 1))?;
    let json = filters::tojson(&value, indent, options)?;
    state.consume_fuel(json.len().unwrap_or(0) as u64 / BYTES_SERIALIZED_PER_UNIT)?;
    Ok(json)
}

/// The bytes of indentation, one line for each item and one for each end.
fn indentation(value: &Value, spaces: usize, level: usize) -> usize {
    let line = spaces.saturating_mul(level);
    let inside = |item: &Value| line.saturating_add(indentation(item, spaces, level + 1));
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            items().fold(line, |sum, item| sum.saturating_add(inside(&item)))
        }
        ValueKind::Map => items()
            .filter_map(|key| value.get_item(&key).ok())
            .fold(line, |sum, item| sum.saturating_add(inside(&item))),
        _ => 0,
    }
}

fn compare(environment: &mut Environment<'_>) {
    type Filter = fn(&State<'_, '_>, Value, Kwargs) -> Result<Value, Error>;
    let comparing: [(&'static str, Filter); 5] = [
        ("sort", filters::sort),
        ("unique", filters::unique),
        ("min", filters::min),
        ("max", filters::max),
        ("dictsort", |_, value, options| filters::dictsort(&value, options)),
    ];
    for (name, filter) in comparing {
        environment.add_filter(name, move |state: &State<'_, '_>, value: Value, options: Kwargs| {
            charge(state, weight(&value))?;
            filter(state, value, options)
        });
    }
    environment.add_filter(
        "groupby",
        |state: &State<'_, '_>, value: Value, attribute: Option<&str>, options: Kwargs| {
            charge(state, weight(&value))?;
            filters::groupby(value, attribute, options)
        },
    );
}

fn apply_to_each(environment: &mut Environment<'_>) {
    type Args = Rest<ValueOrKwargs>;
    environment.add_filter("map", |state: &mut State<'_, '_>, value: Value, args: Args| {
        charge_each(state, &value, &args)?;
        filters::map(state, value, args)
    });
    environment.add_filter(
        "select",
        |state: &mut State<'_, '_>, value: Value, test: Name<'_>, args: Args| {
            charge_each(state, &value, &args)?;
            filters::select(state, value, test, args)
        },
    );
    environment.add_filter(
        "reject",
        |state: &mut State<'_, '_>, value: Value, test: Name<'_>, args: Args| {
            charge_each(state, &value, &args)?;
            filters::reject(state, value, test, args)
        },
    );
    environment.add_filter(
        "selectattr",
        |state: &mut State<'_, '_>, value: Value, attribute: Cow<'_, str>, test: Name<'_>, args: Args| {
            charge_each(state, &value, &args)?;
            filters::selectattr(state, value, attribute, test, args)
        },
    );
    environment.add_filter(
        "rejectattr",
        |state: &mut State<'_, '_>, value: Value, attribute: Cow<'_, str>, test: Name<'_>, args: Args| {
            charge_each(state, &value, &args)?;
            filters::rejectattr(state, value, attribute, test, args)
        },
    );
}

/// Every item may be compared with all of the arguments.
fn charge_each(state: &State<'_, '_>, value: &Value, args: &[ValueOrKwargs]) -> Result<(), Error> {
    let each = args.iter().map(|arg| weight(arg)).sum::<usize>();
    charge(state, weight(value).saturating_add(value.len().unwrap_or(0).saturating_mul(each)))
}

fn charge(state: &State<'_, '_>, values: usize) -> Result<(), Error> {
    state.consume_fuel((values / VALUES_PER_UNIT) as u64)
}

/// How many values there are to go through.
fn weight(value: &Value) -> usize {
    let items = || value.try_iter().into_iter().flatten();
    1 + match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => items().map(|item| weight(&item)).sum(),
        ValueKind::Map => items()
            .map(|key| weight(&key) + value.get_item(&key).map_or(0, |item| weight(&item)))
            .sum::<usize>(),
        _ => text_weight(value),
    }
}

/// The keys of an object are looked up, not gone through.
fn searched_weight(value: &Value) -> usize {
    if value.kind() == ValueKind::Map { 0 } else { weight(value) }
}

fn text_weight(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.len() / 64)
}

/// A copy in which every list and every object is one of its own and written out, `levels` deep at most.
fn copy(value: &Value, budget: &mut Budget, levels: usize) -> Result<Value, Unfit> {
    budget.spend(2)?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let levels = deeper(levels)?;
            let items = value.try_iter()?.map(|item| copy(&item, budget, levels));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            Ok(match value {
                // a group of `groupby`, whose parts have names; it was made of copies
                group if group.get_attr("grouper").is_ok_and(|part| !part.is_undefined()) => group.clone(),
                tuple if tuple.is_tuple() => Tuple::new(items).into(),
                _ => items.into(),
            })
        }
        ValueKind::Map => {
            let levels = deeper(levels)?;
            let entries = value.try_iter()?.map(|key| {
                let item = value.get_item(&key)?;
                Ok((copy(&key, budget, levels)?, copy(&item, budget, levels)?))
            });
            Ok(Value::from_pairs(entries.collect::<Result<Vec<_>, Unfit>>()?))
        }
        ValueKind::Invalid => Err(Unfit::Other(value.to_string())),
        _ => {
            budget.spend(value.as_str().map_or(0, str::len))?;
            Ok(value.clone())
        }
    }
}
