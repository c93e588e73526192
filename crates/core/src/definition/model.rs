//! The definition as a value. A value of these types is *checked*: whoever loads one from text has seen every rule
//! of `spec/authoring.md` 1 kept. Its serialized form (fields in this order, maps sorted) is what is stored and digested.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Digest;
use crate::names::{DefinitionName, HandlerName, Namespace, StepName, Version};

/// Most steps a definition may have.
pub const MAX_STEPS: usize = 20_000;

/// Most dependencies a definition may have in all.
pub const MAX_EDGES: usize = 1_000_000;

/// Urgency of a task, 0 to 9, lower first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The lowest urgency.
    pub const MAX: u8 = 9;

    /// Checks the range.
    pub fn new(value: u8) -> Option<Self> {
        (value <= Self::MAX).then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(5)
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl TryFrom<u8> for Priority {
    type Error = &'static str;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a priority is 0 to 9")
    }
}

/// One version of one workflow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Definition {
    /// Name space.
    pub namespace: Namespace,
    /// Name inside the namespace.
    pub name: DefinitionName,
    /// Version.
    pub version: Version,
    /// What it is for; at most 255 characters.
    pub description: Option<String>,
    /// Whether steps of one task may run beside each other. `false`: at most one at a time, in document order.
    pub concurrent: bool,
    /// Urgency of its tasks unless a request says otherwise.
    pub priority: Priority,
    /// JSON Schema of the context (draft 2020-12 unless `$schema` says otherwise).
    pub schema: Option<Value>,
    /// Whether context properties that the schema does not declare are refused.
    pub context_strict: bool,
    /// Whether new tasks get a warning.
    pub deprecated: bool,
    /// Name of the hooks object, where one is used.
    pub task_handler: Option<String>,
    /// Code name space of reference files; kept, without effect on the steps.
    pub module_namespace: Option<String>,
    /// Free-form settings, readable through the API. Always an object.
    pub configuration: Value,
    /// Annotations made from results.
    pub annotations: Vec<AnnotationRule>,
    /// Events that its handlers may publish, all lists together.
    pub custom_events: Vec<CustomEvent>,
    /// The steps, in document order; at least one.
    pub steps: Vec<StepTemplate>,
    /// Keys that begin with `x-`, kept as they are.
    pub extensions: Value,
}

/// One step of a definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepTemplate {
    /// Name, unique in the definition.
    pub name: StepName,
    /// What runs it.
    pub handler: HandlerName,
    /// What it is for.
    pub description: Option<String>,
    /// External system it talks to.
    pub dependent_system: String,
    /// Whether a failed execution may be repeated.
    pub retryable: bool,
    /// Most executions in all, the first included; at least 1.
    pub retry_limit: u32,
    /// Whether a request may bypass it.
    pub skippable: bool,
    /// Longest time of one execution, in seconds.
    pub timeout_seconds: u32,
    /// `depends_on_step`, then `depends_on_steps`, without repetitions.
    pub depends_on: Vec<StepName>,
    /// Settings of the handler, `${VAR}` unresolved, top-level `handler_config` merged under it. `null` if none.
    pub handler_config: Value,
    /// Keys that begin with `x-`, kept as they are.
    pub extensions: Value,
}

/// An annotation of the task, made when a step completes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AnnotationRule {
    /// Annotation type; at most 64 characters.
    #[serde(rename = "type")]
    pub kind: String,
    /// The step whose completion makes it.
    pub from_step: StepName,
    /// Its value.
    pub value: AnnotationValue,
}

/// Value of an annotation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnnotationValue {
    /// JSON pointer into the step's result.
    Pointer(String),
    /// The value itself, an object.
    Literal(serde_json::Map<String, Value>),
}

/// An event that handlers of a definition may publish.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomEvent {
    /// `domain.action`.
    pub name: String,
    /// What it tells.
    pub description: String,
    /// Handlers that publish it.
    pub fired_by: Vec<String>,
}

impl Definition {
    /// The text that is stored: JSON, fields in a fixed order, keys of free-form parts sorted.
    pub fn document(&self) -> String {
        let mut value =
            serde_json::to_value(self).expect("a definition has only text keys and finite numbers");
        value.sort_all_objects();
        value.to_string()
    }

    /// Reads a stored text back. It was checked when it was stored.
    pub fn from_document(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The identity of this content.
    pub fn digest(&self) -> Digest {
        Digest::of(self.document().as_bytes())
    }

    /// `namespace.name@version`.
    pub fn full_name(&self) -> String {
        format!("{}.{}@{}", self.namespace, self.name, self.version)
    }
}
