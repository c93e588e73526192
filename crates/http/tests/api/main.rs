//! The API as its callers see it: a real listener on loopback, an engine over the memory store.

mod actions;
mod analysis;
mod api_keys;
mod auth;
mod bulk;
mod contract;
mod definitions;
mod diagrams;
mod docs;
mod garbage;
mod handlers;
mod health;
mod health_status;
mod jwt;
mod matrix;
mod metrics;
mod openapi;
mod ownership;
mod records;
mod roles;
mod routing;
mod server;
mod tasks;
mod workflow_steps;
