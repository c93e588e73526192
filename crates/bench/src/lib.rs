//! What `tasker bench` measures of the engine, and `tasker bench ceiling` of the database without it.
//!
//! A run makes a database of its own, lets tasks run one by one on the idle system (latency, gaps between steps), then
//! many at once (throughput, and what each step cost), and at its end verifies that every task completed exactly once
//! and that the database is sound. The ceiling writes the same rows into the same tables with plain batched SQL. What
//! each figure is and how it is measured stands in `docs/performance.md`; what cannot be known is left out, never
//! guessed.

mod ceiling;
mod counting;
mod database;
mod error;
mod figures;
mod handler;
mod idle;
mod load;
mod options;
mod process;
mod report;
mod run;
mod verify;
mod workers;
mod workload;

pub use crate::error::BenchError;
pub use crate::options::{BenchOptions, CeilingOptions, Host, Opener, Submission, WorkerCommand};
pub use crate::report::{BenchReport, CeilingReport};
pub use crate::run::{measure, measure_ceiling};
pub use crate::workers::work;
pub use crate::workload::ShapeKind;
pub use tasker_scratch::Place;
