//! What is wrong with definition files, for people and for programs.

use serde::Serialize;
use tasker_core::definition::{Problem, Severity};

use super::{Style, clean};
use crate::input::Unreadable;

/// A problem of a file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FileProblem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code.
    pub code: &'static str,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// JSON pointer into the document.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl FileProblem {
    /// A problem of a file's content.
    pub fn new(file: &str, problem: Problem) -> Self {
        Self {
            severity: problem.severity,
            code: problem.code,
            file: file.into(),
            line: problem.line,
            column: problem.column,
            pointer: problem.pointer,
            message: problem.message,
            help: problem.help,
        }
    }

    /// A file that cannot be read.
    pub fn unreadable(file: &str, why: Unreadable) -> Self {
        Self {
            severity: Severity::Error,
            code: why.code,
            file: file.into(),
            line: None,
            column: None,
            pointer: String::new(),
            message: why.message,
            help: None,
        }
    }

    /// Whether it forbids the definition.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Two or three lines for people: place, what, what to do.
    pub fn text(&self, style: Style) -> String {
        let place = match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            _ => self.file.clone(),
        };
        let kind = match self.severity {
            Severity::Error => style.red(&format!("error[{}]", self.code)),
            Severity::Warning => style.yellow(&format!("warning[{}]", self.code)),
        };
        let mut text = format!("{}: {kind}: {}", clean(&place), clean(&self.message));
        if !self.pointer.is_empty() {
            text.push_str(&format!("\n  at {}", clean(&self.pointer)));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("\n  help: {}", clean(help)));
        }
        text
    }
}

/// `2 errors, 1 warning`.
pub fn count(problems: &[FileProblem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match (errors, problems.len() - errors) {
        (errors, 0) => plural(errors, "error"),
        (0, warnings) => plural(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}
