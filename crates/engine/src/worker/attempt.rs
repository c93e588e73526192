//! One execution: from a claim to what its handler gets, and from what it returns to an outcome.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tasker_core::definition::{names_in, substitute};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::{HandlerName, StepName};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::{Payload, PayloadError};
use tasker_core::plan::Plan;
use tasker_core::text;
use tasker_store::Store;
use tasker_store::write::{MAX_INPUT_BYTES, Results, Work};
use tokio_util::sync::CancellationToken;

use crate::context::{ResultSource, StepContext};
use crate::handler::StepHandler;

/// Longest error message that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

/// Shortest value of a variable that is looked for in what a handler returns; shorter ones occur by chance.
const SHORTEST_SECRET: usize = 6;

/// What all attempts of a worker share.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) max_result_bytes: usize,
}

/// One execution of one step.
pub(crate) struct Attempt {
    pub(crate) cancellation: CancellationToken,
    pub(crate) timeout: Duration,
    work: Work,
    settings: Settings,
}

impl Attempt {
    pub(crate) fn new(work: Work, settings: &Settings) -> Self {
        let seconds = work.plan.step(work.claim.ordinal).timeout_seconds;
        Self {
            cancellation: CancellationToken::new(),
            timeout: Duration::from_secs(u64::from(seconds)),
            work,
            settings: settings.clone(),
        }
    }

    /// The handler it needs.
    pub(crate) fn handler(&self) -> &HandlerName {
        &self.work.plan.step(self.work.claim.ordinal).handler
    }

    /// The handler is not here. Claims are made only for handlers that are, so this tells of a fault of the node.
    pub(crate) fn not_served(&self) -> Failure {
        let message = format!("this worker does not serve handler {}", self.handler());
        Failure::retryable("HandlerNotServed", "handler_not_served", message)
    }

    /// Calls the handler and makes an outcome of what it returns.
    pub(crate) async fn run(&self, handler: &dyn StepHandler) -> Outcome {
        let (context, secrets) = match self.context() {
            Ok(prepared) => prepared,
            Err(failure) => return Outcome::Failure(failure),
        };
        match handler.run(context).await {
            Ok(value) => self.success(value, &secrets),
            Err(failure) => Outcome::Failure(presentable(failure, &secrets)),
        }
    }

    fn success(&self, value: Value, secrets: &Secrets) -> Outcome {
        let value = secrets.hidden_in(value);
        match Payload::from_value(&value, self.settings.max_result_bytes) {
            Ok(payload) => Outcome::Success(payload),
            Err(error) => Outcome::Failure(unusable_result(&error)),
        }
    }

    fn context(&self) -> Result<(StepContext, Secrets), Failure> {
        let Work { claim, plan, context, correlation_id, inputs, results } = &self.work;
        let Results::Loaded(results) = results else {
            return Err(inputs_too_large());
        };
        let template = plan.step(claim.ordinal);
        let (config, secrets) = resolve_variables(&template.handler_config)?;
        let definition = &plan.definition;
        let context = StepContext {
            task_id: claim.task,
            namespace: definition.namespace.clone(),
            definition: definition.name.clone(),
            version: definition.version.clone(),
            step: template.name.clone(),
            attempt: claim.attempt,
            retry_limit: claim.retry_limit,
            idempotency_key: idempotency_key(claim.task, &template.name, claim.key_generation),
            correlation_id: correlation_id.clone(),
            context: context.clone(),
            inputs: inputs.clone().unwrap_or_else(|| context.clone()),
            config: Arc::new(config),
            cancellation: self.cancellation.clone(),
            timeout: self.timeout,
            results: Arc::new(named(plan, results)),
            others: Some(Arc::new(Ancestors {
                store: self.settings.store.clone(),
                plan: plan.clone(),
                task: claim.task,
                step: claim.ordinal,
            })),
        };
        Ok((context, secrets))
    }
}

