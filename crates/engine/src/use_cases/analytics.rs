//! What is told of all tasks together.

use tasker_core::time::Timestamp;
use tasker_store::analytics::{AnalyticsMetrics, HealthCounts, SlowStep, SlowTask, SlowestQuery};

use crate::engine::Engine;
use crate::error::UseCaseError;

impl Engine {
    /// How many tasks and steps there are in each state. Reads every step.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn health_counts(&self) -> Result<HealthCounts, UseCaseError> {
        Ok(self.parts.store.health_counts().await?)
    }

    /// How it went since an instant.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, UseCaseError> {
        Ok(self.parts.store.analytics(since).await?)
    }

    /// The tasks that took longest.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, UseCaseError> {
        Ok(self.parts.store.slowest_tasks(query).await?)
    }

    /// The steps that took longest.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, UseCaseError> {
        Ok(self.parts.store.slowest_steps(query).await?)
    }

    /// The time that tasks live by: the store's.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn now(&self) -> Result<Timestamp, UseCaseError> {
        Ok(self.parts.store.now().await?)
    }
}
