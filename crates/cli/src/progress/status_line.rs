//! Progress as one line on a terminal, which is drawn again and again.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal;
use crate::output::Printer;

/// The line; nothing is drawn where nobody sees it. It goes with the value.
pub struct StatusLine(Option<ProgressBar>);

impl StatusLine {
    /// Made of this template, with the message in `{wide_msg}`.
    pub fn new(template: &str, printer: Printer) -> Self {
        let is_shown = !printer.is_quiet() && std::io::stderr().is_terminal();
        Self(is_shown.then(|| {
            let style = ProgressStyle::with_template(template).expect("a valid template");
            terminal().add(ProgressBar::new_spinner().with_style(style))
        }))
    }

    /// The bar itself, if it is drawn.
    pub fn bar(&self) -> Option<&ProgressBar> {
        self.0.as_ref()
    }

    /// Shows another message.
    pub fn show(&self, message: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(message);
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
            terminal().remove(bar);
        }
    }
}
