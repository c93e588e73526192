//! Spans of time as people write them: `500ms`, `30s`, `5m`, `2h`, `7d`; a bare number is seconds.

use std::time::Duration;

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Text that is no span.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no span of time; write a number and a unit, such as 500ms, 30s, 5m, 2h or 7d")]
pub struct InvalidSpan(pub String);

/// Reads a span.
///
/// # Errors
/// The text is no number with a unit, or longer than 64 bits of milliseconds.
pub fn parse(text: &str) -> Result<Duration, InvalidSpan> {
    let invalid = || InvalidSpan(text.chars().take(100).collect());
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..digits], text[digits..].trim());
    let factor = match unit {
        "" => 1_000,
        unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?.1,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).map(Duration::from_millis).ok_or_else(invalid);
    }
    let number: f64 = number.parse().map_err(|_| invalid())?;
    Duration::try_from_secs_f64(number * factor as f64 / 1_000.0).map_err(|_| invalid())
}

/// Writes a span in its largest whole unit.
pub fn format(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let (unit, factor) =
        UNITS.into_iter().find(|(_, factor)| millis % factor == 0 && millis >= *factor).unwrap_or(UNITS[3]);
    format!("{}{unit}", millis / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("30", 30_000),
            ("1.5s", 1_500),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "5 fortnights", "-1s", "1e3", "99999999999999999999d", "1.2.3s", "٣s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_written_in_its_largest_whole_unit() {
        for text in ["500ms", "30s", "90s", "5m", "2h", "7d", "0s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
        assert_eq!(format(Duration::from_secs(86_400 * 30)), "30d");
    }
}
