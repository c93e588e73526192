//! Writes checked JSON, compactly and in one form.

use std::fmt::Write as _;
use std::ops::Range;

use super::{MAX_DEPTH, PayloadError};

/// JSON text under construction.
pub(super) struct Writer {
    out: String,
    /// Where the keys of all open objects stand in `out`, quotes included.
    keys: Vec<Range<usize>>,
    open: Vec<Frame>,
}

/// An array or object that is not closed yet.
struct Frame {
    is_object: bool,
    /// Whether something stands in it already.
    has_items: bool,
    /// Its keys are those in [`Writer::keys`] from here on.
    first_key: usize,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), keys: Vec::new(), open: Vec::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Whether the innermost open thing is an object; `None` if nothing is open.
    pub(super) fn inside_object(&self) -> Option<bool> {
        self.open.last().map(|frame| frame.is_object)
    }

    /// Opens an array or object.
    pub(super) fn open(&mut self, is_object: bool) -> Result<(), PayloadError> {
        if self.open.len() == MAX_DEPTH {
            return Err(PayloadError::TooDeep);
        }
        self.before_value();
        self.out.push(if is_object { '{' } else { '[' });
        self.open.push(Frame { is_object, has_items: false, first_key: self.keys.len() });
        Ok(())
    }

    /// Closes the innermost array or object.
    pub(super) fn close(&mut self) -> Result<(), PayloadError> {
        let frame = self.open.pop().expect("only what is open is closed");
        if frame.is_object {
            self.check_keys(frame.first_key)?;
            self.keys.truncate(frame.first_key);
        }
        self.out.push(if frame.is_object { '}' } else { ']' });
        Ok(())
    }

    /// Begins a key: what follows until [`Writer::end_key`] is its string.
    pub(super) fn begin_key(&mut self) -> usize {
        self.before_value();
        self.out.len()
    }

    /// Ends the key that begins at `start`.
    pub(super) fn end_key(&mut self, start: usize) {
        self.keys.push(start..self.out.len());
        self.out.push(':');
        self.open.last_mut().expect("a key stands in an object").has_items = false;
    }

    /// A whole key.
    pub(super) fn key(&mut self, text: &str) -> Result<(), PayloadError> {
        let start = self.begin_key();
        self.quote();
        self.text(text)?;
        self.quote();
        self.end_key(start);
        Ok(())
    }

    /// A whole string.
    pub(super) fn string(&mut self, text: &str) -> Result<(), PayloadError> {
        self.before_value();
        self.quote();
        self.text(text)?;
        self.quote();
        Ok(())
    }

    /// A value that is written as it stands: `true`, `false`, `null`, an integer.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.before_value();
        self.out.push_str(text);
    }

    /// An integer or a float.
    pub(super) fn number(&mut self, number: &serde_json::Number) {
        self.before_value();
        write!(self.out, "{number}").expect("writing to a string cannot fail");
    }

    /// A float.
    pub(super) fn float(&mut self, number: f64) -> Result<(), PayloadError> {
        let number = serde_json::Number::from_f64(number).ok_or(PayloadError::NumberOutOfRange)?;
        self.number(&number);
        Ok(())
    }

    /// The comma that separates a value or key from the one before it.
    pub(super) fn before_value(&mut self) {
        if let Some(frame) = self.open.last_mut() {
            if frame.has_items {
                self.out.push(',');
            }
            frame.has_items = true;
        }
    }

    pub(super) fn quote(&mut self) {
        self.out.push('"');
    }

    /// Part of a string that needs no escape.
    pub(super) fn plain(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Part of a string.
    pub(super) fn text(&mut self, text: &str) -> Result<(), PayloadError> {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(needs_escape) {
            self.plain(&rest[..at]);
            self.character(char::from(rest.as_bytes()[at]))?;
            rest = &rest[at + 1..];
        }
        self.plain(rest);
        Ok(())
    }

    /// One character of a string.
    pub(super) fn character(&mut self, c: char) -> Result<(), PayloadError> {
        match c {
            '\0' => return Err(PayloadError::InvalidText),
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            c if c < ' ' => write!(self.out, "\\u{:04x}", c as u32).expect("writing to a string cannot fail"),
            c => self.out.push(c),
        }
        Ok(())
    }

    /// Refuses a key that stands twice among those from `first` on. Keys have one written form, so their text tells.
    fn check_keys(&mut self, first: usize) -> Result<(), PayloadError> {
        match twice(&self.out, &mut self.keys[first..]) {
            None => Ok(()),
            Some(key) => Err(PayloadError::DuplicateKey(unquoted(key))),
        }
    }
}

/// A text that stands at two of these places. Many places are sorted, so that large objects stay cheap.
fn twice<'a>(out: &'a str, keys: &mut [Range<usize>]) -> Option<&'a str> {
    let text = |key: &Range<usize>| &out[key.start..key.end];
    if keys.len() <= 8 {
        let stands_before = |i: usize| keys[..i].iter().any(|key| text(key) == text(&keys[i]));
        return (1..keys.len()).find(|i| stands_before(*i)).map(|i| text(&keys[i]));
    }
    keys.sort_unstable_by(|a, b| text(a).cmp(text(b)));
    keys.windows(2).find(|pair| text(&pair[0]) == text(&pair[1])).map(|pair| text(&pair[0]))
}

/// Whether a byte of a string cannot stand in JSON as it is.
pub(super) fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn unquoted(key: &str) -> String {
    serde_json::from_str(key).expect("a written key is a JSON string")
}
