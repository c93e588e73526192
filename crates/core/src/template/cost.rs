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
        // all characters are counted
        ("iterable", [value, ..]) => text_weight(value),
        // what is no text becomes one
        ("startingwith" | "endingwith" | "containing" | "upper" | "lower", _) => {
            as_texts(weight_of_all(args))
        }
        ("in" | "not in", [part, text]) if text.as_str().is_some() => {
            as_texts(weight(part)).saturating_add(text_weight(text))
        }
        // they look at what a value is, not at what is in it
        (
            "defined" | "undefined" | "none" | "boolean" | "true" | "false" | "number" | "integer" | "int"
            | "float" | "odd" | "even" | "divisibleby" | "string" | "sequence" | "mapping" | "safe"
            | "escaped" | "filter" | "test",
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
    let arguments = weight_of_all(rest);
    let (items, each) = match name {
        // of a text its characters, of an object its keys
        "map" | "select" | "reject" | "selectattr" | "rejectattr" | "sum" | "join" | "sort" | "unique"
        | "min" | "max" | "groupby" | "batch" | "slice" | "list" => {
            (value.len().unwrap_or(0).max(1), arguments.saturating_add(4 * separators(rest)))
        }
        _ => (1, arguments),
    };
    let once = match name {
        // they take a part, or nothing, of what they are applied to
        "first" | "last" | "default" | "d" => each,
        "length" | "count" => text_weight(value),
        "attr" => each + rest.first().map_or(0, |key| of_item(value, key)),
        // they go through each argument once
        "zip" | "chain" => weight(value).saturating_add(each),
        // of each item they look at one attribute, which is compared with the arguments
        "map" | "sum" if attribute(rest).is_some_and(|name| is_plain(&name)) => {
            items.saturating_mul(1 + each)
        }
        "selectattr" | "rejectattr" => {
            let of_attributes = parts(value).map(|item| 1 + attribute_weight(&item, rest)).sum::<usize>();
            let all = of_attributes.saturating_add(items.saturating_mul(each));
            if makes_texts(name, rest) { as_texts(all) } else { all }
        }
        "select" | "reject" | "join" if makes_texts(name, rest) => {
            as_texts(weight(value).saturating_add(items.saturating_mul(each)))
        }
        // what is no text becomes one
        "lower" | "upper" | "title" | "capitalize" | "replace" | "trim" | "indent" | "urlencode"
        | "string" | "escape" | "e" | "split" | "lines" | "format"
            if value.as_str().is_none() || !rest.iter().all(|arg| parts(arg).next().is_none()) =>
        {
            as_texts(weight(value).saturating_add(each))
        }
        _ => weight(value).saturating_add(items.saturating_mul(each)),
    };
    if once > TOO_MUCH {
        return Ok(once);
    }
    let more = match name {
        "sort" | "unique" | "min" | "max" | "dictsort" | "groupby" => {
            let rounds = 1 + value.len().unwrap_or(0).max(1).ilog2() as usize;
            let keys = 1 + attribute(rest).map_or(0, |path| path.as_str().unwrap_or("").matches(',').count());
            let each = keys.saturating_add(longest(value) / BYTES_PER_VALUE);
            let folds = value.len().unwrap_or(0).saturating_mul(rounds).saturating_mul(each);
            if folds <= TOO_MUCH {
                comparable(name, value, rest)?;
            }
            folds
        }
        // to join texts or lists makes a new one each time
        "sum" if joins(rest) => items.saturating_mul(weight(value).saturating_add(items)) / BYTES_PER_VALUE,
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
        "tojson" => written(indentation(value, spaces(rest), 1))?,
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

/// The attribute that a filter looks at, as its first argument or by name.
fn attribute(args: &[Value]) -> Option<Value> {
    let first = args.first().filter(|first| first.as_str().is_some());
    first.cloned().or_else(|| option(args, "attribute"))
}

/// How often a path of attributes goes on, or another one begins.
fn separators(args: &[Value]) -> usize {
    let count = |paths: &str| paths.bytes().filter(|byte| b".,".contains(byte)).count();
    attribute(args).and_then(|paths| paths.as_str().map(count)).unwrap_or(0)
}

/// The keys of `sort`, as the engine reads them.
pub(super) fn sort_keys(attribute: &str) -> Vec<&str> {
    let keys: Vec<_> = attribute.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() { vec![attribute] } else { keys }
}

/// Whether a filter that goes through items makes texts of what are none: of the items, for a test of theirs, or of what
/// separates or names them.
fn makes_texts(filter: &str, args: &[Value]) -> bool {
    let is_no_text = |arg: &Value| !arg.is_kwargs() && arg.as_str().is_none();
    let mut tests = args.iter().skip(usize::from(filter.ends_with("attr")));
    let by_test = match tests.next().and_then(Value::as_str) {
        Some("startingwith" | "endingwith" | "containing" | "upper" | "lower") => true,
        Some("in") => tests.next().is_some_and(|text| text.as_str().is_some()),
        _ => false,
    };
    by_test || args.first().is_some_and(is_no_text)
}

/// Whether a path leads through names only, not to items of a list or a text.
fn is_plain(path: &Value) -> bool {
    path.as_str().is_some_and(|path| path.split('.').all(|key| key.parse::<usize>().is_err()))
}

/// What is at a path in a value; undefined, if nothing is.
fn at(value: &Value, path: &str) -> Value {
    path.split('.').fold(value.clone(), |value, key| match key.parse::<usize>() {
        Ok(index) => value.get_item(&index.into()).unwrap_or_default(),
        Err(_) => value.get_attr(key).unwrap_or_default(),
    })
}

/// The cost of what `selectattr` looks at; of all of the item, if that is not one of its own attributes.
fn attribute_weight(item: &Value, args: &[Value]) -> usize {
    match args.first() {
        Some(name) if is_plain(name) => weight(&at(item, name.as_str().unwrap_or_default())),
        _ => weight(item),
    }
}

/// The cost of values that become text: as the engine charges for texts that are made, 64 bytes a unit.
fn as_texts(weight: usize) -> usize {
    weight.saturating_mul(VALUES_PER_UNIT)
}

/// Whether `sum` begins with a text or a list: with a number it ends at the first of these.
fn joins(args: &[Value]) -> bool {
    let second = args.get(1).filter(|arg| !arg.is_kwargs() && !arg.is_none() && !arg.is_undefined());
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

/// The spaces by which `tojson` indents; `true` stands for two.
fn spaces(args: &[Value]) -> usize {
    let indent = option(args, "indent").or_else(|| args.first().cloned());
    let by_default = indent.is_some_and(|indent| indent.kind() == ValueKind::Bool && indent.is_true());
    largest(args).max(if by_default { 2 } else { 0 })
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

/// The bytes that `format` may write: all values once, or for each field that names one the longest of them.
fn formatted(format: &Value, args: &[Value]) -> Result<usize, Error> {
    let options = args.iter().filter(|arg| arg.kind() == ValueKind::Map);
    let longest = options.flat_map(parts).map(|value| as_text(&value)).max().unwrap_or(0);
    let mut sum = args.iter().fold(0, |sum: usize, arg| sum.saturating_add(as_text(arg)));
    let mut rest = format.as_str().unwrap_or_default();
    while let Some((_, field)) = rest.split_once('%') {
        if let Some(after) = field.strip_prefix('%') {
            rest = after;
            continue;
        }
        rest = field;
        if let Some(named) = field.strip_prefix('(') {
            let (name, after) = named.split_once(')').unwrap_or((named, ""));
            if !name.is_ascii() {
                return refused(format!("format: the name {name} has to be ASCII"));
            }
            sum = sum.saturating_add(longest);
            rest = after;
        }
        sum = sum.saturating_add(LONGEST_NUMBER).saturating_add(widths(rest)?);
    }
    Ok(sum)
}

/// The width and the precision that a field begins with.
fn widths(field: &str) -> Result<usize, Error> {
    let (mut sum, mut number) = (0, 0);
    for c in field.trim_start_matches(['#', '0', '-', ' ', '+']).chars() {
        match c.to_digit(10) {
            Some(digit) => number = number * 10 + digit as usize,
            None if c == '.' => sum += std::mem::take(&mut number),
            None if c == '*' => return refused("format: a width has to be a number, not *".into()),
            None => break,
        }
        if number > MAX_WIDTH {
            return refused(format!("format: a width is beyond {MAX_WIDTH}"));
        }
    }
    Ok(sum + number)
}

fn refused<T>(reason: String) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, reason))
}

/// About as many bytes as a value has as text.
fn as_text(value: &Value) -> usize {
    match value.kind() {
        ValueKind::String => bytes(value),
        _ => parts(value).fold(24, |sum, part| sum.saturating_add(as_text(&part))),
    }
}

/// Integers beyond what a float holds have no order among floats, and what has no order cannot be sorted.
fn comparable(filter: &str, value: &Value, args: &[Value]) -> Result<(), Error> {
    fn find(value: &Value, float: &mut bool, large: &mut bool) {
        if value.kind() == ValueKind::Number {
            let exact = value.as_i64().is_some_and(|number| (-MAX_EXACT..=MAX_EXACT).contains(&number));
            if value.is_integer() { *large |= !exact } else { *float = true }
        }
        parts(value).for_each(|part| find(&part, float, large));
    }
    let (mut float, mut large) = (false, false);
    let attribute = attribute(args);
    match (filter, attribute.as_ref().and_then(Value::as_str)) {
        ("dictsort", _) => {
            let by_value = option(args, "by").is_some_and(|by| by.as_str() == Some("value"));
            let compared = parts(value).skip(usize::from(by_value)).step_by(2);
            compared.for_each(|part| find(&part, &mut float, &mut large));
        }
        ("sort" | "groupby", Some(paths)) => {
            let keys = if filter == "sort" { sort_keys(paths) } else { vec![paths] };
            for item in parts(value) {
                keys.iter().for_each(|key| find(&at(&item, key), &mut float, &mut large));
            }
            option(args, "default").iter().for_each(|value| find(value, &mut float, &mut large));
        }
        ("sort" | "groupby", None) => find(value, &mut float, &mut large),
        _ => {}
    }
    if float && large {
        return refused("integers beyond 2^53 cannot be ordered among floats".into());
    }
    Ok(())
}