fn named(plan: &Plan, results: &[(Ordinal, Option<Payload>)]) -> Vec<(StepName, Payload)> {
    let value = |payload: &Option<Payload>| payload.clone().unwrap_or_else(Payload::null);
    results.iter().map(|(ordinal, payload)| (plan.name(*ordinal).clone(), value(payload))).collect()
}

/// The same for every execution, until an operator asks for a new one.
fn idempotency_key(task: TaskId, step: &StepName, generation: u32) -> String {
    match generation {
        0 => format!("{task}/{step}"),
        n => format!("{task}/{step}/{n}"),
    }
}

/// Results of ancestors that did not come with the claim.
struct Ancestors {
    store: Arc<dyn Store>,
    plan: Arc<Plan>,
    task: TaskId,
    step: Ordinal,
}

#[async_trait]
impl ResultSource for Ancestors {
    async fn result_of(&self, name: &str) -> Result<Option<Payload>, Failure> {
        let ancestor =
            self.plan.position(name).filter(|&other| self.plan.graph.ancestors(self.step).contains(&other));
        let Some(ancestor) = ancestor else { return Ok(None) };
        let found = self.store.result(self.task, ancestor).await.map_err(|error| {
            let message = format!("reading the result of step {name}: {error}");
            Failure::retryable("DatabaseUnavailable", "database_unavailable", message)
        })?;
        Ok(Some(found.unwrap_or_else(Payload::null)))
    }
}

/// Values of variables that must not appear in what is stored.
struct Secrets(Vec<String>);

impl Secrets {
    fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[hidden]"))
    }

    fn hidden_in(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.hide(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.hidden_in(item)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, value)| (key, self.hidden_in(value))).collect(),
            other => other,
        }
    }
}

/// Puts this worker's environment into the settings.
fn resolve_variables(config: &Value) -> Result<(Value, Secrets), Failure> {
    let names = names_in(config);
    if names.is_empty() {
        return Ok((config.clone(), Secrets(Vec::new())));
    }
    let lookup = |name: &str| std::env::var(name).ok();
    let resolved = substitute(config, &lookup).map_err(|missing| {
        let message = format!("this worker cannot resolve the settings of the step: {missing}");
        Failure::retryable("MissingEnvVar", "missing_env_var", message)
    })?;
    let values = names.iter().filter_map(|name| lookup(name)).filter(|value| value.len() >= SHORTEST_SECRET);
    Ok((resolved, Secrets(values.collect())))
}

/// A failure as it may be stored: no secrets, no text that databases refuse, of bounded size.
fn presentable(failure: Failure, secrets: &Secrets) -> Failure {
    let context = failure.context.map(|value| secrets.hidden_in(value));
    let context = context.filter(|value| Payload::from_value(value, 16 * MAX_MESSAGE_BYTES).is_ok());
    Failure {
        class: text::storable(&failure.class, 128),
        code: text::storable(&failure.code, 128),
        message: text::storable(&secrets.hide(&failure.message), MAX_MESSAGE_BYTES),
        context,
        ..failure
    }
}

fn unusable_result(error: &PayloadError) -> Failure {
    let (class, code) = match error {
        PayloadError::TooLarge { .. } => ("ResultTooLarge", "result_too_large"),
        PayloadError::InvalidText => ("InvalidText", "invalid_text"),
        _ => ("ResultNotStorable", "result_not_storable"),
    };
    Failure::permanent(class, code, format!("the handler's result cannot be stored: {error}"))
}

fn inputs_too_large() -> Failure {
    let message = format!(
        "the results that this step reads are more than {} MiB together; let steps pass references instead",
        MAX_INPUT_BYTES / (1024 * 1024)
    );
    Failure::permanent("InputTooLarge", "input_too_large", message)
}

/// A handler panicked: an ordinary failure.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let message = text::storable(&format!("the handler panicked: {text}"), MAX_MESSAGE_BYTES);
    Failure::retryable("HandlerPanicked", "handler_panicked", message)
}
