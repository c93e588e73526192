//! What can be wrong with a definition, and the report that gathers it.

use std::collections::HashSet;
use std::fmt::Display;

use serde::Serialize;

use super::tree::Position;

/// Most problems that one report lists.
pub const MAX_PROBLEMS: usize = 100;

/// Problems of one severity kept while a file is checked; what comes later is only counted.
const MAX_KEPT: usize = 1_000;

/// How bad a problem is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// There is no definition.
    Error,
    /// The definition works, though perhaps not as meant.
    Warning,
}

/// One thing that is wrong with a definition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `unknown_key`.
    pub code: &'static str,
    /// Line of the source, from 1. `None` if the definition did not come from text.
    pub line: Option<u32>,
    /// Column of the source in characters, from 1.
    pub column: Option<u32>,
    /// JSON pointer into the document after the environment merge; empty for the whole document.
    pub pointer: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do about it, where that is not plain.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn error(
        code: &'static str,
        at: Position,
        pointer: impl Display,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            line: (at.line > 0).then_some(at.line),
            column: (at.line > 0).then_some(at.column),
            pointer: pointer.to_string(),
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn warning(
        code: &'static str,
        at: Position,
        pointer: impl Display,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, pointer, message) }
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    fn identity(&self) -> Identity {
        let place = match self.source_order() {
            (Some(line), Some(column)) => Place::Source(line, column),
            _ => Place::Pointer(self.pointer.clone()),
        };
        (self.code, place, self.message.clone())
    }

    fn source_order(&self) -> (Option<u32>, Option<u32>) {
        (self.line, self.column)
    }
}

/// What makes two problems the same.
type Identity = (&'static str, Place, String);

#[derive(PartialEq, Eq, Hash)]
enum Place {
    Source(u32, u32),
    Pointer(String),
}

/// Gathers the problems of one file. The same problem at the same place (met again through another environment,
/// an alias or an inherited setting) is kept once.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    seen: HashSet<Identity>,
    errors: usize,
    warnings: usize,
    environment: Option<String>,
}

impl Report {
    /// Adds a problem.
    pub(super) fn push(&mut self, mut problem: Problem) {
        let count = match problem.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if *count < MAX_KEPT {
            if !self.seen.insert(problem.identity()) {
                return;
            }
            if let Some(environment) = &self.environment {
                problem.message.push_str(&format!(" (in environment `{environment}`)"));
            }
            self.problems.push(problem);
        }
        *count += 1;
    }

    /// Adds an error.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        at: Position,
        pointer: impl Display,
        message: impl Into<String>,
    ) {
        self.push(Problem::error(code, at, pointer, message));
    }

    /// From here on, problems that are new are those of another environment, and say so.
    pub(super) fn enter_environment(&mut self, name: &str) {
        self.environment = Some(name.to_owned());
    }

    /// Whether some problem forbids a definition.
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether the place of a problem already has an error.
    pub(super) fn has_error_at(&self, place: &Problem) -> bool {
        let is_there = |p: &Problem| p.pointer == place.pointer && p.source_order() == place.source_order();
        self.problems.iter().any(|p| p.severity == Severity::Error && is_there(p))
    }

    /// Whether so much is wrong that advice which takes time to compute is left out.
    pub(super) fn is_crowded(&self) -> bool {
        self.errors + self.warnings >= MAX_PROBLEMS
    }

    /// The problems in source order, at most [`MAX_PROBLEMS`] and one that counts the rest. Errors go first into
    /// the list.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| (p.severity, p.source_order()));
        let listed_errors = self.errors.min(MAX_PROBLEMS);
        self.problems.truncate(MAX_PROBLEMS);
        let more = self.errors + self.warnings - self.problems.len();
        let more_errors = self.errors - listed_errors;
        self.problems.sort_by_key(Problem::source_order);
        if more > 0 {
            let message = format!("and {more} more problems, {more_errors} of them errors");
            let last = Problem::error("too_many_problems", Position::default(), "", message);
            let severity = if more_errors > 0 { Severity::Error } else { Severity::Warning };
            self.problems.push(Problem { severity, ..last });
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32) -> Position {
        Position { line, column: 1 }
    }

    #[test]
    fn problems_come_in_source_order_and_once() {
        let mut report = Report::default();
        report.error("b", at(2), "/b", "second");
        report.error("a", at(1), "/a", "first");
        report.error("b", at(2), "/b", "second");
        let codes: Vec<_> = report.finish().iter().map(|p| p.code).collect();
        assert_eq!(codes, ["a", "b"]);
    }

    #[test]
    fn a_hundred_are_listed_errors_before_warnings_and_the_rest_is_counted() {
        let mut report = Report::default();
        for line in 1..=5_000 {
            report.push(Problem::warning("w", at(line), "", "warning"));
        }
        for line in 1..=30 {
            report.error("e", at(9_000 + line), "", "error");
        }
        let problems = report.finish();
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert_eq!(problems.iter().filter(|p| p.code == "e").count(), 30);
        assert_eq!(problems[100].message, "and 4930 more problems, 0 of them errors");
        assert_eq!(problems[100].severity, Severity::Warning);
    }

    #[test]
    fn hidden_errors_make_the_last_problem_an_error() {
        let mut report = Report::default();
        for line in 1..=150 {
            report.error("e", at(line), "", "error");
        }
        let problems = report.finish();
        assert_eq!(problems[100].message, "and 50 more problems, 50 of them errors");
        assert_eq!(problems[100].severity, Severity::Error);
    }

    #[test]
    fn a_problem_of_another_environment_says_so_unless_it_is_known() {
        let mut report = Report::default();
        report.error("a", at(1), "", "old");
        report.enter_environment("staging");
        report.error("a", at(1), "", "old");
        report.error("b", at(1), "", "new");
        let messages: Vec<_> = report.finish().into_iter().map(|p| p.message).collect();
        assert_eq!(messages, ["old", "new (in environment `staging`)"]);
    }
}
