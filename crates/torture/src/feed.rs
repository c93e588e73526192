//! Submitting random workflows: as fast as the nodes take them, through whatever happens to the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tasker_core::definition::{LoadOptions, load_value};
use tasker_core::ids::TaskId;
use tasker_engine::{Engine, ErrorKind, UseCaseError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::chance::{Chance, seed_of};
use crate::error::TortureError;
use crate::ledger::Ledger;
use crate::workflow::Workflow;

/// Longest wait for anything that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Time between two tries while the database cannot be used.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Time between two looks whether nodes want more.
const LOOK: Duration = Duration::from_millis(20);

/// Most tasks of one workflow.
const MOST_COPIES: usize = 3;

/// How much work there is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Steps that are due or run at once. More than nodes can hold would be a queue in which steps of a killed node have
    /// to wait like all others.
    pub busy: u64,
    /// Most steps of a workflow.
    pub most_steps: usize,
    /// Fewest tasks.
    pub least_tasks: usize,
}

/// A task that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its number in the ledger.
    pub number: u64,
    /// Its identity.
    pub id: TaskId,
    /// Its workflow.
    pub workflow: Arc<Workflow>,
}

/// Submits.
pub(crate) struct Feed<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ledger: &'a Ledger,
    pub(crate) series: u64,
    /// Number of the next workflow of the series.
    pub(crate) next_workflow: u64,
    /// Number of the next task.
    pub(crate) next_task: u64,
}

impl Feed<'_> {
    /// Submits until `enough`, and at least so many tasks as the load says.
    pub(crate) async fn until(
        &mut self,
        enough: &CancellationToken,
        load: Load,
    ) -> Result<Vec<Accepted>, TortureError> {
        let mut accepted = Vec::new();
        while !enough.is_cancelled() || accepted.len() < load.least_tasks {
            if !self.is_wanted(load).await {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let seed = seed_of(self.series, self.next_workflow);
            self.next_workflow += 1;
            let copies = Chance::new(seed).between(1, MOST_COPIES);
            accepted.extend(self.submit(Workflow::new(seed, load.most_steps), copies).await?);
        }
        Ok(accepted)
    }

    /// Submits so many tasks of a workflow.
    pub(crate) async fn submit(
        &mut self,
        workflow: Workflow,
        copies: usize,
    ) -> Result<Vec<Accepted>, TortureError> {
        let workflow = Arc::new(workflow);
        self.register(&workflow).await?;
        let mut accepted = Vec::new();
        for _ in 0..copies {
            let (number, id) = (self.next_task, TaskId(Uuid::now_v7()));
            self.next_task += 1;
            self.ledger.expect(number, workflow.clone());
            let request = workflow.request(id, number, &self.ledger.url());
            let request = request
                .map_err(|why| TortureError::Workflow { seed: workflow.seed, why: why.to_string() })?;
            // Under its own id it is the same task, however often it takes.
            surely(async || self.engine.submit(request.clone()).await.map(drop)).await?;
            accepted.push(Accepted { number, id, workflow: workflow.clone() });
        }
        Ok(accepted)
    }

    async fn register(&self, workflow: &Workflow) -> Result<(), TortureError> {
        let loaded = load_value(&workflow.definition(), &LoadOptions::default());
        let Some(definition) = loaded.definition else {
            let why = format!("{:?}", loaded.problems);
            return Err(TortureError::Workflow { seed: workflow.seed, why });
        };
        surely(async || self.engine.register(definition.clone(), false).await.map(drop)).await
    }

    /// Whether the nodes can take more. A database that cannot be used is not asked for more.
    async fn is_wanted(&self, load: Load) -> bool {
        let queue = self.engine.queue().await;
        queue.is_ok_and(|queue| queue.iter().map(|depth| depth.due + depth.running).sum::<u64>() < load.busy)
    }
}

/// Tries again for as long as the database cannot be used.
pub(crate) async fn surely<T>(
    mut act: impl AsyncFnMut() -> Result<T, UseCaseError>,
) -> Result<T, TortureError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match act().await {
            Err(error) if error.kind() == ErrorKind::Unavailable && Instant::now() < deadline => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            answer => return Ok(answer?),
        }
    }
}
