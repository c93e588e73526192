//! What ties a request to whatever caused it, as callers say it in headers.

/// Longest correlation id that is taken from a header, in characters.
const MAX_CHARS: usize = 100;

/// The correlation id that headers tell: their own, if it is one, else the trace of a `traceparent` (W3C Trace Context).
/// Anything else is as good as nothing, since it would be written into logs.
pub fn correlation_of<'a>(told: Option<&'a str>, traceparent: Option<&'a str>) -> Option<&'a str> {
    told.filter(|text| is_usable(text)).or_else(|| traceparent.and_then(trace_of))
}

fn is_usable(text: &str) -> bool {
    text.len() <= MAX_CHARS
        && text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

/// `version-trace-parent-flags`, of which the trace must not be all zeros.
fn trace_of(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, n: usize| {
        text.len() == n && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_sound = is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(parent, 16);
    (is_sound && trace.bytes().any(|b| b != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_id_is_taken_if_it_is_one() {
        let longest = "a".repeat(100);
        for good in ["abc-1", "7", "A_b-C", longest.as_str()] {
            assert_eq!(correlation_of(Some(good), None), Some(good));
        }
        let too_long = "a".repeat(101);
        for bad in ["", "-a", "_a", "a b", "a\nb", "ä", too_long.as_str()] {
            assert_eq!(correlation_of(Some(bad), None), None, "{bad:?}");
        }
    }

    #[test]
    fn a_trace_stands_in_for_it() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(correlation_of(None, Some(&parent)), Some(trace));
        assert_eq!(correlation_of(Some("not good"), Some(&parent)), Some(trace));
        assert_eq!(correlation_of(Some("good"), Some(&parent)), Some("good"));
        for bad in [
            "",
            "00-4bf9-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(correlation_of(None, Some(bad)), None, "{bad}");
        }
    }
}
