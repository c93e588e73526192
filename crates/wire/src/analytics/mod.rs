//! What is told of many tasks together, as documents. What could not be found out is `null` and named in
//! `partial_failures`.

mod bottlenecks;
mod counts;
mod metrics;
mod performance;
mod slowest;

use serde::{Deserialize, Serialize};
use tasker_core::survey::Spread;

pub use bottlenecks::{
    BlockedStep, BottleneckAnalysis, Bottlenecks, DependencyBottlenecks, DistributionBucket, ErrorPatterns,
    ErrorType, PerformanceDistribution, RecommendationDocument, ScopeSummary, SlowStepDocument,
    SlowTaskDocument,
};
pub use counts::SystemCounts;
pub use metrics::SystemMetrics;
pub use performance::{Performance, PerformanceTrends, SystemOverview, Trend};
pub use slowest::{SlowestStep, SlowestSteps, SlowestTask, SlowestTasks};

/// Which tasks were looked at: the filters that were given.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnalyticsScope {
    /// Only of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Only of definitions of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Percentiles, in seconds, three decimals; each is a span that there was. 0 of nothing.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Percentiles {
    /// What half of them did not exceed.
    pub p50: f64,
    /// What 95 in 100 did not exceed.
    pub p95: f64,
    /// What 99 in 100 did not exceed.
    pub p99: f64,
}

impl From<&Spread> for Percentiles {
    fn from(spread: &Spread) -> Self {
        let [p50, p95, p99] = spread.percentiles();
        Self { p50, p95, p99 }
    }
}

/// The names of those parts that could not be found out.
fn failures(parts: impl IntoIterator<Item = (&'static str, bool)>) -> Vec<String> {
    parts.into_iter().filter(|(_, is_found)| !is_found).map(|(name, _)| name.to_owned()).collect()
}
