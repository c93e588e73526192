//! The rules of Tasker, and nothing else.
//!
//! This crate holds every rule of the engine once: what a definition may say, how its graph looks, which state
//! changes are legal, what each event does to a task, when a failed step is tried again, and why something is not
//! running. It does no I/O, never waits, and knows neither the time nor chance: instants, ids and random numbers
//! are arguments. Stores and the engine *apply* what is decided here.

pub mod access;
pub mod analysis;
pub mod audit;
pub mod backoff;
pub mod decide;
pub mod definition;
pub mod diagram;
pub mod error_category;
pub mod event;
pub mod execution;
pub mod explain;
pub mod graph;
pub mod health;
pub mod identity;
pub mod ids;
pub mod masking;
pub mod names;
pub mod nearest;
pub mod outcome;
pub mod payload;
pub mod plan;
pub mod pointer;
pub mod readiness;
pub mod record;
pub mod repair;
pub mod request;
pub mod retry_after;
pub mod state;
pub mod survey;
pub mod template;
pub mod text;
pub mod time;

#[cfg(test)]
mod driver;
