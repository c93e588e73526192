//! How it goes and went lately.

use serde::{Deserialize, Serialize};
use tasker_core::survey::{self, Standing, TRENDS, Traffic};

use super::{AnalyticsScope, Percentiles, failures};
use crate::cache_info::CacheInfo;
use crate::instant::Instant;

/// How it goes and went lately.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Performance {
    /// How many tasks there are.
    pub system_overview: Option<SystemOverview>,
    /// What came and went.
    pub performance_trends: PerformanceTrends,
    /// Which tasks were looked at.
    pub scope: AnalyticsScope,
    /// What could not be found out: `system_overview`, `last_hour`, `last_4_hours`, `last_24_hours`.
    pub partial_failures: Vec<String>,
    /// When this was found out.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at: Instant,
    /// How fresh it is.
    pub cache_info: CacheInfo,
}

/// How many tasks there are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemOverview {
    /// Tasks that are `pending` or `in_progress`.
    pub active_tasks: u64,
    /// Namespaces of which there is a task.
    pub total_namespaces: u64,
    /// Names of definitions, with their namespaces, of which there is a task.
    pub unique_task_types: u64,
    /// Of the tasks that became complete or failed within the last hour: the share of complete ones, 0 to 1, three decimals;
    /// `null` if there are none.
    pub system_health_score: Option<f64>,
}

/// What came and went, by how far it is looked back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceTrends {
    /// Within the last hour.
    pub last_hour: Option<Trend>,
    /// Within the last four hours.
    pub last_4_hours: Option<Trend>,
    /// Within the last day.
    pub last_24_hours: Option<Trend>,
}

/// What came and went in a span of time. Rates and means are 0 of nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trend {
    /// Tasks created in it.
    pub task_throughput: u64,
    /// Tasks that became complete in it.
    pub tasks_completed: u64,
    /// Tasks that failed in it, and are in error still.
    pub tasks_failed: u64,
    /// `tasks_completed` in percent of `task_throughput`, two decimals; above 100 if more went than came.
    pub completion_rate: f64,
    /// `tasks_failed` in percent of `task_throughput`, two decimals.
    pub error_rate: f64,
    /// Mean seconds from creation to completion of the tasks that became complete, three decimals.
    pub avg_task_duration: f64,
    /// Percentiles of the same.
    #[serde(flatten)]
    pub task_duration: Percentiles,
    /// Mean seconds from the start of the last execution to completion of the steps that became complete, three decimals.
    pub avg_step_duration: f64,
    /// Mean seconds that these steps had waited before: from the end of their last parents, or the creation of their tasks,
    /// to the start of the last execution; three decimals.
    pub avg_step_queue_time: f64,
    /// Steps that became complete in it.
    pub step_throughput: u64,
}

impl Performance {
    /// The document.
    pub fn new(found: &survey::Performance, scope: AnalyticsScope, generated_at: Instant) -> Self {
        let mut parts = vec![("system_overview", found.standing.is_some())];
        parts.extend(TRENDS.iter().zip(&found.trends).map(|((name, _), trend)| (*name, trend.is_some())));
        let [last_hour, last_4_hours, last_24_hours] =
            found.trends.each_ref().map(|traffic| traffic.as_ref().map(Trend::from));
        Self {
            system_overview: found.standing.as_ref().map(SystemOverview::from),
            performance_trends: PerformanceTrends { last_hour, last_4_hours, last_24_hours },
            scope,
            partial_failures: failures(parts),
            generated_at,
            cache_info: CacheInfo::default(),
        }
    }
}

impl From<&Standing> for SystemOverview {
    fn from(standing: &Standing) -> Self {
        Self {
            active_tasks: standing.active,
            total_namespaces: standing.namespaces,
            unique_task_types: standing.task_types,
            system_health_score: standing.health_score(),
        }
    }
}

impl From<&Traffic> for Trend {
    fn from(traffic: &Traffic) -> Self {
        Self {
            task_throughput: traffic.created,
            tasks_completed: traffic.complete.count,
            tasks_failed: traffic.in_error,
            completion_rate: traffic.completion_rate(),
            error_rate: traffic.error_rate(),
            avg_task_duration: traffic.complete.mean(),
            task_duration: Percentiles::from(&traffic.complete),
            avg_step_duration: traffic.steps.mean_run(),
            avg_step_queue_time: traffic.steps.mean_queued(),
            step_throughput: traffic.steps.count,
        }
    }
}
