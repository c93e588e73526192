//! From the settings of a step to rendered ones, parsing each set of templates once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tasker_core::outcome::Failure;
use tasker_core::template::{CompiledConfig, Scope, StepFacts, TemplateError};
use tasker_engine::context::StepContext;

/// Most parsed settings that are kept; beyond that all are dropped and parsed again as they come.
const MAX_KEPT: usize = 1_024;

/// Parsed settings, by their text.
#[derive(Default)]
pub(crate) struct Templates {
    parsed: Mutex<HashMap<String, Arc<CompiledConfig>>>,
}

impl Templates {
    /// Renders the settings of a step.
    ///
    /// # Errors
    /// A permanent failure with the code of the [`TemplateError`].
    pub(crate) fn render(&self, step: &StepContext) -> Result<Value, Failure> {
        self.compiled(&step.config).and_then(|config| render(&config, step)).map_err(|error| failure(&error))
    }

    fn compiled(&self, config: &Value) -> Result<Arc<CompiledConfig>, TemplateError> {
        let text = config.to_string();
        // a panic elsewhere leaves the map whole: it is only ever inserted into and cleared
        if let Some(found) = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&text) {
            return Ok(found.clone());
        }
        let compiled = Arc::new(CompiledConfig::new(config)?);
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() >= MAX_KEPT {
            parsed.clear();
        }
        parsed.insert(text, compiled.clone());
        Ok(compiled)
    }
}

fn render(config: &CompiledConfig, step: &StepContext) -> Result<Value, TemplateError> {
    let payload = |name, payload: &tasker_core::payload::Payload| {
        if config.uses(name) { payload.to_value() } else { Value::Null }
    };
    let results: Map<String, Value> = step
        .results
        .iter()
        .filter(|(name, _)| config.reads(name.as_str()))
        .map(|(name, result)| (name.to_string(), result.to_value()))
        .collect();
    config.render(&Scope {
        context: &payload("context", &step.context),
        inputs: &payload("inputs", &step.inputs),
        results: &results,
        step: StepFacts {
            name: step.step.as_str(),
            attempt: step.attempt,
            task_id: &step.task_id.to_string(),
            idempotency_key: &step.idempotency_key,
        },
    })
}

fn failure(error: &TemplateError) -> Failure {
    Failure::permanent("TemplateError", error.code(), error.to_string())
        .with_context(serde_json::json!({ "pointer": format!("/handler_config{}", error.pointer()) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_rendered_and_parsed_once() {
        let templates = Templates::default();
        let config = json!({ "a": "{{ context.n + 1 }}", "b": "{{ results.p.x }}/{{ step.name }}/{{ step.attempt }}" });
        for n in 1..3 {
            let step =
                StepContext::for_test("s", config.clone(), json!({ "n": n }), &[("p", json!({ "x": "y" }))]);
            assert_eq!(templates.render(&step), Ok(json!({ "a": n + 1, "b": "y/s/1" })));
        }
        assert_eq!(templates.parsed.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_rendered_is_a_permanent_failure() {
        let step = StepContext::for_test("s", json!({ "a": "{{ context.m }}" }), json!({ "n": 1 }), &[]);
        let failure = Templates::default().render(&step).unwrap_err();
        assert!(!failure.is_retryable());
        assert_eq!(failure.code, "template_undefined");
        assert_eq!(failure.context, Some(json!({ "pointer": "/handler_config/a" })));
    }
}
