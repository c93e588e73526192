//! Definitions made by code: a shape, and default settings for everything else.

use std::sync::Arc;

use serde_json::{Value, json};
use tasker_core::definition::{Definition, Priority, StepTemplate};
use tasker_core::graph::shapes::Shape;
use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
use tasker_core::plan::Plan;

/// The handler of every step unless a test says otherwise.
pub const HANDLER: &str = "work";

/// A definition of these steps and their parents: version 1.0.0 in namespace `default`, three executions a step.
///
/// # Panics
/// A name breaks its rule.
pub fn definition(name: &str, steps: &[(&str, &[&str])]) -> Definition {
    Definition {
        namespace: Namespace::default(),
        name: DefinitionName::new(name).expect("a test uses valid names"),
        version: version("1.0.0"),
        description: None,
        concurrent: true,
        priority: Priority::default(),
        schema: None,
        context_strict: false,
        deprecated: false,
        task_handler: None,
        module_namespace: None,
        configuration: json!({}),
        annotations: Vec::new(),
        custom_events: Vec::new(),
        steps: steps.iter().map(|(name, parents)| step(name, parents)).collect(),
        extensions: json!({}),
    }
}

/// The definition of a shape.
pub fn definition_of(name: &str, shape: &Shape) -> Definition {
    let steps = shape.steps().map(|(name, parents)| step(name, &parents)).collect();
    Definition { steps, ..definition(name, &[]) }
}

/// The plan of [`definition_of`].
pub fn plan_of(name: &str, shape: &Shape) -> Arc<Plan> {
    Plan::new(definition_of(name, shape))
}

/// The plan of [`definition`].
pub fn plan(name: &str, steps: &[(&str, &[&str])]) -> Arc<Plan> {
    Plan::new(definition(name, steps))
}

/// The plan of [`definition`] after a change.
pub fn plan_with(name: &str, steps: &[(&str, &[&str])], change: impl FnOnce(&mut Definition)) -> Arc<Plan> {
    let mut definition = definition(name, steps);
    change(&mut definition);
    Plan::new(definition)
}

/// Three executions, retryable, not skippable, handled by [`HANDLER`].
pub fn step(name: &str, parents: &[&str]) -> StepTemplate {
    StepTemplate {
        name: step_name(name),
        handler: handler(HANDLER),
        description: None,
        dependent_system: "unknown".into(),
        retryable: true,
        retry_limit: 3,
        skippable: false,
        timeout_seconds: 600,
        depends_on: parents.iter().map(|name| step_name(name)).collect(),
        handler_config: Value::Null,
        extensions: json!({}),
    }
}

/// A step name.
pub fn step_name(text: &str) -> StepName {
    StepName::new(text).expect("a test uses valid names")
}

/// A handler name.
pub fn handler(text: &str) -> HandlerName {
    HandlerName::new(text).expect("a test uses valid names")
}

/// A version.
pub fn version(text: &str) -> Version {
    Version::new(text).expect("a test uses valid versions")
}

/// A namespace.
pub fn namespace(text: &str) -> Namespace {
    Namespace::new(text).expect("a test uses valid names")
}
