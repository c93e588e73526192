//! Calls about many tasks together.

use tasker_wire::analytics::{
    AnalyticsScope, Bottlenecks, Performance, SlowestSteps, SlowestTasks, SystemCounts, SystemMetrics,
};

use crate::client::Client;
use crate::error::Error;

/// What to look for among the slowest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SlowestQuery {
    /// Only of these definitions.
    pub scope: AnalyticsScope,
    /// Only of tasks created after this instant, RFC 3339; a day ago if absent.
    pub since: Option<String>,
    /// Most rows, 1 to 100; 10 if absent.
    pub limit: Option<usize>,
}

impl Client {
    /// How many tasks and steps there are in each state.
    ///
    /// # Errors
    /// [`Error`]; `AUTHORIZATION_FAILED` for who is limited to some namespaces.
    pub async fn system_counts(&self) -> Result<SystemCounts, Error> {
        self.read(self.get(&["analytics", "counts"], &[])).await
    }

    /// How it went since an instant, RFC 3339; for an hour if absent.
    ///
    /// # Errors
    /// [`Error`]; `AUTHORIZATION_FAILED` for who is limited to some namespaces.
    pub async fn system_metrics(&self, since: Option<&str>) -> Result<SystemMetrics, Error> {
        let query: Vec<_> = since.map(|since| ("since", since.to_owned())).into_iter().collect();
        self.read(self.get(&["analytics", "metrics"], &query)).await
    }

    /// The tasks that took longest.
    ///
    /// # Errors
    /// [`Error`]; `AUTHORIZATION_FAILED` for who is limited to some namespaces and names none.
    pub async fn slowest_tasks(&self, query: &SlowestQuery) -> Result<SlowestTasks, Error> {
        self.read(self.get(&["analytics", "slowest_tasks"], &query.pairs())).await
    }

    /// The steps that took longest.
    ///
    /// # Errors
    /// As [`Self::slowest_tasks`].
    pub async fn slowest_steps(&self, query: &SlowestQuery) -> Result<SlowestSteps, Error> {
        self.read(self.get(&["analytics", "slowest_steps"], &query.pairs())).await
    }

    /// How it goes, and went lately, of the tasks that the caller may see.
    ///
    /// # Errors
    /// [`Error`]; `SERVICE_UNAVAILABLE`: nothing could be found out.
    pub async fn performance(&self, scope: &AnalyticsScope) -> Result<Performance, Error> {
        self.read(self.get(&["analytics", "performance"], &pairs(scope))).await
    }

    /// What took long, failed and waits, of the tasks created within `period_hours` (24; 1 to 720) that the caller may see.
    /// Lists have `limit` (10; 1 to 50) rows at most.
    ///
    /// # Errors
    /// [`Error`]; `SERVICE_UNAVAILABLE`: nothing could be found out.
    pub async fn bottlenecks(
        &self,
        scope: &AnalyticsScope,
        period_hours: Option<u32>,
        limit: Option<u32>,
    ) -> Result<Bottlenecks, Error> {
        let mut query = pairs(scope);
        query.extend(period_hours.map(|hours| ("period", hours.to_string())));
        query.extend(limit.map(|limit| ("limit", limit.to_string())));
        self.read(self.get(&["analytics", "bottlenecks"], &query)).await
    }
}

impl SlowestQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut query = pairs(&self.scope);
        query.extend(self.since.clone().map(|since| ("since", since)));
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        query
    }
}

fn pairs(scope: &AnalyticsScope) -> Vec<(&'static str, String)> {
    let AnalyticsScope { namespace, name, version } = scope.clone();
    let all = [("namespace", namespace), ("name", name), ("version", version)];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
