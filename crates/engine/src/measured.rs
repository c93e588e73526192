//! The store as the engine sees it: every call is measured, and one that took long is logged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::access::ApiKey;
use tasker_core::survey::{FailureCount, LongStep, LongTask, Population, Stage, Standing, Tallies, Traffic};
use tasker_core::time::Timestamp;
use tasker_store::keys::{KeyChange, KeyStore};
use tasker_store::query::Query;
use tasker_store::survey::{Scope, SurveyStore};
use tasker_store::wrapper::{Wrapper, measured};
use tasker_store::{Store, StoreError};

use crate::observe::Observer;

/// A store whose calls an observer is told of.
pub(crate) struct Measured {
    inner: Arc<dyn Store>,
    observer: Arc<dyn Observer>,
    /// From which time on a call counts as slow.
    slow_after: Duration,
}

impl Measured {
    pub(crate) fn new(inner: Arc<dyn Store>, observer: Arc<dyn Observer>, slow_after: Duration) -> Self {
        Self { inner, observer, slow_after }
    }

    fn inner_survey(&self) -> &dyn SurveyStore {
        self.inner.survey_store()
    }

    fn inner_keys(&self) -> &dyn KeyStore {
        self.inner.key_store()
    }
}

impl Wrapper for Measured {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn called(&self, query: Query, took: Duration) {
        self.observer.queried(query, took);
        if took > self.slow_after {
            self.observer.query_was_slow(query);
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(operation = query.as_str(), duration_ms = millis, "the database was slow");
        }
    }

    fn survey_store_through(&self) -> &dyn SurveyStore {
        self
    }

    fn key_store_through(&self) -> &dyn KeyStore {
        self
    }
}

#[async_trait]
impl SurveyStore for Measured {
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError> {
        measured(self, Query::Standing, self.inner_survey().standing(scope, since)).await
    }

    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError> {
        measured(self, Query::Traffic, self.inner_survey().traffic(scope, since)).await
    }

    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError> {
        measured(self, Query::Population, self.inner_survey().population(scope, since)).await
    }

    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError> {
        measured(self, Query::StepTallies, self.inner_survey().step_tallies(scope, since)).await
    }

    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError> {
        measured(self, Query::Failures, self.inner_survey().failures(scope, since)).await
    }

    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError> {
        measured(self, Query::LongTasks, self.inner_survey().long_tasks(scope, since, stage, limit)).await
    }

    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError> {
        measured(self, Query::LongSteps, self.inner_survey().long_steps(scope, since, limit)).await
    }
}

#[async_trait]
impl KeyStore for Measured {
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError> {
        measured(self, Query::AddKey, self.inner_keys().add_key(key)).await
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        measured(self, Query::Key, self.inner_keys().key(id)).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        measured(self, Query::Keys, self.inner_keys().keys()).await
    }

    async fn change_key(&self, id: &str, change: KeyChange) -> Result<Option<ApiKey>, StoreError> {
        measured(self, Query::ChangeKey, self.inner_keys().change_key(id, change)).await
    }
}
