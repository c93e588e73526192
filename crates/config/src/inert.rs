//! Settings of parts that this system does not have: accepted, so that files of the reference work, and named in a
//! warning, because they have no effect.

/// Sections or keys without effect, and why. A `*` stands for one or more levels.
const INERT: &[(&[&str], &str)] = &[
    (
        &[
            "execution.min_concurrent_steps",
            "execution.max_concurrent_steps_limit",
            "execution.concurrency_cache_duration",
            "execution.batch_timeout_base_seconds",
            "execution.batch_timeout_per_step_seconds",
            "execution.max_batch_timeout_seconds",
            "execution.connection_pressure_factors",
            "execution.connection_pressure_factors.*",
            "execution.health_assessment_cache_duration",
            "execution.connection_health_log_level",
        ],
        "concurrency is not computed from connection pools; set execution.max_concurrent_steps",
    ),
    (
        &[
            "backoff.reenqueue_delays",
            "backoff.reenqueue_delays.*",
            "backoff.default_reenqueue_delay",
            "backoff.buffer_seconds",
        ],
        "tasks are not enqueued again: a step is due at the time stored with it",
    ),
    (
        &[
            "engine.task_handler_directory",
            "engine.task_config_directory",
            "engine.default_module_namespace",
            "engine.identity_strategy_class",
            "engine.custom_events_directories",
        ],
        "definitions are registered, not discovered, and no code is generated",
    ),
    (&["cache.*"], "there is no cache store to set up"),
    // What would keep somebody out is not here: it must not be passed over in silence.
    (
        &[
            "auth.current_user_method",
            "auth.authenticate_user_method",
            "auth.user_class",
            "authentication.*",
            "health.ready_requires_authentication",
            "health.status_endpoint_requires_auth",
        ],
        "this program's HTTP API has no such part",
    ),
    (
        &[
            "database.name",
            "database.enable_secondary_database",
            "database.schema",
            "database.max_connections",
            "database.min_connections",
            "database.acquire_timeout",
            "database.statement_timeout",
            "database.read_url",
        ],
        "the embedded database has no connection pool",
    ),
    (&["events.*", "sinks.*"], "events are not delivered to other systems"),
    (&["registry.handler_missing_timeout", "registry.heartbeat"], "a step whose handler nobody serves waits"),
    (
        &[
            "telemetry.enabled",
            "telemetry.service_name",
            "telemetry.service_version",
            "telemetry.structured_logging_enabled",
            "telemetry.correlation_id_header",
            "telemetry.metrics_endpoint",
            "telemetry.metrics_format",
            "telemetry.performance_monitoring_enabled",
            "telemetry.memory_threshold_mb",
            "telemetry.event_sampling_rate",
            "telemetry.filtered_events",
            "telemetry.max_stored_samples",
            "telemetry.metrics_retention_hours",
            "telemetry.prometheus.*",
            "telemetry.config.*",
            "telemetry.otlp.*",
            "telemetry.metrics.*",
        ],
        "metrics are read at GET /metrics, and traces are not part of this program",
    ),
];

/// Why a setting has no effect, if it is one of these.
pub(crate) fn reason(key: &str) -> Option<&'static str> {
    INERT.iter().find(|(keys, _)| keys.iter().any(|pattern| matches(pattern, key))).map(|(_, reason)| *reason)
}

/// The keys without `*`, for proposals.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    INERT.iter().flat_map(|(keys, _)| *keys).copied().filter(|key| !key.ends_with('*'))
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(section) => {
            key == section || key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
        }
        None => key == pattern,
    }
}
