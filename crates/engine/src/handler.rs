//! Step handlers: what people write, and how the engine finds it.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tasker_core::names::HandlerName;
use tasker_core::outcome::Failure;

use crate::context::StepContext;

/// Runs steps. One value serves every execution, so it must be shareable; executions run beside each other.
///
/// A handler is executed **at least once**: after a crash between its effect and the commit it runs again with the
/// same [`StepContext::idempotency_key`].
#[async_trait]
pub trait StepHandler: Send + Sync + 'static {
    /// Runs one execution. `Ok` completes the step whatever the value says; a [`Failure`] tells whether to try again.
    async fn run(&self, step: StepContext) -> Result<Value, Failure>;

    /// Most executions of this handler at once on this node; `None` is no limit of its own.
    fn concurrency_limit(&self) -> Option<usize> {
        None
    }
}

/// The handlers a node serves.
#[derive(Clone, Default)]
pub struct Handlers {
    by_name: BTreeMap<HandlerName, Arc<dyn StepHandler>>,
}

impl Handlers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler, replacing one of the same name.
    #[must_use]
    pub fn with(mut self, name: HandlerName, handler: impl StepHandler) -> Self {
        self.by_name.insert(name, Arc::new(handler));
        self
    }

    /// Adds an async function with typed input and output.
    ///
    /// The input is decoded from the step's inputs; what cannot be decoded is a permanent failure (`invalid_input`).
    #[must_use]
    pub fn with_fn<I, O, E, F, R>(self, name: HandlerName, function: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        E: Into<Failure> + Send + 'static,
        F: Fn(StepContext, I) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, E>> + Send + 'static,
    {
        self.with(name, TypedFn { function, types: PhantomData })
    }

    /// The handler of a name.
    pub fn get(&self, name: &HandlerName) -> Option<&Arc<dyn StepHandler>> {
        self.by_name.get(name)
    }

    /// The names served, sorted.
    pub fn names(&self) -> impl Iterator<Item = &HandlerName> {
        self.by_name.keys()
    }
}

struct TypedFn<F, I, O, E> {
    function: F,
    types: PhantomData<fn(I) -> (O, E)>,
}

#[async_trait]
impl<I, O, E, F, R> StepHandler for TypedFn<F, I, O, E>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    E: Into<Failure> + Send + 'static,
    F: Fn(StepContext, I) -> R + Send + Sync + 'static,
    R: Future<Output = Result<O, E>> + Send + 'static,
{
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let input = serde_json::from_str(step.inputs.as_str()).map_err(|error| {
            Failure::permanent(
                "InvalidInput",
                "invalid_input",
                format!("the step's inputs do not fit its handler: {error}"),
            )
        })?;
        let output = (self.function)(step, input).await.map_err(Into::into)?;
        serde_json::to_value(output).map_err(|error| {
            Failure::permanent(
                "ResultNotSerializable",
                "result_not_serializable",
                format!("the handler's result is not JSON: {error}"),
            )
        })
    }
}
