//! A world: a database, nodes that work on it, a ledger that they call; and rounds, in each of which something is done to
//! it while random workflows run, and judged.

mod judgement;
mod scene;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_store::Store;
use tokio_util::sync::CancellationToken;

pub use self::scene::{Proof, Scene};

use crate::chance::Chance;
use crate::error::TortureError;
use crate::feed::{Feed, Load};
use crate::finding::{Finding, Kind};
use crate::ledger::Ledger;
use crate::nodes::Nodes;
use crate::round::Round;
use crate::workflow::Workflow;

/// Findings of the database's own check that are told.
const MOST_FINDINGS: usize = 10;

/// A world.
pub struct World {
    engine: Engine,
    ledger: Ledger,
    nodes: Nodes,
    series: u64,
    next_workflow: u64,
    next_task: u64,
    /// When something is done.
    chance: Chance,
    /// Nodes that something was done to, of all rounds.
    victims: BTreeSet<String>,
    /// Executions that were excused, of all rounds: number of the task, step, number.
    excused: HashSet<(u64, String, usize)>,
}

impl World {
    /// A world over a migrated database. Its workflows follow from the seed.
    ///
    /// # Errors
    /// The ledger cannot be opened.
    pub async fn open(store: Arc<dyn Store>, nodes: Nodes, seed: u64) -> Result<Self, TortureError> {
        let engine = Engine::new(store, Handlers::new(), EngineOptions::default());
        Ok(Self {
            engine,
            ledger: Ledger::open().await?,
            nodes,
            series: seed,
            next_workflow: 0,
            next_task: 1,
            chance: Chance::new(seed),
            victims: BTreeSet::new(),
            excused: HashSet::new(),
        })
    }

    /// Lets workflows run while something is done, until all have ended; then judges.
    ///
    /// # Errors
    /// The fault failed, or could not be proven; the database cannot be used although nothing is done to it any more.
    pub async fn round<E: From<TortureError>>(
        &mut self,
        fault: &str,
        load: Load,
        meanwhile: impl AsyncFnOnce(&mut Scene<'_>) -> Result<Proof, E>,
    ) -> Result<Round, E> {
        let began = Instant::now();
        let enough = CancellationToken::new();
        let Self { engine, ledger, nodes, chance, .. } = self;
        let (next_workflow, next_task) = (self.next_workflow, self.next_task);
        let mut feed = Feed { engine, ledger, series: self.series, next_workflow, next_task };
        let mut scene = Scene { engine, ledger, nodes, chance };
        let inflict = async {
            let proof = meanwhile(&mut scene).await;
            enough.cancel();
            proof
        };
        let feeding = async { feed.until(&enough, load).await.map_err(E::from) };
        let (accepted, proof) = futures::future::try_join(feeding, inflict).await?;
        (self.next_workflow, self.next_task) = (feed.next_workflow, feed.next_task);
        Ok(self.judge(fault, began, accepted, proof).await?)
    }

    /// Lets workflows run, undisturbed, and judges.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn run(&mut self, workflows: Vec<Workflow>) -> Result<Round, TortureError> {
        let began = Instant::now();
        let Self { engine, ledger, .. } = self;
        let (next_workflow, next_task) = (self.next_workflow, self.next_task);
        let mut feed = Feed { engine, ledger, series: self.series, next_workflow, next_task };
        let mut accepted = Vec::new();
        for workflow in workflows {
            accepted.extend(feed.submit(workflow, 1).await?);
        }
        self.next_task = feed.next_task;
        self.judge("none", began, accepted, Proof::default()).await
    }

    /// What the database's own check finds.
    ///
    /// # Errors
    /// It cannot be used.
    pub async fn check(&self) -> Result<Vec<Finding>, TortureError> {
        let found = self.engine.check(MOST_FINDINGS).await?.into_iter();
        let found = found.map(|found| Finding {
            task_id: found.task_id,
            ..Finding::new(Kind::Wrong, format!("db check: {}: {}", found.code, found.message))
        });
        Ok(found.collect())
    }

    /// Stops the nodes gracefully, and ends what this value runs in the background.
    ///
    /// # Errors
    /// A node does not stop as it should.
    pub async fn close(self) -> Result<(), TortureError> {
        self.engine.shutdown().await;
        let stopping = tokio::task::spawn_blocking(move || self.nodes.stop()).await;
        stopping.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}
