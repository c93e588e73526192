//! Setting up an embedded engine.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tasker_core::names::{HandlerName, InvalidName};
use tasker_core::outcome::Failure;
use tasker_engine::context::StepContext;
use tasker_engine::handler::{Handlers, StepHandler};
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_handlers::{COMMAND, CommandHandler, HTTP, HttpHandler, HttpPolicy};
use tasker_store::{Store, StoreError};
#[cfg(feature = "postgres")]
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};

use crate::error::Error;
use crate::tasker::Tasker;

/// How an embedded engine is set up. Made by [`Tasker::builder`].
#[derive(Default)]
pub struct Builder {
    place: Option<Place>,
    handlers: Handlers,
    options: EngineOptions,
    only_submits: bool,
    invalid: Option<InvalidName>,
}

enum Place {
    File(PathBuf),
    Temporary,
    Store(Arc<dyn Store>),
    #[cfg(feature = "postgres")]
    Postgres {
        url: String,
        options: PostgresOptions,
    },
}

impl Builder {
    /// Tasks live in this SQLite file; it is created if it is missing. Processes of one machine may share it.
    #[must_use]
    pub fn sqlite(self, path: impl AsRef<Path>) -> Self {
        Self { place: Some(Place::File(path.as_ref().to_owned())), ..self }
    }

    /// Tasks live in this PostgreSQL database (`postgres://user:password@host:5432/database`, 15 or later), which any number
    /// of processes may share. It must have been migrated, by `tasker db migrate` or [`PostgresStore::migrate`].
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres(self, url: &str) -> Self {
        self.postgres_with(url, PostgresOptions::default())
    }

    /// [`Builder::postgres`] with settings for its connections.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres_with(self, url: &str, options: PostgresOptions) -> Self {
        Self { place: Some(Place::Postgres { url: url.to_owned(), options }), ..self }
    }

    /// Tasks live no longer than this engine: for tests.
    #[must_use]
    pub fn temporary(self) -> Self {
        Self { place: Some(Place::Temporary), ..self }
    }

    /// Tasks live in a store of your own.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { place: Some(Place::Store(store)), ..self }
    }

    /// Adds an async function as a handler. Its input is decoded from the task's context, its output becomes the
    /// step's result.
    #[must_use]
    pub fn handler<I, O, E, F, R>(self, name: &str, function: F) -> Self
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        E: Into<Failure> + Send + 'static,
        F: Fn(StepContext, I) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, E>> + Send + 'static,
    {
        self.named(name, |handlers, name| handlers.with_fn(name, function))
    }

    /// Adds a handler that implements [`StepHandler`].
    #[must_use]
    pub fn step_handler(self, name: &str, handler: impl StepHandler) -> Self {
        self.named(name, |handlers, name| handlers.with(name, handler))
    }

    /// Adds the handler `http`, which makes HTTP requests as definitions say.
    #[must_use]
    pub fn http(self, policy: HttpPolicy) -> Self {
        self.step_handler(HTTP, HttpHandler::new(policy))
    }

    /// Adds the handler `command`, which runs local programs as definitions say.
    #[must_use]
    pub fn commands(self) -> Self {
        self.step_handler(COMMAND, CommandHandler::default())
    }

    /// Replaces the engine's settings.
    #[must_use]
    pub fn options(self, options: EngineOptions) -> Self {
        Self { options, ..self }
    }

    /// Runs no steps in this process: tasks are only accepted, looked at and changed.
    #[must_use]
    pub fn only_submits(self) -> Self {
        Self { only_submits: true, ..self }
    }

    /// Opens the database and starts to run steps. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// A handler's name breaks its rule, no store is given, or the database cannot be used.
    pub async fn build(self) -> Result<Tasker, Error> {
        if let Some(invalid) = self.invalid {
            return Err(invalid.into());
        }
        let opened = open(self.place.ok_or(Error::NoStore)?).await?;
        let engine = Engine::new(opened.store(), self.handlers.clone(), self.options);
        let worker = if self.only_submits { None } else { Some(engine.start_worker(Scope::All).await?) };
        Ok(Tasker::new(engine, worker, self.handlers, opened))
    }

    fn named(mut self, name: &str, add: impl FnOnce(Handlers, HandlerName) -> Handlers) -> Self {
        match HandlerName::new(name) {
            Ok(name) => self.handlers = add(std::mem::take(&mut self.handlers), name),
            Err(invalid) => self.invalid = self.invalid.or(Some(invalid)),
        }
        self
    }
}

/// An open store: as what it is, where programs may do more with it than an engine does.
pub(crate) enum Opened {
    Any(Arc<dyn Store>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Any(store) => store.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.clone(),
        }
    }
}

/// Opening a file may migrate and sync; that must not hold up the runtime.
async fn open(place: Place) -> Result<Opened, StoreError> {
    let options = OpenOptions::default();
    let opening = match place {
        Place::Store(store) => return Ok(Opened::Any(store)),
        #[cfg(feature = "postgres")]
        Place::Postgres { url, options } => {
            return Ok(Opened::Postgres(Arc::new(PostgresStore::connect(&url, options).await?)));
        }
        Place::File(path) => tokio::task::spawn_blocking(move || SqliteStore::open(&path, options)),
        Place::Temporary => tokio::task::spawn_blocking(move || SqliteStore::in_memory(options)),
    };
    let opened = opening.await.map_err(|source| StoreError::Unavailable {
        trying: "opening the database".into(),
        source: source.into(),
    })?;
    Ok(Opened::Any(Arc::new(opened?)))
}
