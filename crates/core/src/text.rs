//! Text: free one (error messages, output of commands) made fit for every store, and numbers of things in words.

/// What stands at the end of text that was cut.
const ELLIPSIS: &str = "…";

/// The text with NUL replaced by U+FFFD, in at most `max_bytes` bytes. Longer text is cut between two characters and
/// ends with an ellipsis, if that fits.
pub fn storable(text: &str, max_bytes: usize) -> String {
    let clean = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() };
    if clean.len() <= max_bytes { clean } else { cut(clean, max_bytes) }
}

/// So many of something, in words: `1 step`, `2 steps`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Bytes as digits, two for each: `00ff`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cut(mut text: String, max_bytes: usize) -> String {
    let ellipsis = if max_bytes >= ELLIPSIS.len() { ELLIPSIS } else { "" };
    text.truncate(text.floor_char_boundary(max_bytes - ellipsis.len()));
    text + ellipsis
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cleaned_and_cut_between_characters() {
        for (text, max, expected) in [
            ("plain", 5, "plain"),
            ("a\0b", 10, "a\u{fffd}b"),
            ("abcdef", 5, "ab…"),
            ("aäöü", 6, "aä…"),
            ("aäöü", 5, "a…"),
            ("abc", 2, "ab"),
            ("ä", 1, ""),
            ("", 0, ""),
        ] {
            assert_eq!(storable(text, max), expected, "{text:?} in {max}");
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "step")), ["0 steps", "1 step", "2 steps"]);
    }

    proptest! {
        #[test]
        fn the_result_fits_and_begins_as_the_text(text: String, max in 0_usize..50) {
            let stored = storable(&text, max);
            prop_assert!(stored.len() <= max);
            prop_assert!(!stored.contains('\0'));
            let kept = stored.strip_suffix(ELLIPSIS).unwrap_or(&stored);
            let clean = text.replace('\0', "\u{fffd}");
            prop_assert!(clean.starts_with(kept));
        }
    }
}
