//! Settings of `/health`.

use std::time::Duration;

use tasker_core::health::Thresholds;

use crate::resolve::Resolved;

/// How it is told whether all goes well.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HealthSettings {
    /// Whether `GET /health/status` asks for a permission.
    pub status_requires_authentication: bool,
    /// Longest time that the checks of `GET /health/ready` may take.
    pub readiness_timeout: Duration,
    /// How long an answer of `GET /health/status` is used again.
    pub cache_duration: Duration,
    /// How far is looked back for errors.
    pub error_window: Duration,
    /// What is too much.
    pub thresholds: Thresholds,
}

impl HealthSettings {
    pub(crate) fn of(resolved: &Resolved) -> Self {
        let seconds = |key: &str| Duration::from_secs(resolved.size(key) as u64);
        Self {
            status_requires_authentication: resolved.flag("health.status_requires_authentication"),
            readiness_timeout: Duration::from_secs_f64(resolved.number("health.readiness_timeout_seconds")),
            cache_duration: seconds("health.cache_duration_seconds"),
            error_window: 60 * seconds("health.error_window_minutes"),
            thresholds: Thresholds {
                connection_utilization: resolved.number("health.max_connection_utilization"),
                task_error_rate: resolved.number("health.max_task_error_rate"),
                step_error_rate: resolved.number("health.max_step_error_rate"),
            },
        }
    }
}
