//! The embedded engine: the calls that most programs need. Everything else is on [`Tasker::engine`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tasker_core::definition::{Definition, LoadOptions, Unserved, load};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::outcome::Failure;
use tasker_core::payload::{DEFAULT_MAX_BYTES, Payload};
use tasker_core::request::TaskRequest;
use tasker_core::state::TaskState;
use tasker_engine::context::StepContext;
use tasker_engine::handler::Handlers;
use tasker_engine::use_cases::{SubmittedTask, TaskView};
use tasker_engine::{Engine, Worker};
use tasker_handlers::ShippedCatalog;

use crate::builder::{Builder, Opened};
use crate::error::Error;

/// An engine inside this process.
pub struct Tasker {
    engine: Engine,
    worker: Option<Worker>,
    handlers: Handlers,
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "nothing more can be done with other stores")
    )]
    pub(crate) opened: Opened,
}

impl Tasker {
    /// Begins to set one up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(engine: Engine, worker: Option<Worker>, handlers: Handlers, opened: Opened) -> Self {
        Self { engine, worker, handlers, opened }
    }

    /// Registers a definition, YAML or JSON. The same content again changes nothing.
    ///
    /// # Errors
    /// [`Error::Definition`] with everything that is wrong with it, such as a handler that this program does not have;
    /// `version_content_changed` if the version is registered with other content.
    pub async fn register(&self, text: &str) -> Result<Definition, Error> {
        let definition = definition(text, &self.handlers, self.worker.is_some())?;
        self.engine.register(definition.clone(), false).await?;
        Ok(definition)
    }

    /// Accepts a task. When this returns, the task is committed.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit(&self, request: TaskRequest) -> Result<SubmittedTask, Error> {
        Ok(self.engine.submit(request).await?)
    }

    /// Waits until a task ends.
    ///
    /// # Errors
    /// `task_not_found`, or the database fails.
    pub async fn wait(&self, id: TaskId) -> Result<TaskState, Error> {
        loop {
            if let Some(state) = self.engine.wait(id, None).await? {
                return Ok(state);
            }
        }
    }

    /// A task with its steps.
    ///
    /// # Errors
    /// `task_not_found`, or the database fails.
    pub async fn task(&self, id: TaskId) -> Result<TaskView, Error> {
        Ok(self.engine.task(id).await?)
    }

    /// The result of a step; `None` if it has none (yet), or there is no such step.
    ///
    /// # Errors
    /// `task_not_found`, or the database fails.
    pub async fn result(&self, id: TaskId, step: &str) -> Result<Option<Value>, Error> {
        let view = self.engine.task(id).await?;
        Ok(result_in(&view, step))
    }

    /// The engine, for everything else: lists, logs, explanations, operators' actions.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Stops gracefully: running steps may go on for the grace period, what is not done goes on after the next start.
    pub async fn shutdown(self) {
        if let Some(worker) = self.worker {
            worker.stop().await;
        }
        self.engine.shutdown().await;
    }
}

/// A request for a task of the latest version of a definition in the default namespace.
///
/// # Errors
/// The name breaks its rule, or the context is no JSON object that can be stored.
pub fn request(name: &str, context: impl Serialize) -> Result<TaskRequest, Error> {
    let not_json = |error: serde_json::Error| tasker_core::payload::PayloadError::Syntax(error.to_string());
    let value = serde_json::to_value(context).map_err(not_json)?;
    let context = Payload::from_value(&value, DEFAULT_MAX_BYTES)?.into_object()?;
    Ok(TaskRequest { context, ..TaskRequest::new(Namespace::default(), DefinitionName::new(name)?) })
}

/// The result of a step that the current one comes after, decoded.
///
/// # Errors
/// Permanent if there is no such step before this one, or its result is of another shape; retryable if the database
/// cannot be read.
pub async fn result_of<T: DeserializeOwned>(step: &StepContext, name: &str) -> Result<T, Failure> {
    let result = step.result_of(name).await?;
    serde_json::from_str(result.as_str()).map_err(|error| {
        let message =
            format!("the result of step {name:?} is not what step {:?} expects: {error}", step.step.as_str());
        Failure::permanent("InvalidResult", "invalid_result", message)
    })
}

/// Loads a definition for an engine with these handlers. One that runs steps must serve all of them.
pub(crate) fn definition(text: &str, handlers: &Handlers, runs_steps: bool) -> Result<Definition, Error> {
    let catalog = ShippedCatalog::of(handlers);
    let unserved = if runs_steps { Unserved::Error } else { Unserved::Ignored };
    let loaded = load(text, &LoadOptions { handlers: &catalog, unserved, ..LoadOptions::default() });
    loaded.definition.ok_or(Error::Definition(loaded.problems))
}

/// The result of a step.
pub(crate) fn result_in(view: &TaskView, step: &str) -> Option<Value> {
    let ordinal = view.detail.plan.position(step)?;
    let detail = view.steps.iter().find(|detail| detail.record.ordinal == ordinal)?;
    detail.results.as_ref().map(Payload::to_value)
}
