//! The API as its callers see it: a real listener on loopback, an engine over the memory store.

mod acceptance;
mod actions;
mod analysis;
mod analytics;
mod api_keys;
mod auth;
mod bulk;
mod contract;
mod definitions;
mod diagrams;
mod docs;
mod events;
mod garbage;
mod handlers;
mod health;
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
