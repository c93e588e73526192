//! Definitions made in code. What comes out has gone through the same checks as a file, and is equal to it.

use serde_json::{Map, Value, json};

use super::load::{LoadOptions, Loaded, load_value};
use super::model::{AnnotationValue, Definition};
use super::problem::Problem;

/// Collects the parts of a definition.
#[derive(Clone, Debug)]
pub struct DefinitionBuilder {
    document: Map<String, Value>,
    annotations: Vec<Value>,
    events: Vec<Value>,
    steps: Vec<StepBuilder>,
}

/// Collects the parts of a step.
#[derive(Clone, Debug)]
pub struct StepBuilder {
    document: Map<String, Value>,
    events: Vec<Value>,
}

impl DefinitionBuilder {
    /// A definition of this name, in namespace `default`, version `0.1.0`.
    pub fn new(name: impl Into<String>) -> Self {
        let document = Map::from_iter([("name".to_owned(), Value::String(name.into()))]);
        Self { document, annotations: Vec::new(), events: Vec::new(), steps: Vec::new() }
    }

    /// Namespace.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.set("namespace_name", namespace.into())
    }

    /// Version, SemVer.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.set("version", version.into())
    }

    /// What it is for.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.set("description", description.into())
    }

    /// Whether steps of one task may run beside each other; they may unless this says no.
    pub fn concurrent(self, concurrent: bool) -> Self {
        self.set("concurrent", concurrent)
    }

    /// Urgency of its tasks, 0 to 9, lower first.
    pub fn priority(self, priority: u8) -> Self {
        self.set("priority", priority)
    }

    /// JSON Schema of the context.
    pub fn schema(self, schema: Value) -> Self {
        self.set("schema", schema)
    }

    /// Whether context properties that the schema does not declare are refused.
    pub fn context_strict(self, strict: bool) -> Self {
        self.set("context_strict", strict)
    }

    /// Whether new tasks get a warning.
    pub fn deprecated(self, deprecated: bool) -> Self {
        self.set("deprecated", deprecated)
    }

    /// The hooks object.
    pub fn task_handler(self, name: impl Into<String>) -> Self {
        self.set("task_handler", name.into())
    }

    /// Dependent system of steps that name none.
    pub fn default_dependent_system(self, system: impl Into<String>) -> Self {
        self.set("default_dependent_system", system.into())
    }

    /// Settings laid under those of every step.
    pub fn handler_config(self, config: Value) -> Self {
        self.set("handler_config", config)
    }

    /// Free-form settings.
    pub fn configuration(self, configuration: Value) -> Self {
        self.set("configuration", configuration)
    }

    /// A key of its own; it must begin with `x-`.
    pub fn extension(self, key: &str, value: Value) -> Self {
        self.set(key, value)
    }

    /// An annotation made when a step completes.
    pub fn annotation(
        mut self,
        kind: impl Into<String>,
        from_step: impl Into<String>,
        value: AnnotationValue,
    ) -> Self {
        let value = match value {
            AnnotationValue::Pointer(pointer) => Value::String(pointer),
            AnnotationValue::Literal(fields) => Value::Object(fields),
        };
        self.annotations.push(json!({"type": kind.into(), "from_step": from_step.into(), "value": value}));
        self
    }

    /// An event that any of its handlers may publish.
    pub fn custom_event(mut self, name: impl Into<String>, description: Option<&str>) -> Self {
        self.events.push(event(name.into(), description));
        self
    }

    /// Adds a step; steps keep the order in which they are added.
    pub fn step(mut self, step: StepBuilder) -> Self {
        self.steps.push(step);
        self
    }

    /// The document as a file would hold it.
    pub fn document(self) -> Value {
        let steps: Vec<Value> = self.steps.into_iter().map(StepBuilder::document).collect();
        let mut document = self.document;
        document.insert("step_templates".to_owned(), Value::Array(steps));
        insert_list(&mut document, "annotations", self.annotations);
        insert_list(&mut document, "custom_events", self.events);
        Value::Object(document)
    }

    /// Checks everything and makes the definition.
    ///
    /// # Errors
    /// All problems, at least one of them an error.
    pub fn build(self) -> Result<Definition, Vec<Problem>> {
        let Loaded { definition, problems } = self.load(&LoadOptions::default());
        definition.ok_or(problems)
    }

    /// Checks everything as told, and gives the warnings as well.
    pub fn load(self, options: &LoadOptions<'_>) -> Loaded {
        load_value(&self.document(), options)
    }

    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.document.insert(key.to_owned(), value.into());
        self
    }
}

impl StepBuilder {
    /// A step of this name, run by this handler.
    pub fn new(name: impl Into<String>, handler: impl Into<String>) -> Self {
        let (name, handler) = (Value::String(name.into()), Value::String(handler.into()));
        let document = Map::from_iter([("name".to_owned(), name), ("handler".to_owned(), handler)]);
        Self { document, events: Vec::new() }
    }

    /// What it is for.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.set("description", description.into())
    }

    /// External system it talks to.
    pub fn dependent_system(self, system: impl Into<String>) -> Self {
        self.set("dependent_system", system.into())
    }

    /// The steps that must be done before it.
    pub fn depends_on<S: Into<String>>(self, steps: impl IntoIterator<Item = S>) -> Self {
        self.set("depends_on_steps", steps.into_iter().map(Into::into).collect::<Vec<String>>())
    }

    /// Whether a failed execution may be repeated.
    pub fn retryable(self, retryable: bool) -> Self {
        self.set("default_retryable", retryable)
    }

    /// Most executions in all, the first included.
    pub fn retry_limit(self, limit: u32) -> Self {
        self.set("default_retry_limit", limit)
    }

    /// Whether a request may bypass it.
    pub fn skippable(self, skippable: bool) -> Self {
        self.set("skippable", skippable)
    }

    /// Longest time of one execution.
    pub fn timeout_seconds(self, seconds: u32) -> Self {
        self.set("timeout_seconds", seconds)
    }

    /// Settings of the handler.
    pub fn config(self, config: Value) -> Self {
        self.set("handler_config", config)
    }

    /// A key of its own; it must begin with `x-`.
    pub fn extension(self, key: &str, value: Value) -> Self {
        self.set(key, value)
    }

    /// An event that its handler may publish.
    pub fn custom_event(mut self, name: impl Into<String>, description: Option<&str>) -> Self {
        self.events.push(event(name.into(), description));
        self
    }

    fn document(self) -> Value {
        let mut document = self.document;
        insert_list(&mut document, "custom_events", self.events);
        Value::Object(document)
    }

    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.document.insert(key.to_owned(), value.into());
        self
    }
}

fn event(name: String, description: Option<&str>) -> Value {
    match description {
        Some(description) => json!({"name": name, "description": description}),
        None => json!({"name": name}),
    }
}

fn insert_list(document: &mut Map<String, Value>, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        document.insert(key.to_owned(), Value::Array(list));
    }
}
