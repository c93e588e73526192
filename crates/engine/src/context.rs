//! What a step handler is given.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::outcome::Failure;
use tasker_core::payload::Payload;
use tokio_util::sync::CancellationToken;

/// One execution of one step, as its handler sees it. Cheap to clone.
#[derive(Clone)]
pub struct StepContext {
    /// The task.
    pub task_id: TaskId,
    /// Name space of the definition.
    pub namespace: Namespace,
    /// Name of the definition.
    pub definition: DefinitionName,
    /// Version of the definition.
    pub version: Version,
    /// The step.
    pub step: StepName,
    /// Number of this execution, from 1.
    pub attempt: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// The same for every execution of this step of this task: what to send to systems that can tell repeats.
    pub idempotency_key: String,
    /// What ties the task to whatever caused it.
    pub correlation_id: Option<String>,
    /// The task's context.
    pub context: Payload,
    /// What the step works on: the task's context, unless an operator edited it.
    pub inputs: Payload,
    /// The step's `handler_config`, with `${VAR}` resolved from this worker's environment. Never log it.
    pub config: Arc<Value>,
    /// Cancelled when the attempt is over for the engine: timeout, cancel, lost lease, shutdown.
    pub cancellation: CancellationToken,
    /// The attempt's time limit, counted from its start.
    pub timeout: Duration,
    /// Results of the step's parents and of the ancestors its templates name, by step name.
    pub results: Arc<Vec<(StepName, Payload)>>,
    pub(crate) others: Option<Arc<dyn ResultSource>>,
}

/// Where results of further ancestors come from.
#[async_trait]
pub trait ResultSource: Send + Sync {
    /// The result of a done ancestor; `None` if the step is no ancestor of the asking step.
    async fn result_of(&self, name: &str) -> Result<Option<Payload>, Failure>;
}

impl StepContext {
    /// The result of a parent (or of an ancestor that a template of this step names).
    pub fn result(&self, name: &str) -> Option<&Payload> {
        self.results.iter().find(|(step, _)| step.as_str() == name).map(|(_, result)| result)
    }

    /// The result of any ancestor; read from the database if it did not come with the claim.
    ///
    /// # Errors
    /// A retryable failure if the database cannot be read; a permanent one (`missing_result`) if `name` is no
    /// ancestor of this step.
    pub async fn result_of(&self, name: &str) -> Result<Payload, Failure> {
        if let Some(result) = self.result(name) {
            return Ok(result.clone());
        }
        let found = match &self.others {
            Some(source) => source.result_of(name).await?,
            None => None,
        };
        found.ok_or_else(|| {
            Failure::permanent(
                "MissingResult",
                "missing_result",
                format!(
                    "step {:?} asked for the result of {name:?}, which is none of its ancestors",
                    self.step.as_str()
                ),
            )
        })
    }

    /// A context for testing a handler without an engine.
    pub fn for_test(step: &str, config: Value, context: Value, results: &[(&str, Value)]) -> Self {
        let payload = |value: &Value| Payload::from_stored(value.to_string());
        let name = |text: &str| StepName::new(text).expect("a valid step name");
        let context = payload(&context);
        Self {
            task_id: TaskId(uuid::Uuid::nil()),
            namespace: Namespace::default(),
            definition: DefinitionName::new("test").expect("a valid name"),
            version: Version::default(),
            step: name(step),
            attempt: 1,
            retry_limit: 3,
            idempotency_key: format!("{}/{step}", uuid::Uuid::nil()),
            correlation_id: None,
            inputs: context.clone(),
            context,
            config: Arc::new(config),
            cancellation: CancellationToken::new(),
            timeout: Duration::from_secs(600),
            results: Arc::new(results.iter().map(|(n, v)| (name(n), payload(v))).collect()),
            others: None,
        }
    }
}
