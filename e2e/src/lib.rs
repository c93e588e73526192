//! What the process tests are made of: the real binary in a directory of its own, a look into the database from outside,
//! and drills: things that are done to nodes, servers and disks while random workflows run, with the proof that nothing
//! came of it.

pub mod api;
pub mod database;
pub mod drill;
pub mod home;
pub mod seeds;
pub mod streams;

/// A number that an environment variable gives.
///
/// # Panics
/// It gives something else.
pub fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_string());
    text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number"))
}

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
