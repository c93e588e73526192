//! What the process tests are made of: the real binary in a directory of its own, processes that end with their
//! test, an HTTP server that remembers every call, and a look into the database from outside.

pub mod database;
pub mod home;
pub mod process;
pub mod recorder;

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
