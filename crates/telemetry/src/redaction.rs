//! What log lines do not say: values of fields whose names are secret, and credentials inside of texts.
//!
//! Text is masked field by field as it is written; a line of JSON is read, masked and written anew.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use tasker_core::masking::Masking;
use tracing::field::Field;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;

/// Writes one field of a line of text.
pub(crate) fn field(
    masking: &Masking,
    writer: &mut Writer<'_>,
    field: &Field,
    value: &dyn fmt::Debug,
) -> fmt::Result {
    let name = field.name();
    if masking.is_secret_field(name) {
        return write!(writer, "{name}={}", masking.mask());
    }
    let text = masking.mask_text(&format!("{value:?}"));
    if name == "message" { writer.write_str(&text) } else { write!(writer, "{name}={text}") }
}

/// Masks lines of JSON on their way to a writer.
pub(crate) struct MaskedLines<W> {
    writer: W,
    masking: Arc<Masking>,
}

/// One line on its way.
pub(crate) struct MaskedLine<'m, W> {
    writer: W,
    masking: &'m Masking,
}

impl<W> MaskedLines<W> {
    pub(crate) fn new(writer: W, masking: Masking) -> Self {
        Self { writer, masking: Arc::new(masking) }
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for MaskedLines<W> {
    type Writer = MaskedLine<'w, W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        MaskedLine { writer: self.writer.make_writer(), masking: &self.masking }
    }
}

impl<W: Write> Write for MaskedLine<'_, W> {
    /// Takes one whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.write_all(masked(line, self.masking).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// What cannot be read is not written.
fn masked(line: &[u8], masking: &Masking) -> String {
    let mut document = serde_json::from_slice::<Value>(line)
        .unwrap_or_else(|_| json!({"message": "a line could not be masked", "filter_error": true}));
    masking.mask_line(&mut document);
    format!("{document}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obs_57_secret_fields_are_masked_at_any_depth() {
        let check = |masking: &Masking, expected: Value| {
            let line = json!({
                "user": {"password": "x"}, "items": [{"api_key": "y"}], "note": "ok", "credit_card": {"number": "4"},
                "number": "5",
            });
            let masked: Value = serde_json::from_str(&masked(line.to_string().as_bytes(), masking)).unwrap();
            assert_eq!(masked, expected);
        };
        let usual = json!({
            "user": {"password": "[FILTERED]"}, "items": [{"api_key": "[FILTERED]"}], "note": "ok",
            "credit_card": {"number": "4"}, "number": "5",
        });
        check(&Masking::default(), usual);
        let own = json!({
            "user": {"password": "x"}, "items": [{"api_key": "y"}], "note": "ok", "credit_card": {"number": "***"},
            "number": "5",
        });
        check(&Masking::new(["credit_card.number"], "***"), own);
    }

    #[test]
    fn obs_58_what_cannot_be_masked_is_not_written() {
        let line = masked(b"{\"password\": \"secret", &Masking::default());
        let stub = json!({"message": "a line could not be masked", "filter_error": true});
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), stub);
    }
}
