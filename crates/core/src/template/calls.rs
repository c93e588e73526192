//! Filters, tests, comparisons and look-ups as templates make them: charged for before, their values copied after.
//!
//! The template engine charges for what a list or a text is by itself, not for what is in it, and for few of the
//! arguments. Here every call is charged for all that it may go through.

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::cost;
use super::guard::{BOUND, COMPARE, FILTER, ITEM, PLAIN, TEST, WEIGHED, is_guard};
use super::json::{Budget, deeper};
use super::plain::{plain, plain_within};
use crate::payload::MAX_DEPTH;

/// Gives an environment what the guards call.
pub(super) fn install(environment: &mut Environment<'_>) {
    environment.add_filter(PLAIN, |state: &State<'_, '_>, value: Value| plain(state, &value));
    environment.add_filter(WEIGHED, |state: &State<'_, '_>, value: Value| {
        cost::charge(state, cost::weight(&value)).map(|()| value)
    });
    environment.add_filter(ITEM, |state: &State<'_, '_>, container: Value, keys: Rest<Value>| {
        keys.iter().try_fold(container, |container, key| {
            cost::charge(state, cost::of_item(&container, key))?;
            container.get_item(key)
        })
    });
    environment.add_filter(BOUND, |value: Value| match value.as_i64() {
        Some(bound) => bound.clamp(-cost::MAX_EXACT, cost::MAX_EXACT).into(),
        None => value,
    });
    environment.add_function("range", range);
    environment.add_filter(FILTER, |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let (name, args) = named(args);
        apply(state, &name, &args, &mut Budget::new(), MAX_DEPTH)
    });
    environment.add_test(TEST, |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let (name, args) = named(args);
        if is_guard(&name) {
            return Err(unknown(ErrorKind::UnknownTest.into(), "test", &name));
        }
        cost::charge(state, cost::of_test(&name, &args))?;
        state.perform_test(&name, &args).map_err(|error| unknown(error, "test", &name))
    });
    environment.add_test(COMPARE, compare);
}

/// The name stands behind the first argument, which a block may leave to be filled in.
fn named(args: Rest<ValueOrKwargs>) -> (String, Vec<Value>) {
    let mut args = args.into_values();
    let name = if args.len() > 1 { args.remove(1) } else { Value::UNDEFINED };
    (name.as_str().unwrap_or_default().to_owned(), args)
}

/// The result is within the budget; `levels` filters may still be applied by `map` within each other.
fn apply(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Value],
    budget: &mut Budget,
    levels: usize,
) -> Result<Value, Error> {
    if is_guard(name) {
        return Err(unknown(ErrorKind::UnknownFilter.into(), "filter", name));
    }
    cost::charge(state, cost::of_filter(name, args)?)?;
    match args {
        [items, filter, rest @ ..] if name == "map" && filter.as_str().is_some() => {
            let filter = filter.as_str().unwrap_or_default();
            apply_to_each(state, items, filter, rest, budget, deeper(levels)?)
        }
        _ => {
            let ordered = if name == "sort" { Some(with_order(args)) } else { None };
            let args = ordered.as_deref().unwrap_or(args);
            let value = state.apply_filter(name, args).map_err(|error| unknown(error, "filter", name))?;
            plain_within(state, &value, budget)
        }
    }
}

/// `map` with the name of a filter.
fn apply_to_each(
    state: &mut State<'_, '_>,
    items: &Value,
    filter: &str,
    rest: &[Value],
    budget: &mut Budget,
    levels: usize,
) -> Result<Value, Error> {
    refuse_undefined(state, items)?;
    let mut results = Vec::new();
    for item in items.try_iter()? {
        budget.spend(2)?;
        // texts as the engine charges for them where a filter takes or makes one
        state.consume_fuel(1 + cost::text_weight(&item) as u64)?;
        let args: Vec<_> = [item].into_iter().chain(rest.iter().cloned()).collect();
        let result = apply(state, filter, &args, budget, levels)?;
        state.consume_fuel(cost::text_weight(&result) as u64)?;
        results.push(result);
    }
    Ok(results.into())
}

/// With one key, the engine takes items without it as equal to all others, which is no order; with two it does not.
fn with_order(args: &[Value]) -> Vec<Value> {
    let mut args = args.to_vec();
    if let Some(options) = args.pop_if(|options| options.is_kwargs()) {
        let named = |name: &str| (name.to_owned(), options.get_attr(name).unwrap_or_default());
        let names = options.try_iter().into_iter().flatten();
        let options = names.filter_map(|name| name.as_str().map(named)).map(|(name, value)| {
            let value = match (name.as_str(), value.as_str()) {
                ("attribute", Some(keys)) => match cost::sort_keys(keys).as_slice() {
                    [key] if !key.contains(',') => format!("{key},{key}").into(),
                    _ => value,
                },
                _ => value,
            };
            (name, value)
        });
        let options: Kwargs = options.collect();
        args.push(options.into());
    }
    args
}

/// What is not there is refused; the missing side of an `if` is not.
fn refuse_undefined(state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() { state.format(value.clone()).map(drop) } else { Ok(()) }
}

/// As the operators of the same names do.
fn compare(state: &mut State<'_, '_>, left: Value, operator: &str, right: Value) -> Result<bool, Error> {
    refuse_undefined(state, &left)?;
    refuse_undefined(state, &right)?;
    let args = [left, right];
    cost::charge(state, cost::of_test(operator, &args))?;
    let [left, right] = args;
    Ok(match operator {
        "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => {
            if let ValueKind::None | ValueKind::Bool | ValueKind::Number = right.kind() {
                let reason = format!("nothing can be looked for in a value of type {}", right.kind());
                return Err(Error::new(ErrorKind::InvalidOperation, reason));
            }
            state.perform_test("in", &[left, right])? == (operator == "in")
        }
    })
}

/// As the engine's, which overflows at the largest integers.
fn range(lower: isize, upper: Option<isize>, step: Option<isize>) -> Result<Value, Error> {
    let largest = cost::MAX_EXACT.unsigned_abs() as usize;
    if [Some(lower), upper, step].into_iter().flatten().any(|bound| bound.unsigned_abs() > largest) {
        return Err(Error::new(ErrorKind::InvalidOperation, "range: a number is beyond 2^53"));
    }
    minijinja::functions::range(lower, upper, step)
}

fn unknown(error: Error, kind: &str, name: &str) -> Error {
    match error.kind() {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest if error.detail().is_none() => {
            Error::new(error.kind(), format!("{kind} {name} is unknown"))
        }
        _ => error,
    }
}
