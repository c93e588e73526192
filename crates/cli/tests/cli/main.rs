//! Tests that drive the real binary, as people and scripts do.

mod analyze;
mod auth;
mod bad_input;
mod bench;
mod bulk;
mod config;
mod database;
mod definition;
mod dev;
mod events;
mod help;
mod logs;
mod notes;
mod operate;
mod remote;
mod run;
mod task;
mod torture;
mod worker;
mod world;
