//! What the database counts, read when somebody asks: at most every 15 seconds, and once however many ask.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, IntGauge, Opts, Registry};
use tasker_core::time::Timestamp;
use tasker_engine::Engine;
use tasker_store::analytics::Census;
use tasker_store::read::QueueDepth;

use super::{OTHER, PREFIX, registered};

/// How old what is told may be.
const MAX_AGE: Duration = Duration::from_secs(15);

/// Most namespaces that have series of their own.
const MOST_NAMESPACES: usize = 500;

/// Most handlers that have a series of their own.
const MOST_HANDLERS: usize = 500;

/// What the database of an engine holds. Without a database there are no gauges, and `database_up` says so.
pub(super) async fn families(engine: &Engine) -> Vec<MetricFamily> {
    let registry = Registry::new_custom(Some(PREFIX.into()), None).expect("the prefix is a name");
    let up = IntGauge::new("database_up", "Whether the database answered when it was last asked");
    let up = registered(&registry, up);
    match engine.counted(MAX_AGE).await {
        Ok(counted) => {
            up.set(1);
            tell_census(&registry, &counted.census);
            tell_queue(&registry, &counted.queue, counted.at);
            tell_lag(&registry, counted.log_lag);
        }
        Err(error) => tracing::warn!(error = %error, "the database cannot be counted"),
    }
    registry.gather()
}

fn tell_census(registry: &Registry, census: &Census) {
    let gauges = |name: &str, about: &str, labels: &[&str]| {
        registered(registry, GaugeVec::new(Opts::new(name, about), labels))
    };
    let of_namespace = |name: &str, about: &str| gauges(name, about, &["namespace"]);
    let tasks = gauges("tasks", "Tasks that are stored", &["namespace", "state"]);
    let steps = gauges("steps", "Steps that are stored", &["namespace", "state"]);
    let retryable = of_namespace("steps_retryable", "Steps in error that may be tried again");
    let exhausted = of_namespace("steps_retries_exhausted", "Steps in error that used up their executions");
    let waiting = of_namespace("steps_in_backoff", "Steps in error whose wait is not over");
    for (place, counts) in census.namespaces.iter().enumerate() {
        let namespace = if place < MOST_NAMESPACES { counts.namespace.as_str() } else { OTHER };
        for (state, n) in counts.tasks() {
            tasks.with_label_values(&[namespace, state.as_str()]).add(n as f64);
        }
        for (state, n) in counts.steps() {
            steps.with_label_values(&[namespace, state.as_str()]).add(n as f64);
        }
        retryable.with_label_values(&[namespace]).add(counts.retryable_errors as f64);
        exhausted.with_label_values(&[namespace]).add(counts.exhausted_retries as f64);
        waiting.with_label_values(&[namespace]).add(counts.in_backoff as f64);
    }
    let connections = gauges("db_pool_connections", "Connections to the database", &["state"]);
    connections.with_label_values(&["in_use"]).set(census.active_connections as f64);
    connections.with_label_values(&["max"]).set(census.max_connections as f64);
}

fn tell_queue(registry: &Registry, queue: &[QueueDepth], now: Timestamp) {
    let about = "Queue rows: due and not claimed, due later, running";
    let depth = GaugeVec::new(Opts::new("queue_depth", about), &["handler", "state"]);
    let depth = registered(registry, depth);
    let about = "How long the first due step of a handler has waited to be claimed";
    let oldest = GaugeVec::new(Opts::new("queue_oldest_due_seconds", about), &["handler"]);
    let oldest = registered(registry, oldest);
    for (place, row) in queue.iter().enumerate() {
        let handler = if place < MOST_HANDLERS { row.handler.as_str() } else { OTHER };
        for (state, n) in [("due", row.due), ("later", row.later), ("running", row.running)] {
            depth.with_label_values(&[handler, state]).add(n as f64);
        }
        let waited = row.next_due_at.map_or(0.0, |due| now.since(due).as_secs_f64());
        let oldest = oldest.with_label_values(&[handler]);
        oldest.set(oldest.get().max(waited));
    }
}

fn tell_lag(registry: &Registry, lag: Duration) {
    let about = "How long a write that is under way has kept the end of the log from being told";
    registered(registry, Gauge::new("log_horizon_lag_seconds", about)).set(lag.as_secs_f64());
}
