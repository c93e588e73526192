//! Definitions for people.

use tasker_wire::{DefinitionDocument, DefinitionSummary};

use super::Style;
use super::table::{Table, facts};
use super::time;

/// A list of definitions.
pub fn list(rows: &[DefinitionSummary], style: Style) -> String {
    let mut table =
        Table::new(&["NAMESPACE", "NAME", "VERSION", "STEPS", "REGISTERED", "NOTE", "DESCRIPTION"]);
    for row in rows {
        table.row([
            row.namespace.to_string(),
            row.name.to_string(),
            row.version.to_string(),
            row.steps.to_string(),
            time::local(row.registered_at.timestamp()),
            note(row),
            super::shorten(row.description.as_deref().unwrap_or_default(), 50),
        ]);
    }
    table.render(style)
}

/// One definition.
pub fn one(document: &DefinitionDocument, style: Style) -> String {
    let mut text = facts(
        &[
            ("definition", document.full_name.clone()),
            ("description", document.description.clone().unwrap_or_default()),
            ("digest", document.digest.clone()),
            ("priority", document.priority.to_string()),
            ("steps at once", if document.concurrent { "many".into() } else { "one".into() }),
            ("deprecated", if document.deprecated { "yes".into() } else { String::new() }),
            ("context schema", document.schema.as_ref().map(ToString::to_string).unwrap_or_default()),
        ],
        style,
    );
    text.push('\n');
    let mut table = Table::new(&["STEP", "HANDLER", "AFTER", "ATTEMPTS", "TIMEOUT"]);
    for step in &document.steps {
        let parents: Vec<&str> = step.depends_on.iter().map(|name| name.as_str()).collect();
        let attempts = if step.retryable { step.retry_limit } else { 1 };
        table.row([
            step.name.to_string(),
            step.handler.to_string(),
            parents.join(", "),
            attempts.to_string(),
            format!("{} s", step.timeout_seconds),
        ]);
    }
    text + &table.render(style)
}

fn note(row: &DefinitionSummary) -> String {
    match (row.retired, row.deprecated) {
        (true, _) => "retired".into(),
        (false, true) => "deprecated".into(),
        (false, false) => String::new(),
    }
}
