//! Colours, where they are wanted.

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    color: bool,
}

impl Style {
    /// Colours only if `color`.
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    /// What failed.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What needs attention.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What runs.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What matters more.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A state of a task or step.
    pub fn state(self, state: &str) -> String {
        self.as_state(state, state)
    }

    /// Text in the colour of a state.
    pub fn as_state(self, state: &str, text: &str) -> String {
        match state {
            "complete" | "resolved_manually" => self.green(text),
            "error" => self.red(text),
            "in_progress" => self.cyan(text),
            "cancelled" => self.yellow(text),
            _ => text.to_owned(),
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
