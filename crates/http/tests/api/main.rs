//! The API as its callers see it: a real listener on loopback, an engine over the memory store.

mod actions;
mod health;
mod openapi;
mod routing;
mod server;
mod tasks;
