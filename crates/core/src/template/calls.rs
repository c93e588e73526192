//! Filters, tests, comparisons and look-ups as templates make them: charged for before, their values copied after.
//!
//! The template engine charges for what a list or a text is by itself, not for what is in it, and for few of the
//! arguments. Here every call is charged for all that it may go through.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::cost;
use super::guard::{BOUND, COMPARE, FILTER, ITEM, PLAIN, TEST, WEIGHED};
use super::plain::plain;

/// Gives an environment what the guards call.
pub(super) fn install(environment: &mut Environment<'_>) {
    environment.add_filter(PLAIN, |state: &State<'_, '_>, value: Value| plain(state, &value));
    environment.add_filter(WEIGHED, |state: &State<'_, '_>, value: Value| {
        cost::charge(state, cost::weight(&value)).map(|()| value)
    });
    environment.add_filter(ITEM, |state: &State<'_, '_>, container: Value, keys: Rest<Value>| {
        keys.iter().try_fold(container, |container, key| {
            cost::charge(state, cost::weight(key))?;
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
        apply(state, &name, &args)
    });
    environment.add_test(TEST, |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let (name, args) = named(args);
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

fn apply(state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
    cost::charge(state, cost::of_filter(name, args)?)?;
    let value = match args {
        [items, filter, rest @ ..] if name == "map" && filter.as_str().is_some() => {
            apply_to_each(state, items, filter.as_str().unwrap_or_default(), rest)
        }
        _ => state.apply_filter(name, args).map_err(|error| unknown(error, "filter", name)),
    }?;
    plain(state, &value)
}

/// `map` with the name of a filter.
fn apply_to_each(
    state: &mut State<'_, '_>,
    items: &Value,
    filter: &str,
    rest: &[Value],
) -> Result<Value, Error> {
    if items.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let each = items.try_iter()?.map(|item| {
        let args: Vec<_> = [item].into_iter().chain(rest.iter().cloned()).collect();
        apply(state, filter, &args)
    });
    each.collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// As the operators of the same names do.
fn compare(state: &mut State<'_, '_>, left: Value, operator: &str, right: Value) -> Result<bool, Error> {
    if left.is_undefined() || right.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
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
