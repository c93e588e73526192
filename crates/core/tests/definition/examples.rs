//! The examples of the specification, files of the reference, and what environments change in them.

use serde_json::{Value, json};
use tasker_core::definition::{AnnotationValue, LoadOptions, load};

use crate::{FULL, MINIMAL, codes, depends_on, good, in_environment, step, with_top};

#[test]
fn as_1_the_minimal_example_loads() {
    let definition = good(MINIMAL);
    assert_eq!(definition.full_name(), "mailroom.relabel_parcel@1.0.0");
    let limits: Vec<_> = definition.steps.iter().map(|s| (s.retry_limit, s.retryable)).collect();
    assert_eq!(limits, [(3, true), (5, true)]);
    assert_eq!(depends_on(&definition, "print_label"), ["scan_barcode"]);
    assert!(definition.steps.iter().all(|s| s.dependent_system == "depot" && s.timeout_seconds == 600));
    assert_eq!(definition.steps[0].handler_config, Value::Null);
    assert_eq!(codes(MINIMAL), ["hooks_not_served"]);
}

#[test]
fn as_2_overrides_of_the_test_environment() {
    let definition = in_environment(FULL, "test");
    let config = &step(&definition, "quote_insurance").handler_config;
    assert_eq!(config["url"], "http://127.0.0.1:9/v2/");
    assert_eq!(
        config["headers"],
        json!({"Accept": "application/json", "Authorization": "Bearer ${INSURER_TOKEN}"})
    );
    assert_eq!(config["params"], json!({"currency": "EUR"}));
    assert_eq!(config["enable_exponential_backoff"], false);
    assert_eq!(config["timeout_seconds"], 10);
    assert_eq!(step(&definition, "book_courier").retry_limit, 1);
    assert_eq!(definition.steps.len(), 6);
    assert_eq!(definition.steps.iter().map(|s| s.depends_on.len()).sum::<usize>(), 8);
}

#[test]
fn as_3_overrides_of_the_production_environment() {
    let definition = in_environment(FULL, "production");
    assert_eq!(step(&definition, "book_courier").handler_config["timeout_seconds"], 45);
    for name in ["load_artifact", "check_condition", "sign_contract", "notify_borrower"] {
        assert_eq!(step(&definition, name).handler_config, json!({"timeout_seconds": 20}), "{name}");
    }
    assert_eq!(step(&definition, "book_courier").retry_limit, 6);
    assert!(step(&definition, "notify_borrower").skippable);
    assert!(!step(&definition, "check_condition").retryable);
    let event = &definition.custom_events[0];
    assert_eq!(
        (event.name.as_str(), event.fired_by.as_slice()),
        ("artifact.unfit", &["museum/check_condition".to_owned()][..])
    );
    assert_eq!(definition.annotations[0].value, AnnotationValue::Pointer("/premium".to_owned()));
}

#[test]
fn as_5_resolved_values_are_never_stored() {
    let set = |_: &str| Some("secret".to_owned());
    let loaded = load(FULL, &LoadOptions { variables: Some(&set), ..LoadOptions::default() });
    let document = loaded.definition.unwrap().document();
    assert!(!document.contains("secret"));
    assert!(document.contains("Bearer ${INSURER_TOKEN}"));
}

#[test]
fn as_19_environments_other_than_the_current_one_are_checked_on_demand() {
    let text = format!("{}environments:\n  staging:\n    step_templates: [{{name: ghost}}]\n", with_top(""));
    let load_with = |environment, all_environments| {
        load(&text, &LoadOptions { environment, all_environments, ..LoadOptions::default() }).problems
    };
    assert_eq!(load_with("test", false), []);
    assert_eq!(load_with("staging", false)[0].code, "unknown_environment_step");
    let found = load_with("test", true);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].line), ("unknown_environment_step", Some(7)));
    assert!(found[0].message.ends_with("(in environment `staging`)"), "{}", found[0].message);
}

#[test]
fn dom_15_an_override_changes_only_what_it_names() {
    let base = good(FULL);
    let test = in_environment(FULL, "test");
    let changed: Vec<_> =
        base.steps.iter().zip(&test.steps).filter(|(a, b)| a != b).map(|(a, _)| a.name.as_str()).collect();
    assert_eq!(changed, ["quote_insurance", "book_courier"]);
    let mut patched = base.clone();
    patched.steps[2].handler_config["url"] = json!("http://127.0.0.1:9/v2/");
    patched.steps[2].handler_config["enable_exponential_backoff"] = json!(false);
    patched.steps[3].retry_limit = 1;
    assert_eq!(patched, test);
}

#[test]
fn files_of_the_reference_load_with_named_warnings() {
    let text = r#"
name: api_task/integration_example
module_namespace: ApiTask
task_handler_class: IntegrationExample
default_dependent_system: ecommerce_system
concurrent: true
named_steps: [fetch_cart, validate_products]
schema: {type: object, required: [cart_id], properties: {cart_id: {type: integer}}}
step_templates:
  - name: fetch_cart
    description: Fetch cart details from e-commerce system
    handler_class: ApiTask::StepHandler::CartFetchStepHandler
    handler_config:
      type: api
      url: https://api.ecommerce.com/cart
      params: {cart_id: 1}
      timeout: 30
      retries: 5
  - name: validate_products
    depends_on_step: fetch_cart
    handler_class: ApiTask::StepHandler::ProductsValidateStepHandler
    handler_config: {url: "<%= ENV['URL'] %>"}
"#;
    assert_eq!(codes(text), ["module_namespace_not_used", "hooks_not_served", "erb_not_evaluated"]);
    let definition = good(text);
    assert_eq!(definition.steps[0].retry_limit, 5);
    assert_eq!(definition.steps[0].handler.as_str(), "ApiTask::StepHandler::CartFetchStepHandler");
    assert_eq!(definition.task_handler.as_deref(), Some("IntegrationExample"));
}
