//! Checks a context against the schema of its definition (`spec/authoring.md` 1.7): plain JSON Schema, formats
//! enforced, defaults inserted, nothing ever fetched.

mod defaults;
mod strict;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde::Serialize;
use serde_json::{Map, Value};

use super::model::Definition;
use super::tree::Path;

/// Most violations that one check lists.
const MAX_VIOLATIONS: usize = 100;

/// Longest text taken from the validator about a schema, which it may repeat in full.
const MAX_MESSAGE: usize = 300;

const TYPES: &str = "array, boolean, integer, null, number, object and string";

/// One rule of the schema that a context breaks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Violation {
    /// JSON pointer into the context; for a missing or an undeclared property, that of the property.
    pub pointer: String,
    /// The keyword of JSON Schema that says so, such as `required`.
    pub keyword: String,
    /// What is wrong. Values of the context are not repeated in it: they may be secret.
    pub message: String,
}

/// The context schema of a definition, compiled. Made once per definition.
pub struct ContextSchema {
    validator: Validator,
    schema: Value,
}

/// Why a schema cannot be used.
pub(super) struct SchemaError {
    /// JSON pointer into the schema.
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// Checks a context against its definition; with many contexts of one definition, [`ContextSchema`] is faster.
///
/// # Errors
/// All violations, at most 100. A schema that does not compile, which no checked definition has, is one.
pub fn check_context(definition: &Definition, context: Value) -> Result<Value, Vec<Violation>> {
    match ContextSchema::compile(definition) {
        Ok(Some(schema)) => schema.check(context),
        Ok(None) => check_object(context),
        Err(message) => {
            Err(vec![Violation { pointer: String::new(), keyword: "schema".to_owned(), message }])
        }
    }
}

/// Checks what every context must be: an object.
///
/// # Errors
/// The one violation.
pub fn check_object(context: Value) -> Result<Value, Vec<Violation>> {
    if context.is_object() {
        return Ok(context);
    }
    let message = format!("a context is an object, not {}", described(&context));
    Err(vec![Violation { pointer: String::new(), keyword: "type".to_owned(), message }])
}

impl ContextSchema {
    /// Compiles the schema of a definition; `None` if it has none.
    ///
    /// # Errors
    /// Why the schema is not valid. A definition that was loaded has a valid one.
    pub fn compile(definition: &Definition) -> Result<Option<Self>, String> {
        let Some(schema) = &definition.schema else { return Ok(None) };
        Self::of(schema, definition.context_strict).map(Some).map_err(|error| error.message)
    }

    pub(super) fn of(schema: &Value, strict: bool) -> Result<Self, SchemaError> {
        let compiled = if strict { strict::forbid_undeclared(schema) } else { schema.clone() };
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .build(&compiled)
            .map_err(|error| SchemaError::new(&error))?;
        Ok(Self { validator, schema: schema.clone() })
    }

