//! The template engine as it is used here: strict, without escaping, with limits.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior};

use super::calls;
use super::json::{Budget, to_json};

/// Work one template may do: an instruction is one unit, and so are 64 bytes of text that it makes, 4 values that it copies,
/// and 16 that it goes through.
pub const FUEL: u64 = 1_000_000;

/// Largest settings after rendering, and largest value that a template may make on the way, in bytes.
pub const MAX_RENDERED_BYTES: usize = 4 * 1024 * 1024;

/// What all templates share.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// Names that every template knows besides its scope.
pub(super) const FUNCTIONS: [&str; 2] = ["range", "dict"];

/// Whether a filter of this name exists.
pub(super) fn has_filter(name: &str) -> bool {
    is_known(name, "name is filter")
}

/// Whether a test of this name exists.
pub(super) fn has_test(name: &str) -> bool {
    is_known(name, "name is test")
}

fn is_known(name: &str, question: &'static str) -> bool {
    ENVIRONMENT
        .compile_expression(question)
        .and_then(|test| test.eval(minijinja::context! { name }))
        .is_ok_and(|found| found.is_true())
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(write_value);
    environment.set_fuel(Some(FUEL));
    // with it errors would carry the values of the whole scope
    environment.set_debug(false);
    environment.remove_global("debug");
    // what a loop puts into one may nest so deep that dropping it takes all of the stack
    environment.remove_global("namespace");
    calls::install(&mut environment);
    environment
}

/// The syntax of templates.
pub(super) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().keep_trailing_newline(true).build().expect("the default delimiters are valid")
}

/// Texts are written as they are, nothing for the missing side of an `if`, everything else as JSON.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), Error> {
    // what this template may still write
    let budget = state.get_or_insert_extension_with(Budget::new);
    if let Some(text) = value.as_str() {
        budget.spend(text.len())?;
        return Ok(out.write_str(text)?);
    }
    if value.is_undefined() {
        return Ok(());
    }
    let json = to_json(value, &mut Budget::new())?.to_string();
    budget.spend(json.len())?;
    Ok(out.write_str(&json)?)
}
