//! Times for people: local, with offset.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local};
use tasker_core::time::Timestamp;

/// An instant: `2026-01-31 10:00:00 +01:00`.
pub fn local(at: Timestamp) -> String {
    match DateTime::from_timestamp_micros(at.as_micros()) {
        Some(utc) => utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        None => at.to_string(),
    }
}

/// Now, by this machine's clock.
pub fn now() -> Timestamp {
    Timestamp::default().plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A span, with as much detail as matters: `120 ms`, `1.2 s`, `3 min 4 s`, `5 h 6 min`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (61_000, "1 min 1 s"),
            (3_720_000, "1 h 2 min"),
            (259_200_000, "3 days"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }
}
