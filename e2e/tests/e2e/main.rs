//! Tests of the real binary as a process.

mod demo;
mod examples;
mod http_calls;
mod kill;
mod nodes;
mod reference;
mod resume;
mod shared_file;
