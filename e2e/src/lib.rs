//! What the process tests are made of: the real binary in a directory of its own, processes that end with their
//! test, an HTTP server that remembers every call, a look into the database from outside, and for nodes on PostgreSQL a
//! stage on which things may go wrong, with the proof that nothing came of it.

pub mod database;
pub mod history;
pub mod home;
pub mod nodes;
pub mod process;
pub mod recorder;
pub mod shapes;
pub mod stage;

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
