//! The ceiling: the rows of tasks, written by plain batched SQL.

pub(crate) mod postgres;
mod script;
pub(crate) mod sqlite;

use std::time::Duration;

pub(crate) use self::script::{Round, Script};

/// Tasks, or outcomes of steps, that are written in one transaction.
pub(crate) const BATCH: usize = 500;

/// What plain SQL took.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Plain {
    /// From before the first transaction to after the last.
    pub(crate) elapsed: Duration,
    /// How many there were.
    pub(crate) commits: u64,
}
