//! The facade `tasker`: what programs that embed the engine need, under one name.
//!
#![doc = include_str!("../README.md")]

mod builder;
mod error;
#[cfg(feature = "postgres")]
mod postgres;
mod tasker;
pub mod testing;

pub use tasker_core::definition::{Definition, DefinitionBuilder, Problem, StepBuilder};
pub use tasker_core::ids::TaskId;
pub use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
pub use tasker_core::outcome::Failure as StepError;
pub use tasker_core::payload::Payload;
pub use tasker_core::request::TaskRequest;
pub use tasker_core::state::{StepState, TaskState};
pub use tasker_engine::context::StepContext;
pub use tasker_engine::handler::{Handlers, StepHandler};
pub use tasker_engine::use_cases::{Operation, Operator, SubmittedTask, TaskView};
pub use tasker_engine::{Engine, EngineOptions, Scope, UseCaseError, Worker};
pub use tasker_handlers::HttpPolicy;
pub use tasker_store::Store;

#[cfg(feature = "postgres")]
pub use tasker_store_postgres::{PostgresOptions, PostgresStore};

pub use crate::builder::Builder;
pub use crate::error::Error;
#[cfg(feature = "postgres")]
pub use crate::postgres::TaskHandle;
pub use crate::tasker::{Tasker, request, result_of};
