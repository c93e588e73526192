//! Numbers as people are shown them: shares, percents, means, seconds, rounded.

use std::time::Duration;

/// `part` of `whole` in parts of `unit`, rounded; 0 if there is no whole.
pub fn share(part: u64, whole: u64, unit: u32) -> f64 {
    if whole == 0 { 0.0 } else { (f64::from(unit) * part as f64 / whole as f64).round() }
}

/// `part` of `whole` in percent, with so many decimals; 0 if there is no whole.
pub fn percent(part: u64, whole: u64, decimals: u32) -> f64 {
    let unit = 10_u32.pow(decimals);
    share(part, whole, 100 * unit) / f64::from(unit)
}

/// The mean of `n` spans in seconds, with so many decimals, at most 6; half is rounded up. 0 if there are none.
pub fn mean(micros: u64, n: u64, decimals: u32) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let unit = 10_u32.pow(decimals);
    let parts = u128::from(1_000_000 / unit) * u128::from(n);
    ((2 * u128::from(micros) + parts) / (2 * parts)) as f64 / f64::from(unit)
}

/// A span in seconds, rounded to milliseconds.
pub fn seconds(span: Duration) -> f64 {
    mean(micros(span), 1, 3)
}

/// Whole microseconds of a span.
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_milliseconds() {
        for (micros, expected) in [(0, 0.0), (499, 0.0), (500, 0.001), (2_000_000, 2.0), (1_234_567, 1.235)] {
            assert_eq!(seconds(Duration::from_micros(micros)), expected, "{micros}");
        }
    }

    #[test]
    fn means_are_rounded_and_0_of_nothing() {
        assert_eq!(mean(125_000_000, 3, 3), 41.667);
        assert_eq!(mean(149_999, 1, 1), 0.1);
        assert_eq!(mean(150_000, 1, 1), 0.2);
        assert_eq!(mean(7, 0, 3), 0.0);
        assert_eq!(mean(u64::MAX, 1, 0), (u64::MAX / 1_000_000) as f64 + 1.0);
    }

    #[test]
    fn percents_have_their_decimals_and_are_0_of_nothing() {
        assert_eq!((percent(1, 3, 2), percent(1, 3, 1)), (33.33, 33.3));
        assert_eq!((percent(2, 2, 2), percent(3, 2, 1), percent(1, 0, 2)), (100.0, 150.0, 0.0));
    }
}
