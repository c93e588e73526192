//! The one thing of JSON that a YAML parser does not read: characters written as two `\u` escapes.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::tree::Position;

/// JSON text made fit for a YAML parser, and where columns moved.
pub(super) struct JsonText<'a> {
    /// The text.
    pub(super) text: Cow<'a, str>,
    shifts: Vec<Position>,
}

/// Half of a surrogate pair stands alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LoneSurrogate(pub(super) Position);

/// Length of `\ud83d\ude00` less that of `\U0001F600`.
const SHORTER: u32 = 2;

impl<'a> JsonText<'a> {
    /// Writes each surrogate pair as one escape. Text that is not JSON stays as it is: there, the same characters
    /// may stand outside of double quotes and mean themselves.
    pub(super) fn new(text: &'a str) -> Result<Self, LoneSurrogate> {
        let may_hold_pairs = text.contains("\\ud") || text.contains("\\uD");
        if may_hold_pairs && text.trim_start().starts_with('{') && is_json(text) {
            join_pairs(text)
        } else {
            Ok(Self { text: Cow::Borrowed(text), shifts: Vec::new() })
        }
    }

    /// The place in the text as it was, for a place in [`Self::text`].
    pub(super) fn original(&self, at: Position) -> Position {
        let on_line = self.shifts.partition_point(|shift| shift.line < at.line);
        let before = self.shifts[on_line..].partition_point(|shift| *shift < at);
        Position { column: at.column + SHORTER * before as u32, ..at }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn join_pairs(text: &str) -> Result<JsonText<'_>, LoneSurrogate> {
    let mut joined = String::with_capacity(text.len());
    let mut shifts = Vec::new();
    let mut at = Position { line: 1, column: 1 };
    let mut source_column = 1;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        let mut written: Cow<'_, str> = Cow::Borrowed(&rest[..taken]);
        if c == '\\' {
            // In JSON a backslash stands only in strings, and something always follows it.
            taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            written = Cow::Borrowed(&rest[..taken]);
            if let Some(unit) = escaped_unit(rest).filter(|unit| (0xd800..0xe000).contains(unit)) {
                let lone = LoneSurrogate(Position { column: source_column, ..at });
                let low =
                    escaped_unit(&rest[6..]).filter(|low| (0xdc00..0xe000).contains(low)).ok_or(lone)?;
                let lone = LoneSurrogate(Position { column: source_column, ..at });
                let high = (unit < 0xdc00).then_some(unit).ok_or(lone)?;
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                taken = 12;
                written = Cow::Owned(format!("\\U{code:08X}"));
                shifts.push(at);
            }
        }
        let n_written = written.chars().count() as u32;
        let n_taken = if taken == 12 { 12 } else { n_written };
        joined.push_str(&written);
        rest = &rest[taken..];
        if c == '\n' {
            at = Position { line: at.line + 1, column: 1 };
            source_column = 1;
        } else {
            at.column += n_written;
            source_column += n_taken;
        }
    }
    Ok(JsonText { text: Cow::Owned(joined), shifts })
}

/// The code unit of the `\uXXXX` that the text begins with.
fn escaped_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_one_escape_and_columns_are_mapped_back() {
        let text = JsonText::new(r#"{"a": "\ud83d\uDE00 \\ud83d", "b": 1}"#).unwrap();
        assert_eq!(text.text, r#"{"a": "\U0001F600 \\ud83d", "b": 1}"#);
        let moved = Position { line: 1, column: text.text.find("\"b\"").unwrap() as u32 + 1 };
        let original = r#"{"a": "\ud83d\uDE00 \\ud83d", "b": 1}"#.find("\"b\"").unwrap() as u32 + 1;
        assert_eq!(text.original(moved).column, original);
        let before = Position { line: 1, column: 2 };
        assert_eq!(text.original(before), before);
    }

    #[test]
    fn lone_halves_are_found() {
        for json in [r#"{"a": "\ud83d"}"#, r#"{"a": "\ude00"}"#, r#"{"a": "\ud83d\u0041"}"#] {
            let found = JsonText::new(json).err();
            assert_eq!(found, Some(LoneSurrogate(Position { line: 1, column: 8 })), "{json}");
        }
    }

    #[test]
    fn yaml_is_left_alone() {
        let yaml = "{a: '\\ud83d\\ude00'}";
        assert_eq!(JsonText::new(yaml).unwrap().text, yaml);
    }
}
