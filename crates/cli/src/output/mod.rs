//! What people and programs get to see: data on standard output, messages on standard error.

pub mod analysis;
pub mod analytics;
pub mod bulk;
pub mod definition;
pub mod explain;
pub mod problems;
mod style;
pub mod table;
pub mod task;
pub mod time;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tasker_wire::ErrorBody;

use crate::args::{Globals, Output};
use crate::progress::terminal;

pub use style::Style;

/// Whether a result could not be written.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Whether a result of this process could not be written, so that the command has not done what it was to do.
pub fn is_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}

/// Where output goes.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    output: Output,
    quiet: bool,
    color_data: bool,
    color_messages: bool,
}

impl Printer {
    /// As the flags say.
    pub fn new(globals: &Globals) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color =
            !globals.no_color && !no_color && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            output: globals.output,
            quiet: globals.quiet,
            color_data: color && io::stdout().is_terminal(),
            color_messages: color && io::stderr().is_terminal(),
        }
    }

    /// How results are written.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Whether messages and progress are left out.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Colours of data.
    pub fn style(&self) -> Style {
        Style::new(self.color_data)
    }

    /// Colours of messages.
    pub fn message_style(&self) -> Style {
        Style::new(self.color_messages)
    }

    /// Whether messages are coloured.
    pub fn colors_messages(&self) -> bool {
        self.color_messages
    }

    /// Writes a result: the document as JSON, or the text.
    pub fn result<T: Serialize>(&self, document: &T, text: impl FnOnce() -> String) {
        match self.output {
            Output::Json => self.document(document),
            Output::Text => self.text(&text()),
        }
    }

    /// Writes a JSON document.
    pub fn document<T: Serialize>(&self, document: &T) {
        let text =
            serde_json::to_string_pretty(document).expect("documents have text keys and finite numbers");
        self.text(&text);
    }

    /// Writes text with a line break at its end.
    pub fn text(&self, text: &str) {
        let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let mut out = io::stdout().lock();
        let written = write!(out, "{text}{line_break}").and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.line("error: ", &format!("standard output cannot be written: {error}"));
            OUTPUT_LOST.store(true, Ordering::Relaxed);
        }
    }

    /// Writes a message, unless it shall be quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line("", text);
        }
    }

    /// Writes a warning, unless it shall be quiet.
    pub fn warn(&self, text: &str) {
        if !self.quiet {
            self.line(&self.message_style().yellow("warning: "), text);
        }
    }

    /// Writes an error.
    pub fn error(&self, body: &ErrorBody) {
        self.line(&self.message_style().red("error: "), &format!("{} [{}]", body.message, body.code));
        if let Some(help) = &body.help {
            self.line("  help: ", help);
        }
    }

    /// Writes a message that is coloured already, and clean.
    pub fn styled(&self, text: &str) {
        terminal().suspend(|| {
            // A closed standard error must not end the work.
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    fn line(&self, prefix: &str, text: &str) {
        self.styled(&format!("{prefix}{}", clean(text)));
    }
}

/// Text without control characters, which could rule the terminal it is shown on.
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_fine = |c: char| !c.is_control() || c == '\n' || c == '\t';
    if text.chars().all(is_fine) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_fine(c) { c } else { '\u{fffd}' }).collect())
}

/// Text in one line of at most so many characters.
pub fn shorten(text: &str, most: usize) -> String {
    let line: String = clean(text).chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\n\tb"), "a\n\tb");
        assert_eq!(clean("\x1b[2Ja\r"), "\u{fffd}[2Ja\u{fffd}");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß\n", 3), "äö…");
        assert_eq!(shorten("a\nb", 9), "a b");
    }
}
