//! Tests of the real binary as a process.

mod database_gone;
mod demo;
mod drills;
mod examples;
mod http_calls;
mod idle;
mod overload;
mod reference;
mod repair;
mod resume;
mod shared_file;
mod streams;
mod unusable;
mod workflows;
