//! Definitions made in code.

use serde_json::{Value, json};
use tasker_core::definition::{
    AnnotationValue, Definition, DefinitionBuilder, LoadOptions, StepBuilder, load_value,
};

use crate::{good, with_steps};

#[test]
fn as_27_code_and_yaml_give_equal_digests() {
    let text = r#"
name: ship_order
namespace_name: shop
version: "1.2.0"
description: Ships
concurrent: false
priority: 2
context_strict: true
task_handler: ShipOrder
schema: {type: object, properties: {id: {type: integer}}}
handler_config: {timeout_seconds: 20}
configuration: {b: 1, a: {d: 1, c: 2}}
x-owner: depot
annotations:
  - {type: label, from_step: print, value: /label}
  - {type: fixed, from_step: print, value: {k: 1}}
custom_events: [{name: order.seen}]
step_templates:
  - name: pack
    handler: shop/pack
    custom_events: [{name: order.packed, description: In the box}]
  - name: print
    handler: http
    description: Prints
    dependent_system: printer
    depends_on_step: pack
    default_retryable: false
    default_retry_limit: 4
    skippable: true
    timeout_seconds: 9
    handler_config: {url: "http://x", method: POST}
    x-note: 1
"#;
    let built = DefinitionBuilder::new("ship_order")
        .namespace("shop")
        .version("1.2.0")
        .description("Ships")
        .concurrent(false)
        .priority(2)
        .context_strict(true)
        .task_handler("ShipOrder")
        .schema(json!({"properties": {"id": {"type": "integer"}}, "type": "object"}))
        .handler_config(json!({"timeout_seconds": 20}))
        .configuration(json!({"a": {"c": 2, "d": 1}, "b": 1}))
        .extension("x-owner", json!("depot"))
        .annotation("label", "print", AnnotationValue::Pointer("/label".into()))
        .annotation(
            "fixed",
            "print",
            AnnotationValue::Literal(serde_json::Map::from_iter([("k".into(), json!(1))])),
        )
        .custom_event("order.seen", None)
        .step(StepBuilder::new("pack", "shop/pack").custom_event("order.packed", Some("In the box")))
        .step(
            StepBuilder::new("print", "http")
                .description("Prints")
                .dependent_system("printer")
                .depends_on(["pack"])
                .retryable(false)
                .retry_limit(4)
                .skippable(true)
                .timeout_seconds(9)
                .config(json!({"method": "POST", "url": "http://x"}))
                .extension("x-note", json!(1)),
        )
        .build()
        .unwrap();
    let loaded = good(text);
    assert_eq!(built, loaded);
    assert_eq!(built.digest(), loaded.digest());
    let json_text = serde_json::to_string(&built_document()).unwrap();
    assert_eq!(good(&json_text).digest(), good(&yaml_of_built_document()).digest());
    let again = Definition::from_document(&built.document()).unwrap();
    assert_eq!((again.digest(), again), (built.digest(), built));
}

fn built_document() -> Value {
    DefinitionBuilder::new("n")
        .step(StepBuilder::new("a", "h").config(json!({"emoji": "\u{1f600}"})))
        .document()
}

fn yaml_of_built_document() -> String {
    with_steps(&["{name: a, handler: h, handler_config: {emoji: \"\u{1f600}\"}}"])
}

#[test]
fn what_is_wrong_in_code_is_reported_without_a_line() {
    let problems =
        DefinitionBuilder::new("n").step(StepBuilder::new("a b", "h").depends_on(["c"])).build().unwrap_err();
    let found: Vec<_> = problems.iter().map(|p| (p.code, p.line)).collect();
    assert_eq!(found, [("invalid_name", None), ("unknown_dependency", None)]);
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(load_value(&deep, &LoadOptions::default()).problems[0].code, "too_deep");
    assert_eq!(load_value(&json!([]), &LoadOptions::default()).problems[0].code, "not_a_mapping");
}
