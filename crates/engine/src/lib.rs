//! The running parts of Tasker, and its use cases.
//!
//! An [`Engine`] is the one door to a store: whoever submits, reads or changes tasks (command line, API, embedders)
//! goes through its use cases. [`Engine::start_worker`] makes the process run steps as well.
//!
//! ```text
//!  submit ──> intake ───────────────┐                        ┌─> handler
//!                                   ├──> store ──> work ──> executor
//!  operate ─> settler (+ claimer) ──┘      │                 └─> handler
//!                ^      ^                  │                       │
//!                │      └── orphans ── heartbeat                   │
//!                └────────────────── outcomes ─────────────────────┘
//! ```
//!
//! Intake and settler each take whatever has arrived, commit it as one transaction, and look again: batches grow by
//! themselves under load and are one item when idle. Losing any hint between these parts costs time, never work.

pub mod context;
mod engine;
pub mod entropy;
mod error;
pub mod handler;
mod intake;
mod integrity;
mod lanes;
mod measured;
pub mod observe;
mod options;
mod patience;
mod settler;
pub mod use_cases;
mod watchers;
mod worker;

pub use crate::engine::Engine;
pub use crate::error::{ErrorKind, UseCaseError};
pub use crate::integrity::Integrity;
pub use crate::options::EngineOptions;
pub use crate::worker::{Scope, Worker, WorkerLoad, WorkerPulse};
