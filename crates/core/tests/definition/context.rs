//! Contexts against the schema of their definition.

use serde_json::{Value, json};
use tasker_core::definition::{ContextSchema, Definition, check_context};

use crate::{FULL, MINIMAL, good};

fn context(definition: &Definition, context: Value) -> Result<Value, Vec<(String, String)>> {
    let all = check_context(definition, context);
    all.map_err(|all| all.into_iter().map(|v| (v.pointer, v.keyword)).collect())
}

#[test]
fn as_28_defaults_reach_the_stored_context() {
    assert_eq!(
        context(&good(FULL), json!({"artifact_id": 7, "borrower": "XY"})),
        Ok(json!({"artifact_id": 7, "borrower": "XY", "days": 90}))
    );
}

#[test]
fn as_29_undeclared_properties_are_refused_only_if_strict() {
    let more = json!({"artifact_id": 7, "borrower": "XY", "color": "red", "days": 1});
    assert_eq!(context(&good(FULL), more.clone()), Ok(more.clone()));
    let strict = good(&format!("{FULL}\ncontext_strict: true\n"));
    assert_eq!(context(&strict, more), Err(vec![("/color".to_owned(), "additionalProperties".to_owned())]));
    assert!(ContextSchema::compile(&strict).unwrap().is_some());
}

#[test]
fn as_30_each_violation_is_listed() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let mut found = context(&good(FULL), json!({"artifact_id": "7"})).unwrap_err();
    found.sort();
    assert_eq!(found, [pair("/artifact_id", "type"), pair("/borrower", "required")]);
}

#[test]
fn as_31_an_empty_context_is_a_context() {
    let definition = good(MINIMAL);
    assert_eq!(context(&definition, json!({})), Ok(json!({})));
    assert!(context(&definition, json!(null)).is_err());
    assert!(ContextSchema::compile(&definition).unwrap().is_none());
}
