//! Tests of the real binary as a process.

mod demo;
mod examples;
mod http_calls;
mod idle;
mod kill;
mod nodes;
mod outages;
mod reference;
mod repair;
mod resume;
mod shared_file;
mod troubles;
mod unusable;
