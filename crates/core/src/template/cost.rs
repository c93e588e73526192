//! What going through values costs, and which calls would take too much to be made at all.
//!
//! Costs are in values: one for each value, and one for each 64 bytes of a text.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::environment::FUEL;
use super::json::Budget;

/// Values that one unit of work pays for.
const VALUES_PER_UNIT: usize = 16;

/// More than any template can pay for.
const TOO_MUCH: usize = FUEL as usize * VALUES_PER_UNIT;

/// Bytes that cost as much as a value.
const BYTES_PER_VALUE: usize = 64;

/// Widest field of the filter `format`.
const MAX_WIDTH: usize = 999;

/// Largest integer that every number type holds.
pub(super) const MAX_EXACT: i64 = 1 << 53;

/// Bytes of the longest number as text.
pub(super) const LONGEST_NUMBER: usize = 330;

/// Digits that the template engine works out where it rounds to the left of the point.
const ALL_DIGITS: usize = 1074;

/// Takes a cost from the work that a template may still do.
pub(super) fn charge(state: &State<'_, '_>, values: usize) -> Result<(), Error> {
    state.consume_fuel((values / VALUES_PER_UNIT) as u64)
}

/// The cost of going through a value once.
pub(super) fn weight(value: &Value) -> usize {
    1 + text_weight(value) + parts(value).map(|part| weight(&part)).sum::<usize>()
}

/// The cost of going through a text, and nothing for any other value.
pub(super) fn text_weight(value: &Value) -> usize {
    bytes(value) / BYTES_PER_VALUE
}

/// The cost of all of these, or more than can be paid for.
fn weight_of_all(values: &[Value]) -> usize {
    let mut sum = 0;
    for value in values {
        sum += weight(value);
        if sum > TOO_MUCH {
            break;
        }
    }
    sum
}

/// The cost of looking up an item: some containers are gone through up to it.
pub(super) fn of_item(container: &Value, key: &Value) -> usize {
    weight(key)
        + match container.kind() {
            ValueKind::Iterable => container.len().unwrap_or(0),
            _ => text_weight(container),
        }
}

/// The cost of a test, whose arguments begin with what is tested.
pub(super) fn of_test(name: &str, args: &[Value]) -> usize {
    match (name, args) {
        // they look at what a value is, not at what is in it
        (
            "defined" | "undefined" | "none" | "boolean" | "true" | "false" | "number" | "integer" | "int"
            | "float" | "odd" | "even" | "divisibleby" | "string" | "sequence" | "iterable" | "mapping"
            | "safe" | "escaped" | "filter" | "test",
            _,
        ) => 0,
        // keys are looked up, not gone through
        ("in" | "not in", [key, object]) if object.kind() == ValueKind::Map => weight(key),
        _ => weight_of_all(args),
    }
}

/// The cost of a filter, whose arguments begin with what it is applied to.
///
/// # Errors
/// Those of calls that may take all memory by a number in their arguments, or that the template engine cannot bear.
pub(super) fn of_filter(name: &str, args: &[Value]) -> Result<usize, Error> {
    let Some((value, rest)) = args.split_first() else { return Ok(0) };
    let each = weight_of_all(rest);
    let items = if is_list(value) { value.len().unwrap_or(0).max(1) } else { 1 };
    let once = match name {
        // they take a part, or nothing, of what they are applied to
        "length" | "count" | "first" | "last" | "default" | "d" => each,
        "attr" => each + rest.first().map_or(0, |key| of_item(value, key)),
        // they go through each argument once
        "zip" | "chain" => weight(value).saturating_add(each),
        // of each item they look at one attribute, which is compared with the arguments
        "map" | "sum" if attribute(rest).is_some() => items.saturating_mul(1 + each),
        "selectattr" | "rejectattr" => {
            let of_attributes = parts(value).map(|item| 1 + attribute_weight(&item, rest)).sum::<usize>();
            of_attributes.saturating_add(items.saturating_mul(each))
        }
        _ => weight(value).saturating_add(items.saturating_mul(each)),
    };
    if once > TOO_MUCH {
        return Ok(once);
    }
    let more = match name {
        "sort" | "unique" | "min" | "max" | "dictsort" | "groupby" => {
            comparable(args)?;
            let rounds = 1 + value.len().unwrap_or(0).max(1).ilog2() as usize;
            let keys = 1 + attribute(rest).map_or(0, |path| path.as_str().unwrap_or("").matches(',').count());
            let each = keys.saturating_add(longest(value) / BYTES_PER_VALUE);
            value.len().unwrap_or(0).saturating_mul(rounds).saturating_mul(each)
        }
        // to join texts or lists makes a new one each time
        "sum" if joins(rest) => items.saturating_mul(weight(value)) / BYTES_PER_VALUE,
        "chain" => once.saturating_mul(args.iter().filter(|arg| arg.kind() == ValueKind::Map).count()),
        "trim" => bytes(value).saturating_mul(rest.iter().map(bytes).sum()) / BYTES_PER_VALUE,
        "batch" if rest.len() < 2 => 0,
        "batch" | "slice" => rest.first().map_or(0, count),
        "round" if numbers(rest).any(|number| number.as_i64().is_none_or(|n| n < 0)) => ALL_DIGITS,
        "round" => largest(rest),
        "indent" => {
            let lines = value.as_str().map_or(1, |text| text.lines().count());
            written(largest(rest).saturating_mul(lines))?
        }
        "tojson" => written(indentation(value, largest(rest), 1))?,
        "pprint" => written(indentation(value, 4, 1))?,
        "format" => written(formatted(value, rest)?)?,
        _ => 0,
    };
    Ok(once.saturating_add(more))
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// The items of a list; the keys and values of an object.
fn parts(value: &Value) -> Box<dyn Iterator<Item = Value> + '_> {
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Box::new(items()),
        ValueKind::Map => Box::new(items().flat_map(|key| {
            let item = value.get_item(&key).unwrap_or_default();
            [key, item]
        })),
        _ => Box::new(std::iter::empty()),
    }
}

