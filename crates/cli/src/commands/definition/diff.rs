//! `tasker definition diff`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value};
use tasker_core::plan::Plan;
use tasker_core::pointer::pointer_to;
use tasker_wire::DefinitionDocument;

use super::either::{self, Place};
use crate::args::DiffArgs;
use crate::exit::Status;
use crate::output::{Style, shorten};
use crate::session::Session;

/// One difference.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct Difference {
    /// `added`, `removed` or `changed`.
    kind: &'static str,
    /// JSON pointer; steps by name.
    pointer: String,
    /// What A says.
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<Value>,
    /// What B says.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Value>,
}

/// Compares two definitions.
pub async fn run(args: &DiffArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let (place_a, place_b) =
        (Place::new(&args.a, args.namespace.as_ref()), Place::new(&args.b, args.namespace.as_ref()));
    let a = document(&DefinitionDocument::new(&Plan::new(either::find(&place_a, session).await?)))?;
    let b = document(&DefinitionDocument::new(&Plan::new(either::find(&place_b, session).await?)))?;
    let mut found = Vec::new();
    compare("", &a, &b, &mut found);
    let document = serde_json::json!({"equal": found.is_empty(), "differences": found});
    session.printer.result(&document, || text(&found, session.printer.style()));
    Ok(if found.is_empty() { Status::Ok.into() } else { Status::Failed.into() })
}

/// The document with its steps by name. What follows from the rest is left out.
fn document(definition: &DefinitionDocument) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(definition)?;
    let Some(fields) = value.as_object_mut() else { return Ok(value) };
    fields.shift_remove("digest");
    fields.shift_remove("full_name");
    let steps = fields.shift_remove("steps").unwrap_or_default();
    let mut by_name = Map::new();
    for (position, step) in steps.as_array().into_iter().flatten().enumerate() {
        let mut step = step.clone();
        step["position"] = position.into();
        by_name.insert(step["name"].as_str().unwrap_or_default().to_owned(), step);
    }
    fields.insert("steps".into(), Value::Object(by_name));
    Ok(value)
}

fn compare(pointer: &str, a: &Value, b: &Value, found: &mut Vec<Difference>) {
    let (Value::Object(in_a), Value::Object(in_b)) = (a, b) else {
        if a != b {
            found.push(difference("changed", pointer, Some(a), Some(b)));
        }
        return;
    };
    let keys: BTreeSet<&String> = in_a.keys().chain(in_b.keys()).collect();
    for key in keys {
        let below = pointer_to(pointer, key);
        match (in_a.get(key), in_b.get(key)) {
            (Some(a), Some(b)) => compare(&below, a, b, found),
            (Some(a), None) => found.push(difference("removed", &below, Some(a), None)),
            (None, b) => found.push(difference("added", &below, None, b)),
        }
    }
}

fn difference(kind: &'static str, pointer: &str, a: Option<&Value>, b: Option<&Value>) -> Difference {
    Difference { kind, pointer: pointer.into(), a: a.cloned(), b: b.cloned() }
}

fn text(found: &[Difference], style: Style) -> String {
    if found.is_empty() {
        return "equal\n".into();
    }
    let shown = |value: &Option<Value>| {
        value.as_ref().map(|value| shorten(&value.to_string(), 120)).unwrap_or_default()
    };
    let line = |difference: &Difference| match difference.kind {
        "added" => style.green(&format!("+ {}: {}", difference.pointer, shown(&difference.b))),
        "removed" => style.red(&format!("- {}: {}", difference.pointer, shown(&difference.a))),
        _ => format!("~ {}: {} -> {}", difference.pointer, shown(&difference.a), shown(&difference.b)),
    };
    found.iter().map(|difference| line(difference) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_have_pointers() {
        let mut found = Vec::new();
        compare(
            "",
            &json!({"a": 1, "b": {"c": [1]}, "x/y": 0}),
            &json!({"b": {"c": [2]}, "d": 3, "x/y": 0}),
            &mut found,
        );
        let lines = text(&found, Style::new(false));
        assert_eq!(lines, "- /a: 1\n~ /b/c: [1] -> [2]\n+ /d: 3\n");
    }
}
