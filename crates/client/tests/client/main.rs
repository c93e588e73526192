//! The client against a real server on loopback, an engine over the memory store.

mod analytics;
mod events;
mod failures;
mod records;
mod registry;
mod server;
mod steps;
mod tasks;