fn bytes(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

/// The length of the longest text in a value.
fn longest(value: &Value) -> usize {
    parts(value).map(|part| longest(&part)).max().unwrap_or_else(|| bytes(value))
}

/// An argument by name.
fn option(args: &[Value], name: &str) -> Option<Value> {
    let options = args.last().filter(|options| options.is_kwargs())?;
    options.get_attr(name).ok().filter(|value| !value.is_undefined())
}

/// The attribute that a filter looks at, by name or as its first argument.
fn attribute(args: &[Value]) -> Option<Value> {
    let first = args.first().filter(|first| first.as_str().is_some());
    option(args, "attribute").or_else(|| first.cloned())
}

/// The cost of what `selectattr` looks at; of all of the item, if that is not one of its own attributes.
fn attribute_weight(item: &Value, args: &[Value]) -> usize {
    let attribute = args.first().and_then(Value::as_str).unwrap_or_default();
    match item.get_attr(attribute) {
        Ok(value) if !value.is_undefined() => weight(&value),
        _ => weight(item),
    }
}

/// Whether `sum` begins with a text or a list: with a number it ends at the first of these.
fn joins(args: &[Value]) -> bool {
    let second = args.get(1).filter(|arg| !arg.is_kwargs());
    let start = second.cloned().or_else(|| option(args, "start")).unwrap_or_default();
    is_list(&start) || start.kind() == ValueKind::String
}

/// The numbers among arguments, by position and by name.
fn numbers(args: &[Value]) -> impl Iterator<Item = Value> {
    let all = args.iter().flat_map(|arg| match arg.is_kwargs() {
        true => parts(arg).collect(),
        false => vec![arg.clone()],
    });
    all.filter(|value| value.kind() == ValueKind::Number)
}

fn largest(args: &[Value]) -> usize {
    numbers(args).map(|number| count(&number)).max().unwrap_or(0)
}

/// How many a number asks for.
fn count(number: &Value) -> usize {
    let count = number.as_i64().map_or(u64::MAX, i64::unsigned_abs);
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The cost of so many bytes, if they may be written at all.
fn written(bytes: usize) -> Result<usize, Error> {
    Budget::new().spend(bytes)?;
    Ok(bytes / BYTES_PER_VALUE)
}

/// The bytes of indentation of a value as text, one line for each item and one for each end.
fn indentation(value: &Value, spaces: usize, level: usize) -> usize {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            let line = spaces.saturating_mul(level);
            parts(value).fold(line, |sum, part| {
                sum.saturating_add(line).saturating_add(indentation(&part, spaces, level + 1))
            })
        }
        _ => 0,
    }
}

/// The bytes that `format` may write: for each field the longest of the values.
fn formatted(format: &Value, args: &[Value]) -> Result<usize, Error> {
    let longest = args.iter().flat_map(|arg| match arg.kind() {
        ValueKind::Map => parts(arg).map(|part| as_text(&part)).collect(),
        _ => vec![as_text(arg)],
    });
    let longest = longest.max().unwrap_or(0).max(LONGEST_NUMBER);
    let mut sum = 0_usize;
    for field in format.as_str().unwrap_or_default().split('%').skip(1) {
        sum = sum.saturating_add(longest).saturating_add(widths(field)?);
    }
    Ok(sum)
}

/// The width and the precision of a field, from behind its `%`.
fn widths(field: &str) -> Result<usize, Error> {
    let refused = |reason: String| Err(Error::new(ErrorKind::InvalidOperation, reason));
    let mut rest = field;
    if let Some(key) = field.strip_prefix('(') {
        let Some((key, after)) = key.split_once(')') else { return Ok(0) };
        if !key.is_ascii() {
            return refused(format!("format: the name {key} has to be ASCII"));
        }
        rest = after;
    }
    let (mut sum, mut number) = (0_usize, 0_usize);
    for c in rest.trim_start_matches(['#', '0', '-', ' ', '+']).chars() {
        match c.to_digit(10) {
            Some(digit) => number = number.saturating_mul(10).saturating_add(digit as usize),
            None if c == '.' => sum = sum.saturating_add(std::mem::take(&mut number)),
            None if c == '*' => return refused("format: a width has to be a number, not *".into()),
            None => break,
        }
        if number > MAX_WIDTH {
            return refused(format!("format: a width is beyond {MAX_WIDTH}"));
        }
    }
    Ok(sum.saturating_add(number))
}

/// About as many bytes as a value has as text.
fn as_text(value: &Value) -> usize {
    match value.kind() {
        ValueKind::String => bytes(value),
        _ => parts(value).fold(24, |sum, part| sum.saturating_add(as_text(&part))),
    }
}

/// Integers beyond what a float holds have no order among floats.
fn comparable(values: &[Value]) -> Result<(), Error> {
    fn find(value: &Value, float: &mut bool, large: &mut bool) {
        if value.kind() == ValueKind::Number {
            let exact = value.as_i64().is_some_and(|number| (-MAX_EXACT..=MAX_EXACT).contains(&number));
            if value.is_integer() { *large |= !exact } else { *float = true }
        }
        parts(value).for_each(|part| find(&part, float, large));
    }
    let (mut float, mut large) = (false, false);
    values.iter().for_each(|value| find(value, &mut float, &mut large));
    if float && large {
        let reason = "integers beyond 2^53 cannot be ordered among floats";
        return Err(Error::new(ErrorKind::InvalidOperation, reason));
    }
    Ok(())
}
