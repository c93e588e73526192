//! What going through values costs, and which calls would take too much to be made at all.
//!
//! Costs are in values: one for each value, and one for each 64 bytes of a text.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::json::Budget;

/// Values that one unit of work pays for.
pub(super) const VALUES_PER_UNIT: usize = 4;

/// Bytes that cost as much as a value.
const BYTES_PER_VALUE: usize = 64;

/// Widest field of the filter `format`.
const MAX_WIDTH: usize = 999;

/// Largest integer that every number type holds.
pub(super) const MAX_EXACT: i64 = 1 << 53;

/// Takes a cost from the work that a template may still do.
pub(super) fn charge(state: &State<'_, '_>, values: usize) -> Result<(), Error> {
    state.consume_fuel((values / VALUES_PER_UNIT) as u64)
}

/// The cost of going through a value once.
pub(super) fn weight(value: &Value) -> usize {
    1 + match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => parts(value).map(|part| weight(&part)).sum(),
        _ => value.as_str().map_or(0, str::len) / BYTES_PER_VALUE,
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
        _ => args.iter().map(weight).sum(),
    }
}

/// The cost of a filter, whose arguments begin with what it is applied to.
///
/// # Errors
/// Those of calls that may take all memory by a number in their arguments, or that the template engine cannot bear.
pub(super) fn of_filter(name: &str, args: &[Value]) -> Result<usize, Error> {
    let Some((value, rest)) = args.split_first() else { return Ok(0) };
    let each: usize = rest.iter().map(weight).sum();
    // they take a part, or nothing, of what they are applied to
    if let "length" | "count" | "first" | "last" | "default" | "d" | "attr" = name {
        return Ok(each);
    }
    let items = if is_list(value) { value.len().unwrap_or(0) } else { 1 };
    // each item may be gone through with each argument
    let once = weight(value).saturating_add(items.max(1).saturating_mul(each));
    let more = match name {
        "sort" | "unique" | "min" | "max" | "dictsort" | "groupby" => {
            comparable(value)?;
            let folds = value.len().unwrap_or(0).saturating_mul(items.max(2).ilog2() as usize);
            folds.saturating_mul(1 + longest(value) / BYTES_PER_VALUE)
        }
        // to join texts or lists makes a new one each time
        "sum" if joins(rest) => items.saturating_mul(once) / BYTES_PER_VALUE,
        "chain" => once.saturating_mul(rest.len()),
        "trim" => bytes(value).saturating_mul(rest.iter().map(bytes).sum()) / BYTES_PER_VALUE,
        "batch" if rest.len() < 2 => 0,
        "batch" | "slice" | "round" => numbers(rest).next().unwrap_or(0),
        "indent" => {
            let lines = value.as_str().map_or(1, |text| text.lines().count());
            written(numbers(rest).max().unwrap_or(0).saturating_mul(lines))?
        }
        "tojson" => written(indentation(value, numbers(rest).max().unwrap_or(0), 1))?,
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
    let items = value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Box::new(items),
        ValueKind::Map => Box::new(items.flat_map(|key| {
            let item = value.get_item(&key).unwrap_or_default();
            [key, item]
        })),
        _ => Box::new([].into_iter()),
    }
}

fn bytes(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

/// The length of the longest text in a value.
fn longest(value: &Value) -> usize {
    parts(value).map(|part| longest(&part)).max().unwrap_or_else(|| bytes(value))
}

/// Whether `sum` begins with a text or a list: with a number it ends at the first of these.
fn joins(args: &[Value]) -> bool {
    let by_name = || args.last().and_then(|options| options.get_attr("start").ok());
    let start = args.get(1).filter(|arg| !arg.is_kwargs()).cloned().or_else(by_name).unwrap_or_default();
    is_list(&start) || start.kind() == ValueKind::String
}

/// The counts among arguments, by position and by name.
fn numbers(args: &[Value]) -> impl Iterator<Item = usize> {
    let count = |value: &Value| match value.as_i64() {
        Some(number) => usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX),
        None => 0,
    };
    args.iter().flat_map(move |arg| match arg.kind() {
        ValueKind::Map => parts(arg).map(|part| count(&part)).collect(),
        _ => vec![count(arg)],
    })
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
    let refused = |reason: String| Err(Error::new(ErrorKind::InvalidOperation, reason));
    let format = format.as_str().unwrap_or_default();
    let (mut longest_number, mut number) = (0_usize, 0_usize);
    for c in format.chars() {
        number = c.to_digit(10).map_or(0, |digit| number.saturating_mul(10).saturating_add(digit as usize));
        longest_number = longest_number.max(number);
    }
    if longest_number > MAX_WIDTH {
        return refused(format!("format: there is a number beyond {MAX_WIDTH}"));
    }
    if format.contains('*') {
        return refused("format: a width has to be a number, not *".into());
    }
    if format.contains("%(") && !format.is_ascii() {
        return refused("format: a text with %(names) has to be ASCII".into());
    }
    let longest = args.iter().flat_map(|arg| match arg.kind() {
        ValueKind::Map => parts(arg).map(|part| as_text(&part)).collect(),
        _ => vec![as_text(arg)],
    });
    let field = longest.max().unwrap_or(0).saturating_add(2 * MAX_WIDTH.min(longest_number));
    Ok(format.matches('%').count().saturating_mul(field))
}

/// About as many bytes as a value has as text.
fn as_text(value: &Value) -> usize {
    match value.kind() {
        ValueKind::String => bytes(value),
        _ => parts(value).fold(24, |sum, part| sum.saturating_add(as_text(&part))),
    }
}

/// Integers beyond what a float holds have no order among floats.
fn comparable(value: &Value) -> Result<(), Error> {
    fn find(value: &Value, float: &mut bool, large: &mut bool) {
        if value.kind() == ValueKind::Number {
            let exact = value.as_i64().is_some_and(|number| (-MAX_EXACT..=MAX_EXACT).contains(&number));
            if value.is_integer() { *large |= !exact } else { *float = true }
        }
        parts(value).for_each(|part| find(&part, float, large));
    }
    let (mut float, mut large) = (false, false);
    find(value, &mut float, &mut large);
    if float && large {
        let reason = "integers beyond 2^53 cannot be ordered among floats";
        return Err(Error::new(ErrorKind::InvalidOperation, reason));
    }
    Ok(())
}
