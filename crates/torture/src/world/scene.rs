//! What faults are done to, and what they say of themselves.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tasker_core::time::Timestamp;
use tasker_engine::Engine;

use crate::chance::Chance;
use crate::error::TortureError;
use crate::feed::{PATIENCE, surely};
use crate::ledger::Ledger;
use crate::nodes::{Node, Nodes};
use crate::recovery::Moments;

/// Between two looks at who has begun.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
    /// Waits until all nodes have begun, and are in the middle of their work.
    ///
    /// # Errors
    /// They do nothing.
    pub async fn warmed_up(&mut self, executions: usize) -> Result<(), TortureError> {
        self.all_begun().await?;
        self.ledger.more(executions, PATIENCE).await
    }

    /// Waits until the database has heard of every node that runs: one that cannot reach it at its start says so and ends,
    /// and would prove nothing.
    async fn all_begun(&mut self) -> Result<(), TortureError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let workers = surely(async || self.engine.workers().await).await?;
            let mut running = self.nodes.running.iter_mut();
            let begun = |node: &Node| workers.iter().any(|worker| worker.name == node.name);
            let Some(node) =
                running.find_map(|node| (!begun(node) && node.process.is_alive()).then_some(node))
            else {
                return Ok(());
            };
            if Instant::now() > deadline {
                return Err(TortureError::patience(
                    PATIENCE,
                    format!("the first heartbeat of {}", node.name),
                ));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
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
