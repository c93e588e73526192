//! Templates: what the check at loading lets pass can be parsed; rendering is the same each time, stays within its
//! limits, and sees nothing but what the template is said to use.
//!
//! An input is a template; after a line `---` may follow the JSON object that it sees as `context`.

use serde_json::{Map, Value, json};
use tasker_core::template::{
    CompiledConfig, MAX_RENDERED_BYTES, Scope, StepFacts, TemplateError, check as problems_of,
    results_named_in,
};

use crate::{leads_somewhere, text};

/// Steps whose results templates see.
const STEPS: [&str; 3] = ["reserve", "my-step", "c"];

/// Checks a template.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (template, context) = text.split_once("\n---\n").unwrap_or((text, ""));
    let context = serde_json::from_str(context).unwrap_or_else(|_| usual_context());
    let config = json!({ "list": [template, 1], "a/b": { "text": format!("{template}|") } });
    let problems = problems_of(&config);
    for problem in &problems {
        assert!(leads_somewhere(&config, &problem.pointer), "{problem:?}");
    }
    let compiled = match CompiledConfig::new(&config) {
        Ok(compiled) => compiled,
        Err(error) => {
            assert!(!problems.is_empty(), "loading would have let this pass: {error}");
            assert!(leads_somewhere(&config, error.pointer()), "{error:?}");
            return;
        }
    };
    for step in results_named_in(&config) {
        assert!(compiled.reads(&step), "a result that is named is read: {step}");
    }
    rendering_is_sound(&config, &compiled, &context);
    sees_only_what_it_uses(&compiled, &context, problems.is_empty());
}

fn usual_context() -> Value {
    json!({
        "order": 7, "half": 0.5, "big": u64::MAX, "small": i64::MIN, "name": "a<b>&\"ä", "yes": true, "none": null,
        "list": [1, [2, { "x": null }], "3"], "deep": { "order": { "total": 3 } },
    })
}

fn results() -> Map<String, Value> {
    let of = |step: &str| (step.to_owned(), json!({ "body": { "total": 12.5, "of": step }, "list": [1, 2] }));
    STEPS.into_iter().map(of).collect()
}

fn rendered(
    compiled: &CompiledConfig,
    context: &Value,
    results: &Map<String, Value>,
) -> Result<Value, TemplateError> {
    let step = StepFacts { name: "s", attempt: 2, task_id: "t", idempotency_key: "t/s" };
    compiled.render(&Scope { context, inputs: context, results, step })
}

fn rendering_is_sound(config: &Value, compiled: &CompiledConfig, context: &Value) {
    let first = rendered(compiled, context, &results());
    assert_eq!(first, rendered(compiled, context, &results()), "rendered twice");
    match first {
        Ok(value) => {
            let bytes = texts_in(&value);
            assert!(bytes <= MAX_RENDERED_BYTES, "{bytes} bytes of text were made");
        }
        Err(error) => {
            assert!(leads_somewhere(config, error.pointer()), "{error:?}");
            assert!(!error.code().is_empty() && !error.to_string().is_empty());
        }
    }
}

fn texts_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(texts_in).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + texts_in(value)).sum(),
        _ => 0,
    }
}

/// The engine hands over only what is used and read: the rest is not there, and nothing may be missing.
fn sees_only_what_it_uses(compiled: &CompiledConfig, context: &Value, is_accepted: bool) {
    if !is_accepted {
        return;
    }
    let whole = rendered(compiled, context, &results());
    let read = results().into_iter().filter(|(step, _)| compiled.reads(step)).collect();
    let seen = if compiled.uses("context") || compiled.uses("inputs") { context } else { &Value::Null };
    let some = rendered(compiled, seen, &read);
    match (&whole, &some) {
        // The proposal is taken from what is there.
        (Err(whole), Err(some)) => assert_eq!(whole.code(), some.code(), "{whole} / {some}"),
        _ => assert_eq!(whole, some, "with the results that it reads alone"),
    }
}
