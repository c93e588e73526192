//! Definitions as documents.

use serde::Serialize;
use serde_json::Value;
use tasker_core::definition::{AnnotationRule, CustomEvent, Definition, StepTemplate};
use tasker_core::masking::mask_value;
use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
use tasker_core::plan::Plan;

/// One version of a definition. Secrets in settings are masked.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DefinitionDocument {
    /// Namespace.
    pub namespace: Namespace,
    /// Name.
    pub name: DefinitionName,
    /// Version.
    pub version: Version,
    /// `namespace.name@version`.
    pub full_name: String,
    /// Identity of its content, as hex.
    pub digest: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether steps of one task may run beside each other.
    pub concurrent: bool,
    /// Urgency of its tasks, 0 to 9, lower first.
    pub priority: u8,
    /// Whether new tasks get a warning.
    pub deprecated: bool,
    /// JSON Schema of the context.
    pub schema: Option<Value>,
    /// Whether undeclared context properties are refused.
    pub context_strict: bool,
    /// Free-form settings.
    pub configuration: Value,
    /// Annotations made from results.
    pub annotations: Vec<AnnotationRule>,
    /// Events that its handlers may publish.
    pub custom_events: Vec<CustomEvent>,
    /// The steps, in document order.
    pub steps: Vec<StepTemplateDocument>,
}

/// A step of a definition.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepTemplateDocument {
    /// Name.
    pub name: StepName,
    /// What runs it.
    pub handler: HandlerName,
    /// What it is for.
    pub description: Option<String>,
    /// External system it talks to.
    pub dependent_system: String,
    /// The steps it waits for.
    pub depends_on: Vec<StepName>,
    /// Whether a failed execution may be repeated.
    pub retryable: bool,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether a request may leave it out.
    pub skippable: bool,
    /// Longest time of one execution, in seconds.
    pub timeout_seconds: u32,
    /// Settings of the handler, secrets masked.
    pub handler_config: Value,
}

impl DefinitionDocument {
    /// The document of a definition.
    pub fn new(plan: &Plan) -> Self {
        let definition: &Definition = &plan.definition;
        Self {
            namespace: definition.namespace.clone(),
            name: definition.name.clone(),
            version: definition.version.clone(),
            full_name: definition.full_name(),
            digest: plan.digest.to_string(),
            description: definition.description.clone(),
            concurrent: definition.concurrent,
            priority: definition.priority.get(),
            deprecated: definition.deprecated,
            schema: definition.schema.clone(),
            context_strict: definition.context_strict,
            configuration: masked(&definition.configuration),
            annotations: definition.annotations.clone(),
            custom_events: definition.custom_events.clone(),
            steps: definition.steps.iter().map(StepTemplateDocument::new).collect(),
        }
    }
}

impl StepTemplateDocument {
    fn new(step: &StepTemplate) -> Self {
        Self {
            name: step.name.clone(),
            handler: step.handler.clone(),
            description: step.description.clone(),
            dependent_system: step.dependent_system.clone(),
            depends_on: step.depends_on.clone(),
            retryable: step.retryable,
            retry_limit: step.retry_limit,
            skippable: step.skippable,
            timeout_seconds: step.timeout_seconds,
            handler_config: masked(&step.handler_config),
        }
    }
}

fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    mask_value(&mut value);
    value
}
