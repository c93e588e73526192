//! Templates in handler settings: which results they name, what can be wrong with them, and how they are rendered.
//!
//! Every text among the settings of the handlers that ship may be a template (minijinja) over
//!
//! | name | value |
//! |---|---|
//! | `context` | the task's context |
//! | `inputs` | what the step works on: the context, unless an operator edited it |
//! | `results.<step>`, `results['<step>']` | results of ancestors |
//! | `step` | `name`, `attempt`, `task_id`, `idempotency_key` |
//!
//! A text that is one single expression keeps the JSON type of its value (white space around it does not count);
//! anything else becomes text: texts as they are, everything else as JSON. Keys are never templates. Nothing is
//! escaped. A value that is not there is an error, never an empty text. The environment holds minijinja's built-in
//! filters and tests with `range` and `dict`: no includes, no macros, no recursive loops, no access to anything outside.
//! How much one text may hold is limited ([`check`] tells), and so are the size of every value that a template makes
//! ([`MAX_RENDERED_BYTES`]) and its work ([`FUEL`]), so that no template can end the process or hold it up.

mod calls;
mod compiled;
mod cost;
mod environment;
mod error;
mod guard;
mod inspect;
mod json;
mod names;
mod plain;
mod program;

pub use compiled::{CompiledConfig, Scope, StepFacts};
pub use environment::{FUEL, MAX_RENDERED_BYTES};
pub use error::{TemplateError, TemplateProblem};
pub use inspect::{check, results_named_in};

use serde_json::Value;

use crate::names::{COMMAND, HTTP, HandlerName};

/// Whether the settings of this handler are templates: those of the handlers that ship, `http` and `command`.
pub fn is_templated(handler: &HandlerName) -> bool {
    [HTTP, COMMAND].contains(&handler.as_str())
}

/// Whether a text holds template syntax.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Renders settings once. Whoever renders the same settings again keeps a [`CompiledConfig`] instead.
///
/// # Errors
/// As [`CompiledConfig::new`] and [`CompiledConfig::render`].
pub fn render(config: &Value, scope: &Scope<'_>) -> Result<Value, TemplateError> {
    CompiledConfig::new(config)?.render(scope)
}
