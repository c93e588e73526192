//! One task at a time on an idle system: how long it takes, and how long its steps wait for one another.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tasker_core::ids::TaskId;
use tasker_engine::Engine;

use crate::database::Database;
use crate::error::BenchError;
use crate::handler::{Ledger, Span};
use crate::workload::Workload;

/// Tasks that run before times are taken.
pub(crate) const WARM_UP: usize = 10;

/// Single commits after each task, so that both see the same disk.
const COMMITS_PER_TASK: usize = 2;

/// Times that were taken.
pub(crate) struct IdleTimes {
    /// From the call that submits to the answer that the task ended.
    pub(crate) latencies: Vec<Duration>,
    /// From the end of the last step that a step waits for to its start, in the handlers.
    pub(crate) hops: Vec<Duration>,
    /// Of single-row commits.
    pub(crate) commits: Vec<Duration>,
}

/// Runs tasks alone. Their numbers count from 0.
pub(crate) async fn measure(
    engine: &Engine,
    workload: &Workload,
    tasks: usize,
    ledger: &Ledger,
    database: &dyn Database,
) -> Result<IdleTimes, BenchError> {
    for n in 0..WARM_UP {
        run_one(engine, workload, n).await?;
    }
    database.commit_times(COMMITS_PER_TASK).await?;
    ledger.begin_to_record();
    let mut times = IdleTimes { latencies: Vec::new(), hops: Vec::new(), commits: Vec::new() };
    for n in 0..tasks {
        times.latencies.push(run_one(engine, workload, WARM_UP + n).await?);
        times.commits.extend(database.commit_times(COMMITS_PER_TASK).await?);
    }
    times.hops = hops(&ledger.recorded(), workload);
    Ok(times)
}

async fn run_one(engine: &Engine, workload: &Workload, n: usize) -> Result<Duration, BenchError> {
    let request = workload.request(n);
    let start = Instant::now();
    let task = engine.submit(request).await?;
    engine.wait(task.task_id, None).await?;
    Ok(start.elapsed())
}

fn hops(spans: &[Span], workload: &Workload) -> Vec<Duration> {
    let at = |task: TaskId, step: &str| -> Option<(TaskId, usize)> {
        Some((task, workload.shape.position(step)?.index()))
    };
    let by_step: HashMap<(TaskId, usize), &Span> =
        spans.iter().filter_map(|span| Some((at(span.task, span.step.as_str())?, span))).collect();
    let hop = |(task, step): &(TaskId, usize), span: &Span| {
        let parents = workload.shape.parents[*step].iter();
        let ends = parents.map(|parent| by_step.get(&(*task, parent.index())).map(|span| span.end));
        let last = ends.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(span.start.saturating_duration_since(last))
    };
    by_step.iter().filter_map(|(key, span)| hop(key, span)).collect()
}

#[cfg(test)]
mod tests {
    use tasker_core::names::StepName;
    use uuid::Uuid;

    use super::*;
    use crate::workload::ShapeKind;

    #[test]
    fn a_step_waits_since_the_last_of_its_parents_ended() {
        let workload = Workload::new(ShapeKind::FanOut, Some(4), 0);
        let begin = Instant::now();
        let at = |ms: u64| begin + Duration::from_millis(ms);
        let span = |step: &str, start: u64, end: u64| Span {
            task: TaskId(Uuid::nil()),
            step: StepName::new(step).unwrap(),
            start: at(start),
            end: at(end),
        };
        let spans = [
            span("initialize_batch", 0, 1),
            span("process_chunk_1", 3, 10),
            span("process_chunk_2", 4, 6),
            span("aggregate_results", 15, 16),
        ];
        let mut hops = hops(&spans, &workload);
        hops.sort();
        assert_eq!(hops, [2, 3, 5].map(Duration::from_millis));
    }
}
