//! What a newcomer is told when everything is up: where it is, and what to type next.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tasker_core::definition::Definition;

/// The text.
pub fn welcome<'a>(
    url: &str,
    location: &str,
    paths: &[PathBuf],
    definitions: impl ExactSizeIterator<Item = &'a Definition>,
    has_metrics: bool,
) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let n_definitions = definitions.len();
    let mut lines = vec![
        format!("\nserving {url}"),
        format!("  the API, to read and to try   {url}/docs"),
        format!("  the same for programs         {url}/openapi.json"),
    ];
    if has_metrics {
        lines.push(format!("  metrics                       {url}/metrics"));
    }
    lines.push(format!("  database                      {location}"));
    lines.push(format!(
        "  definitions                   {n_definitions} in {}, registered again when files change",
        paths.join(", ")
    ));
    lines.push(String::new());
    match definitions.last() {
        Some(definition) => lines.extend(commands(url, definition)),
        None => lines.push(format!(
            "write a definition into {} and it is registered: docs/definition-files.md says how",
            paths.join(" or ")
        )),
    }
    lines.join("\n")
}

/// How a task is made of a definition, and looked at.
fn commands(url: &str, definition: &Definition) -> Vec<String> {
    let context = context(definition.schema.as_ref());
    let body = json!({"namespace": definition.namespace, "name": definition.name, "context": context});
    vec![
        "create a task, by HTTP or with this program:".into(),
        format!("  curl -H 'Content-Type: application/json' {url}/tasks -d {}", quoted(&body)),
        format!("  export TASKER_SERVER_URL={url}"),
        format!("  tasker task create {} --context {} --wait", definition.full_name(), quoted(&context)),
        String::new(),
    ]
}

/// One word for a shell.
fn quoted(value: &Value) -> String {
    format!("'{}'", value.to_string().replace('\'', r"'\''"))
}

/// A context with everything that a schema requires, to be filled in.
fn context(schema: Option<&Value>) -> Value {
    let Some(schema) = schema else { return json!({}) };
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let fields: Map<String, Value> =
        required.map(|name| (name.to_owned(), placeholder(&schema["properties"][name]))).collect();
    Value::Object(fields)
}

fn placeholder(schema: &Value) -> Value {
    let told = [&schema["default"], &schema["const"], &schema["examples"][0], &schema["enum"][0]];
    if let Some(value) = told.into_iter().find(|value| !value.is_null()) {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => context(Some(schema)),
        _ => json!("..."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_what_is_required() {
        let check = |schema: Value, expected: Value| assert_eq!(context(Some(&schema)), expected);
        assert_eq!(context(None), json!({}));
        check(json!({"type": "object"}), json!({}));
        check(json!(true), json!({}));
        let properties = json!({
            "id": {"type": "integer"}, "who": {"type": "string"}, "kind": {"enum": ["a", "b"]},
            "items": {"type": "array"}, "left_out": {"type": "string"},
            "address": {"type": "object", "required": ["city"]},
        });
        check(
            json!({"required": ["id", "who", "kind", "items", "address", "x"], "properties": properties}),
            json!({"id": 1, "who": "...", "kind": "a", "items": [], "address": {"city": "..."}, "x": "..."}),
        );
    }

    #[test]
    fn a_quote_does_not_end_the_word() {
        assert_eq!(quoted(&json!({"a": "it's"})), r#"'{"a":"it'\''s"}'"#);
    }
}
