//! What an unquoted word of YAML means: the core schema of YAML 1.2.

use serde_json::{Number, Value};

/// A number that neither 64-bit integers nor floats hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OutOfRange;

/// The value of an unquoted word.
pub(super) fn plain(text: &str) -> Result<Value, OutOfRange> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    match number(text) {
        Some(number) => number.map(Value::Number),
        None => Ok(Value::String(text.to_owned())),
    }
}

/// The number a word is written as; `None` if it is not written as a number.
fn number(text: &str) -> Option<Result<Number, OutOfRange>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_digits(unsigned) {
        return Some(integer(text));
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(OutOfRange));
    }
    is_float(unsigned).then(|| float(text))
}

fn based(digits: &str, radix: u32) -> Option<Result<Number, OutOfRange>> {
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    valid.then(|| u64::from_str_radix(digits, radix).map(Number::from).map_err(|_| OutOfRange))
}

fn integer(text: &str) -> Result<Number, OutOfRange> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number.into());
    }
    text.parse::<u64>().map(Number::from).map_err(|_| OutOfRange)
}

fn float(text: &str) -> Result<Number, OutOfRange> {
    let number: f64 = text.parse().map_err(|_| OutOfRange)?;
    Number::from_f64(number).ok_or(OutOfRange)
}

/// `\.[0-9]+ | [0-9]+(\.[0-9]*)?`, then an optional exponent.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(i) => (&text[..i], Some(&text[i + 1..])),
        None => (text, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|e| is_digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_mean_what_the_core_schema_says() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("0", json!(0)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("010", json!(10)),
            ("0o10", json!(8)),
            ("0xff", json!(255)),
            ("0xzz", json!("0xzz")),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.0", json!(1.0)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("1e3", json!(1000.0)),
            ("-1.5E-2", json!(-0.015)),
            ("1.0.0", json!("1.0.0")),
            ("1_000", json!("1_000")),
            ("12:30", json!("12:30")),
            ("e3", json!("e3")),
            (".", json!(".")),
            ("-", json!("-")),
            ("2024-01-01", json!("2024-01-01")),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        for text in ["18446744073709551616", "-9223372036854775809", "1e999", ".inf", "-.Inf", ".NaN"] {
            assert_eq!(plain(text), Err(OutOfRange), "{text}");
        }
    }
}
