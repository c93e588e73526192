//! Pruner: deletes tasks that ended long ago, in small batches, where the settings say so.

use std::sync::Arc;
use std::time::Duration;

use tasker_store::write::Prune;
use tasker_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::engine::Parts;

/// How often it is looked whether something is old enough.
const INTERVAL: Duration = Duration::from_secs(600);

/// Most tasks of one transaction: other writers wait no longer than for that.
pub(crate) const BATCH: usize = 200;

/// Runs until `stop`.
pub(crate) async fn run(parts: Arc<Parts>, stop: CancellationToken) {
    let Some(retention) = parts.options.retention else { return };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        match run_once(&*parts.store, retention, &stop).await {
            Ok(0) => {}
            Ok(tasks) => info!(tasks, "old tasks deleted"),
            Err(error) => warn!(%error, "old tasks could not be deleted"),
        }
    }
}

/// Deletes everything that ended longer ago than `retention`; says how many tasks that were.
async fn run_once(
    store: &dyn Store,
    retention: Duration,
    stop: &CancellationToken,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let request = Prune { finished_before: retention, dry_run: false, batch: BATCH };
        let pruned = store.prune(request).await?;
        deleted += pruned.tasks;
        if !pruned.more || stop.is_cancelled() {
            return Ok(deleted);
        }
    }
}
