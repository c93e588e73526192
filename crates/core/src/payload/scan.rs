//! Reads JSON text in one pass, without recursion and without building a value.

use super::PayloadError;
use super::write::{Writer, needs_escape};

/// Checks text and writes it compactly.
pub(super) fn compact(text: &str) -> Result<String, PayloadError> {
    let mut scanner =
        Scanner { text, bytes: text.as_bytes(), at: 0, writer: Writer::with_capacity(text.len()) };
    scanner.document()?;
    Ok(scanner.writer.finish())
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    writer: Writer,
}

/// What comes next in the document.
enum Expected {
    Value,
    End,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), PayloadError> {
        loop {
            self.value()?;
            if let Expected::End = self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Reads up to and including the next value that is complete in itself: a scalar, `[]` or `{}`.
    fn value(&mut self) -> Result<(), PayloadError> {
        loop {
            match self.next_token() {
                Some(b'{') => {
                    self.enter(true)?;
                    if self.next_token() == Some(b'}') {
                        return self.leave();
                    }
                    self.key()?;
                }
                Some(b'[') => {
                    self.enter(false)?;
                    if self.next_token() == Some(b']') {
                        return self.leave();
                    }
                }
                Some(b'"') => {
                    self.writer.before_value();
                    return self.string();
                }
                Some(b'-' | b'0'..=b'9') => return self.number(),
                Some(b't') => return self.literal("true"),
                Some(b'f') => return self.literal("false"),
                Some(b'n') => return self.literal("null"),
                _ => return Err(self.expected("a value")),
            }
        }
    }

    /// After a value: closes what ends here and reads up to the next value.
    fn after_value(&mut self) -> Result<Expected, PayloadError> {
        loop {
            match (self.writer.inside_object(), self.next_token()) {
                (None, None) => return Ok(Expected::End),
                (None, Some(_)) => return Err(self.expected("the end")),
                (Some(true), Some(b'}')) | (Some(false), Some(b']')) => self.leave()?,
                (Some(is_object), Some(b',')) => {
                    self.at += 1;
                    if is_object {
                        self.next_token();
                        self.key()?;
                    }
                    return Ok(Expected::Value);
                }
                (Some(true), _) => return Err(self.expected("`,` or `}`")),
                (Some(false), _) => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn enter(&mut self, is_object: bool) -> Result<(), PayloadError> {
        self.at += 1;
        self.writer.open(is_object)
    }

    fn leave(&mut self) -> Result<(), PayloadError> {
        self.at += 1;
        self.writer.close()
    }

    fn key(&mut self) -> Result<(), PayloadError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let start = self.writer.begin_key();
        self.string()?;
        self.writer.end_key(start);
        if self.next_token() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string from its first quote to its last.
    fn string(&mut self) -> Result<(), PayloadError> {
        self.at += 1;
        self.writer.quote();
        loop {
            let rest = &self.bytes[self.at..];
            let Some(plain) = rest.iter().position(|byte| needs_escape(*byte)) else {
                self.at = self.bytes.len();
                return Err(self.expected("`\"`"));
            };
            self.writer.plain(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match rest[plain] {
                b'"' => break,
                b'\\' => self.escape()?,
                0 => return Err(PayloadError::InvalidText),
                _ => return Err(self.expected("a control character to be escaped")),
            }
        }
        self.at += 1;
        self.writer.quote();
        Ok(())
    }

    fn escape(&mut self) -> Result<(), PayloadError> {
        let c = match self.bytes.get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.expected("an escape such as `\\n`")),
        };
        self.at += 2;
        self.writer.character(c)
    }

    fn unicode_escape(&mut self) -> Result<(), PayloadError> {
        let first = self.hex_unit()?;
        let code = match first {
            0xd800..=0xdbff if self.bytes[self.at..].starts_with(b"\\u") => {
                let second = self.hex_unit()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(PayloadError::InvalidText);
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            _ => first,
        };
        self.writer.character(char::from_u32(code).ok_or(PayloadError::InvalidText)?)
    }

    /// Reads `\uXXXX`.
    fn hex_unit(&mut self) -> Result<u32, PayloadError> {
        let digits = self.bytes.get(self.at + 2..self.at + 6);
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, byte| Some(unit << 4 | char::from(*byte).to_digit(16)?))
        });
        let unit = unit.ok_or_else(|| self.expected("an escape of four hexadecimal digits"))?;
        self.at += 6;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), PayloadError> {
        let start = self.at;
        self.skip(|byte| byte == b'-', 1);
        let integer_at = self.at;
        let digits = self.digits()?;
        if digits > 1 && self.bytes[integer_at] == b'0' {
            self.at = integer_at + 1;
            return Err(self.expected("no digit after a leading zero"));
        }
        let mut is_float = false;
        if self.skip(|byte| byte == b'.', 1) == 1 {
            is_float = true;
            self.digits()?;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) == 1 {
            is_float = true;
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if is_float || text == "-0" { self.float(text) } else { self.integer(text) }
    }

    fn digits(&mut self) -> Result<usize, PayloadError> {
        match self.skip(|byte| byte.is_ascii_digit(), usize::MAX) {
            0 => Err(self.expected("a digit")),
            n => Ok(n),
        }
    }

    fn integer(&mut self, text: &str) -> Result<(), PayloadError> {
        let fits = text.len() <= 18 || text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
        if !fits {
            return Err(PayloadError::NumberOutOfRange);
        }
        self.writer.verbatim(text);
        Ok(())
    }

    fn float(&mut self, text: &str) -> Result<(), PayloadError> {
        self.writer.float(text.parse().expect("what JSON calls a number is a float"))
    }

    fn literal(&mut self, word: &'static str) -> Result<(), PayloadError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        self.writer.verbatim(word);
        Ok(())
    }

    /// The next byte that is no white space; it is not consumed.
    fn next_token(&mut self) -> Option<u8> {
        self.skip(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'), usize::MAX);
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over bytes of a kind, at most `most`; how many.
    fn skip(&mut self, kind: impl Fn(u8) -> bool, most: usize) -> usize {
        let n = self.bytes[self.at..].iter().take(most).take_while(|byte| kind(**byte)).count();
        self.at += n;
        n
    }

    #[cold]
    fn expected(&self, what: &str) -> PayloadError {
        let before = &self.bytes[..self.at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        PayloadError::Syntax(match self.peek() {
            None => format!("expected {what}, but the text ends"),
            Some(_) => format!("expected {what} at line {line} column {column}"),
        })
    }
}
