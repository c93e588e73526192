//! What is told of many tasks together: part by part, so that a part that takes too long or fails costs nobody the others.

use std::time::Duration;

use tasker_core::survey::{Bottlenecks, Performance, Stage, TRENDS};
use tasker_core::text::chain;
use tasker_store::StoreError;
use tasker_store::survey::Scope;
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;
use crate::error::UseCaseError;

/// How long all parts may take together. They are asked for one after the other: whoever looks at many rows leaves the
/// connections to those who look at few.
const PATIENCE: Duration = Duration::from_secs(15);

/// How far the health score looks back.
const SCORE: Duration = TRENDS[0].1;

impl Engine {
    /// How it goes, and went lately.
    ///
    /// # Errors
    /// [`UseCaseError::Store`] if nothing could be found out.
    pub async fn performance(&self, scope: &Scope) -> Result<Performance, UseCaseError> {
        let (now, store) = (self.now().await?, self.parts.store.survey_store());
        let mut parts = Parts::begin();
        let mut found = Performance {
            standing: parts.take(store.standing(scope, now.minus(SCORE))).await,
            ..Performance::default()
        };
        for (trend, (_, span)) in found.trends.iter_mut().zip(TRENDS) {
            *trend = parts.take(store.traffic(scope, now.minus(span))).await;
        }
        if found.is_nothing() { Err(parts.failure()) } else { Ok(found) }
    }

    /// What took long, failed and waits, of the tasks created within a period. `limit` bounds each list of tasks and steps.
    ///
    /// # Errors
    /// [`UseCaseError::Store`] if nothing could be found out.
    pub async fn bottlenecks(
        &self,
        scope: &Scope,
        period: Duration,
        limit: usize,
    ) -> Result<Bottlenecks, UseCaseError> {
        let (since, store) = (self.now().await?.minus(period), self.parts.store.survey_store());
        let mut parts = Parts::begin();
        let found = Bottlenecks {
            population: parts.take(store.population(scope, since)).await,
            slowest_tasks: parts.take(store.long_tasks(scope, since, Stage::Ended, limit)).await,
            longest_running: parts.take(store.long_tasks(scope, since, Stage::Running, limit)).await,
            slowest_steps: parts.take(store.long_steps(scope, since, limit)).await,
            steps: parts.take(store.step_tallies(scope, since)).await.map(|tallies| tallies.totals()),
            failures: parts.take(store.failures(scope, since)).await,
        };
        if found.is_nothing() { Err(parts.failure()) } else { Ok(found) }
    }
}

/// The parts of a survey that were asked for.
struct Parts {
    deadline: Instant,
    /// Why the last of those failed that did.
    failed: Option<StoreError>,
}

impl Parts {
    fn begin() -> Self {
        Self { deadline: Instant::now() + PATIENCE, failed: None }
    }

    /// A part, unless it failed or the time is over.
    async fn take<T>(&mut self, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        match timeout_at(self.deadline, asked).await.unwrap_or_else(|_| Err(late())) {
            Ok(part) => Some(part),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a part of a survey failed");
                self.failed = Some(error);
                None
            }
        }
    }

    /// Why nothing could be found out. Whatever it was: it is the store that cannot say now.
    fn failure(self) -> UseCaseError {
        let source = self.failed.unwrap_or_else(late);
        UseCaseError::Store(StoreError::Unavailable {
            trying: "surveying tasks".into(),
            source: source.into(),
        })
    }
}

fn late() -> StoreError {
    let source = format!("all parts together took longer than {} s", PATIENCE.as_secs());
    StoreError::Unavailable { trying: "surveying tasks".into(), source: source.into() }
}
