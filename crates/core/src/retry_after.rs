//! The `Retry-After` header of HTTP responses (RFC 9110, 10.2.3).

use chrono::NaiveDateTime;

use crate::time::Timestamp;

/// Reads the value of a `Retry-After` header: whole seconds to wait, at least 1.
///
/// Digits are seconds (beyond 32 bits: the largest number); a date in one of the three HTTP formats is the time until
/// it, rounded up, and 1 if it is past. `None` for blank text and anything else: the wait is then computed as if there
/// were no header.
pub fn parse(value: &str, now: Timestamp) -> Option<u32> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    let seconds = if value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse().unwrap_or(u32::MAX)
    } else {
        seconds_until(http_date(value)?, now)
    };
    Some(seconds.max(1))
}

fn seconds_until(instant: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(instant.since(now).as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// Reads a date of RFC 9110, 5.6.7. The day of the week says nothing new and is not checked.
fn http_date(text: &str) -> Option<Timestamp> {
    let (day_of_week, rest) = text.split_once(' ')?;
    let format = match (day_of_week.ends_with(','), rest.contains('-')) {
        (true, false) => "%d %b %Y %H:%M:%S GMT",
        (true, true) => "%d-%b-%y %H:%M:%S GMT",
        (false, _) => "%b %e %H:%M:%S %Y",
    };
    let time = NaiveDateTime::parse_from_str(rest, format).ok()?;
    Some(Timestamp::from_micros(time.and_utc().timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<u32>) {
        let now = Timestamp::parse("2026-01-31T09:00:00.25Z").unwrap();
        assert_eq!(parse(value, now), expected, "{value:?}");
    }

    #[test]
    fn dom_101_digits_are_seconds() {
        check("30", Some(30));
        check(" 900 ", Some(900));
        check("0", Some(1));
        check("007200", Some(7200));
        check("99999999999999999999999999", Some(u32::MAX));
    }

    #[test]
    fn dom_101_as_47_a_date_is_the_time_until_it_rounded_up() {
        check("Sat, 31 Jan 2026 09:01:00 GMT", Some(60));
        check("Saturday, 31-Jan-26 09:01:00 GMT", Some(60));
        check("Sat Jan 31 09:01:00 2026", Some(60));
        check("Sun Feb  1 09:00:00 2026", Some(86_400));
        check("Sat, 31 Jan 2026 09:00:01 GMT", Some(1));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(u32::MAX));
    }

    #[test]
    fn a_past_date_is_one_second() {
        check("Sat, 31 Jan 2026 09:00:00 GMT", Some(1));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(1));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(1));
        check("Sun Nov  6 08:49:37 1994", Some(1));
    }

    #[test]
    fn dom_105_anything_else_counts_as_absent() {
        for value in [
            "",
            "   ",
            "soon",
            "-5",
            "+5",
            "1.5",
            "30s",
            "0x10",
            "Sat, 31 Jan 2026",
            "Sat, 31 Jan 2026 25:00:00 GMT",
            "Sat, 30 Feb 2026 09:00:00 GMT",
            "Sat, 31 Jan 2026 09:01:00 CET",
            "2026-01-31T09:01:00Z",
            "\u{0661}\u{0662}",
            "é é",
        ] {
            check(value, None);
        }
    }
}
