//! Calls about many tasks together.

use tasker_wire::analytics::{AnalyticsScope, Bottlenecks, Performance};

use crate::client::Client;
use crate::error::Error;

impl Client {
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

fn pairs(scope: &AnalyticsScope) -> Vec<(&'static str, String)> {
    let AnalyticsScope { namespace, name, version } = scope.clone();
    let all = [("namespace", namespace), ("name", name), ("version", version)];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