    /// Inserts the defaults and checks the whole.
    ///
    /// # Errors
    /// All violations, at most 100.
    pub fn check(&self, context: Value) -> Result<Value, Vec<Violation>> {
        let mut context = check_object(context)?;
        defaults::insert(&self.schema, &mut context);
        let errors = self.validator.iter_errors(&context);
        let violations: Vec<Violation> =
            errors.flat_map(|error| violations_of(&error)).take(MAX_VIOLATIONS).collect();
        if violations.is_empty() { Ok(context) } else { Err(violations) }
    }
}

impl SchemaError {
    fn new(error: &ValidationError<'_>) -> Self {
        let keyword = error.kind().keyword();
        let is_old_style = matches!(error.kind(), ValidationErrorKind::Type { .. })
            && error.instance().is_boolean()
            && ["/exclusiveMinimum", "/exclusiveMaximum", "/required"]
                .iter()
                .any(|end| error.instance_path().as_str().ends_with(end));
        let help = match keyword {
            "$ref" => Some("only references inside of the schema are followed; nothing is fetched"),
            _ if is_old_style => Some(
                "this is draft-04 style: add `$schema: http://json-schema.org/draft-04/schema#`, or write it as draft 2020-12 does",
            ),
            _ => None,
        };
        let pointer = error.instance_path().to_string();
        let message = match error.instance().as_str() {
            Some(word) if keyword == "anyOf" && pointer.ends_with("/type") => {
                format!("{word:?} is no type; types are {TYPES}")
            }
            _ => error.to_string().chars().take(MAX_MESSAGE).collect(),
        };
        Self { pointer, message, help }
    }
}

/// The violations an error stands for: one for each missing or undeclared property.
fn violations_of(error: &ValidationError<'_>) -> Vec<Violation> {
    let keyword = error.kind().keyword().to_owned();
    let place = error.instance_path().as_str();
    let of_property = |name: &str, message: String| Violation {
        pointer: format!("{place}{}", Path::Key(&Path::Root, name)),
        keyword: keyword.clone(),
        message,
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![of_property(name, format!("the property {name:?} is required"))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| of_property(name, format!("the property {name:?} is not declared")))
            .collect(),
        ValidationErrorKind::Type { kind } => {
            let message = format!("must be {}, not {}", expected(kind), described(error.instance()));
            vec![Violation { pointer: place.to_owned(), keyword, message }]
        }
        _ => {
            let message = error.masked_with("the value").to_string();
            vec![Violation { pointer: place.to_owned(), keyword, message }]
        }
    }
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The part of a schema that a `$ref` inside of it names.
fn resolve<'s>(root: &'s Value, schema: &'s Map<String, Value>) -> Option<&'s Value> {
    let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    root.pointer(pointer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, strict: bool, context: Value) -> Result<Value, Vec<(String, String)>> {
        let schema = ContextSchema::of(&schema, strict).map_err(|e| e.message).unwrap();
        schema.check(context).map_err(|all| all.into_iter().map(|v| (v.pointer, v.keyword)).collect())
    }

    fn refused(list: &[(&str, &str)]) -> Result<Value, Vec<(String, String)>> {
        Err(list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    fn message(schema: Value) -> String {
        ContextSchema::of(&schema, false).err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn formats_are_enforced() {
        for (format, good, bad) in [
            ("email", "a@example.org", "a.example.org"),
            ("date", "2024-02-29", "2023-02-29"),
            ("date-time", "2024-02-29T12:00:00Z", "2024-02-29 noon"),
            ("uri", "https://example.org/x?y#z", "not a uri"),
            ("ipv4", "127.0.0.1", "256.0.0.1"),
            ("ipv6", "::1", ":::1"),
        ] {
            for draft in
                ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
            {
                let schema =
                    json!({"$schema": draft, "properties": {"v": {"type": "string", "format": format}}});
                assert_eq!(
                    check(schema.clone(), false, json!({"v": good})),
                    Ok(json!({"v": good})),
                    "{format}"
                );
                assert_eq!(check(schema, false, json!({"v": bad})), refused(&[("/v", "format")]), "{format}");
            }
        }
    }

    #[test]
    fn drafts_are_told_apart_by_schema() {
        let limit = json!({"properties": {"n": {"type": "integer", "minimum": 1, "exclusiveMinimum": true}}});
        let error = ContextSchema::of(&limit, false).err().unwrap();
        assert_eq!(error.pointer, "/properties/n/exclusiveMinimum");
        assert!(error.help.unwrap().contains("draft-04"));
        let mut old = limit;
        old["$schema"] = json!("http://json-schema.org/draft-04/schema#");
        assert_eq!(check(old, false, json!({"n": 1})), refused(&[("/n", "exclusiveMinimum")]));
    }

    #[test]
    fn nothing_is_fetched_and_circles_come_to_an_end() {
        assert!(message(json!({"$ref": "https://example.org/schema.json"})).contains("example.org"));
        assert!(message(json!({"$ref": "file:///etc/passwd"})).contains("passwd"));
        assert!(!message(json!({"$schema": "https://example.org/mine"})).is_empty());
        let ring = json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"});
        for circle in [json!({"$ref": "#"}), json!({"allOf": [{"$ref": "#"}]}), ring] {
            for strict in [false, true] {
                assert_eq!(check(circle.clone(), strict, json!({"a": 1})), Ok(json!({"a": 1})), "{circle}");
            }
        }
        let tree = json!({"$defs": {"t": {"type": "object", "properties": {"next": {"$ref": "#/$defs/t"}}}}, "$ref": "#/$defs/t"});
        assert_eq!(check(tree, false, json!({"next": {"next": 1}})), refused(&[("/next/next", "type")]));
    }

    #[test]
    fn messages_do_not_repeat_values() {
        let schema = json!({"properties": {"secret": {"type": "integer"}, "pin": {"maxLength": 3}, "e": {"enum": [1]}}});
        let schema = ContextSchema::of(&schema, false).map_err(|e| e.message).unwrap();
        let violations =
            schema.check(json!({"secret": "hunter2", "pin": "hunter2", "e": "hunter2"})).unwrap_err();
        let messages: Vec<_> = violations.iter().map(|v| v.message.as_str()).collect();
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0], "must be integer, not a string");
        assert!(messages.iter().all(|m| !m.contains("hunter2")), "{messages:?}");
    }

    #[test]
    fn as_31_a_context_is_an_object() {
        assert_eq!(check_object(json!({})), Ok(json!({})));
        for other in [json!(null), json!([]), json!("x")] {
            assert_eq!(check_object(other).unwrap_err()[0].keyword, "type");
        }
        assert_eq!(check(json!({}), false, json!([])), refused(&[("", "type")]));
    }

    #[test]
    fn violations_are_limited() {
        let schema = json!({"properties": {"list": {"items": {"type": "integer"}}}});
        let found = check(schema, false, json!({"list": vec!["x"; 1_000]})).unwrap_err();
        assert_eq!(found.len(), MAX_VIOLATIONS);
    }
}
