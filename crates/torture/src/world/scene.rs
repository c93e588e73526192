//! What faults are done to, and what they say of themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use tasker_core::time::Timestamp;
use tasker_engine::Engine;

use crate::chance::Chance;
use crate::error::TortureError;
use crate::feed::{PATIENCE, surely};
use crate::ledger::Ledger;
use crate::nodes::Nodes;
use crate::recovery::Moments;

/// Longest wait for a moment that nobody knows before, in milliseconds.
const MOST_MILLIS: usize = 1_000;

/// What a fault can be done to, and what it may look at.
pub struct Scene<'a> {
    /// A look from outside.
    pub(crate) engine: &'a Engine,
    /// What was executed.
    pub(crate) ledger: &'a Ledger,
    /// Who works.
    pub nodes: &'a mut Nodes,
    pub(super) chance: &'a mut Chance,
}

/// What a fault says of itself when it is over.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// What was done, and how that was seen.
    pub told: String,
    /// Nodes whose executions may have been taken from them.
    pub victims: BTreeSet<String>,
    /// Whether some must have been.
    pub must_lose: bool,
    /// Whether claims must have been taken up later, because nobody was told of their commit.
    pub must_take_up: bool,
    /// From when on work had to go on.
    pub moments: Moments,
    /// Whether the clock by which the database tells due times was set.
    pub sets_clock: bool,
}

impl Scene<'_> {
    /// Waits until the nodes are in the middle of their work.
    ///
    /// # Errors
    /// They do nothing.
    pub async fn warmed_up(&self, executions: usize) -> Result<(), TortureError> {
        self.ledger.more(executions, PATIENCE).await
    }

    /// Waits for a moment that nobody knows before.
    pub async fn any_moment(&mut self) {
        let millis = self.chance.below(MOST_MILLIS) as u64;
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// The database's time, as soon as it can be asked.
    ///
    /// # Errors
    /// It cannot be used.
    pub async fn now(&self) -> Result<Timestamp, TortureError> {
        surely(async || self.engine.now().await).await
    }
}
