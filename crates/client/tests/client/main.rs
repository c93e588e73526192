//! The client against a real server on loopback, an engine over the memory store.

mod failures;
mod server;
mod steps;
mod tasks;
