//! Many tasks at once: submitting them, and waiting for the last to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tasker_core::request::TaskRequest;
use tasker_engine::Engine;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::counting::Ended;
use crate::error::BenchError;
use crate::options::Submission;

/// Submissions under way at once in bulk: what the engine's queue holds.
const BULK: usize = 1_024;

/// How long no task may end before the run is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Submits tasks, each by one call of the engine; answers how long it took until all were accepted.
pub(crate) async fn submit(
    engine: &Engine,
    tasks: usize,
    submission: Submission,
    request: Arc<dyn Fn(usize) -> TaskRequest + Send + Sync>,
) -> Result<Duration, BenchError> {
    let callers = match submission {
        Submission::Callers(callers) => callers,
        Submission::Bulk => BULK,
    };
    let start = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut set = JoinSet::new();
    for _ in 0..callers.min(tasks) {
        let (engine, next, request) = (engine.clone(), next.clone(), request.clone());
        set.spawn(async move { call(&engine, tasks, &next, &*request).await });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    Ok(start.elapsed())
}

/// One caller: the next task when the one before is accepted.
async fn call(
    engine: &Engine,
    tasks: usize,
    next: &AtomicUsize,
    request: &(dyn Fn(usize) -> TaskRequest + Send + Sync),
) -> Result<(), BenchError> {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= tasks {
            return Ok(());
        }
        engine.submit(request(n)).await?;
    }
}

/// Waits until so many tasks have ended.
pub(crate) async fn until_ended(
    ended: &mut watch::Receiver<Ended>,
    expected: u64,
) -> Result<Ended, BenchError> {
    loop {
        let now = *ended.borrow_and_update();
        if now.count >= expected {
            return Ok(now);
        }
        let changed = tokio::time::timeout(PATIENCE, ended.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            return Err(BenchError::Stalled { ended: now.count, expected, seconds: PATIENCE.as_secs() });
        }
    }
}
