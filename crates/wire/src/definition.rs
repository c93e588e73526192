//! Definitions as documents.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::definition::{AnnotationRule, CustomEvent, Definition, Priority, StepTemplate};
use tasker_core::graph::Graph;
use tasker_core::ids::Ordinal;
use tasker_core::masking::mask_value;
use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
use tasker_core::plan::Plan;

/// One version of a definition. Secrets in settings are masked, unless they were asked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionDocument {
    /// Namespace.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// Name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: DefinitionName,
    /// Version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub schema: Option<Value>,
    /// Whether undeclared context properties are refused.
    pub context_strict: bool,
    /// Free-form settings.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub configuration: Value,
    /// Annotations made from results.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub annotations: Vec<AnnotationRule>,
    /// Events that its handlers may publish.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub custom_events: Vec<CustomEvent>,
    /// The steps, in document order.
    pub steps: Vec<StepTemplateDocument>,
}

/// A step of a definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepTemplateDocument {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: StepName,
    /// What runs it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub handler: HandlerName,
    /// What it is for.
    pub description: Option<String>,
    /// External system it talks to.
    pub dependent_system: String,
    /// The steps it waits for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub depends_on: Vec<StepName>,
    /// Whether a failed execution may be repeated.
    pub retryable: bool,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether a request may leave it out.
    pub skippable: bool,
    /// Longest time of one execution, in seconds.
    pub timeout_seconds: u32,
    /// Settings of the handler; `null` if it has none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub handler_config: Value,
}

impl DefinitionDocument {
    /// The document of a definition, secrets masked.
    pub fn new(plan: &Plan) -> Self {
        Self::of(plan, masked)
    }

    /// The document of a definition with its settings as they are.
    pub fn with_secrets(plan: &Plan) -> Self {
        Self::of(plan, Value::clone)
    }

    /// The same with secrets masked, where they were not.
    pub fn masked(mut self) -> Self {
        mask_value(&mut self.configuration);
        for step in &mut self.steps {
            mask_value(&mut step.handler_config);
        }
        self
    }

    /// The definition that it shows, without what it does not show: hooks, extensions, secrets.
    ///
    /// # Errors
    /// It is none: no step, a name twice, a step that waits for itself or for none there is.
    pub fn definition(&self) -> Result<Definition, IncoherentDefinition> {
        let incoherent = || IncoherentDefinition { name: self.full_name.clone() };
        self.check().ok_or_else(incoherent)?;
        Ok(Definition {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            description: self.description.clone(),
            concurrent: self.concurrent,
            priority: Priority::new(self.priority).ok_or_else(incoherent)?,
            schema: self.schema.clone(),
            context_strict: self.context_strict,
            deprecated: self.deprecated,
            task_handler: None,
            module_namespace: None,
            configuration: self.configuration.clone(),
            annotations: self.annotations.clone(),
            custom_events: self.custom_events.clone(),
            steps: self.steps.iter().map(StepTemplateDocument::template).collect(),
            extensions: Value::Null,
        })
    }

    /// Whether its steps make a graph.
    fn check(&self) -> Option<()> {
        let positions: HashMap<&StepName, Ordinal> =
            self.steps.iter().zip(0..).map(|(step, i)| (&step.name, Ordinal(i))).collect();
        let parents = |step: &StepTemplateDocument| {
            step.depends_on.iter().map(|name| positions.get(name).copied()).collect::<Option<Vec<_>>>()
        };
        let all: Vec<Vec<Ordinal>> = self.steps.iter().map(parents).collect::<Option<_>>()?;
        let is_fine = !all.is_empty() && positions.len() == all.len() && Graph::new(&all).cycles().is_empty();
        is_fine.then_some(())
    }

    fn of(plan: &Plan, shown: fn(&Value) -> Value) -> Self {
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
            configuration: shown(&definition.configuration),
            annotations: definition.annotations.clone(),
            custom_events: definition.custom_events.clone(),
            steps: definition.steps.iter().map(|step| StepTemplateDocument::of(step, shown)).collect(),
        }
    }
}

/// A document that shows no definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncoherentDefinition {
    /// What it calls itself.
    pub name: String,
}

impl fmt::Display for IncoherentDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a definition {:?} whose steps do not fit together", self.name)
    }
}

impl std::error::Error for IncoherentDefinition {}

impl StepTemplateDocument {
    fn template(&self) -> StepTemplate {
        StepTemplate {
            name: self.name.clone(),
            handler: self.handler.clone(),
            description: self.description.clone(),
            dependent_system: self.dependent_system.clone(),
            retryable: self.retryable,
            retry_limit: self.retry_limit,
            skippable: self.skippable,
            timeout_seconds: self.timeout_seconds,
            depends_on: self.depends_on.clone(),
            handler_config: self.handler_config.clone(),
            extensions: Value::Null,
        }
    }

    fn of(step: &StepTemplate, shown: fn(&Value) -> Value) -> Self {
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
            handler_config: shown(&step.handler_config),
        }
    }
}

fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    mask_value(&mut value);
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tasker_core::definition::{LoadOptions, load};

    use super::*;

    fn document() -> DefinitionDocument {
        let text = "name: n\nstep_templates:\n- {name: a, handler: x, handler_config: {token: t}}\n- {name: b, handler: x, depends_on_step: a}\n";
        let plan = Plan::new(load(text, &LoadOptions::default()).definition.unwrap());
        DefinitionDocument::with_secrets(&plan)
    }

    #[test]
    fn a_document_shows_its_definition_again() {
        let shown = document();
        let again = DefinitionDocument::with_secrets(&Plan::new(shown.definition().unwrap()));
        assert_eq!(again.steps, shown.steps);
        assert_eq!(again.full_name, shown.full_name);
        assert_eq!(shown.masked().steps[0].handler_config, json!({"token": "[FILTERED]"}));
    }

    #[test]
    fn steps_that_make_no_graph_are_no_definition() {
        let changes: [fn(&mut DefinitionDocument); 5] = [
            |shown| shown.steps.clear(),
            |shown| shown.steps[1].name = shown.steps[0].name.clone(),
            |shown| shown.steps[1].depends_on = vec![StepName::new("none").unwrap()],
            |shown| shown.steps[0].depends_on = vec![StepName::new("b").unwrap()],
            |shown| shown.priority = 77,
        ];
        for change in changes {
            let mut shown = document();
            change(&mut shown);
            assert!(shown.definition().is_err(), "{shown:?}");
        }
    }
}
