//! What the database counts, read when somebody asks: at most every 15 seconds, and once however many ask.

use std::time::{Duration, Instant};

use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, IntGauge, Opts, Registry};
use tasker_core::time::Timestamp;
use tasker_engine::{Engine, UseCaseError};
use tasker_store::analytics::HealthCounts;
use tasker_store::read::QueueDepth;
use tokio::sync::Mutex;

use super::{OTHER, PREFIX, registered};

/// How long an answer is used again, at least.
const REUSED_FOR: Duration = Duration::from_secs(15);

/// Counting everything reads every step. It takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// Most handlers that have a series of their own.
const MOST_HANDLERS: usize = 500;

/// The database of an engine.
pub(super) struct Database {
    engine: Engine,
    last: Mutex<Option<Reading>>,
}

struct Reading {
    at: Instant,
    took: Duration,
    families: Vec<MetricFamily>,
}

/// What was counted at once.
struct Counted {
    now: Timestamp,
    counts: HealthCounts,
    queue: Vec<QueueDepth>,
    log_lag: Duration,
}

impl Database {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, last: Mutex::new(None) }
    }

    /// The last reading, or a new one. Whoever asks meanwhile waits for that.
    pub(super) async fn families(&self) -> Vec<MetricFamily> {
        let mut last = self.last.lock().await;
        if let Some(reading) = last.as_ref().filter(|reading| reading.is_fresh()) {
            return reading.families.clone();
        }
        let begin = Instant::now();
        let families = self.read().await;
        let reading = Reading { at: Instant::now(), took: begin.elapsed(), families };
        last.insert(reading).families.clone()
    }

    /// Without a database there are no gauges, and `database_up` says so.
    async fn read(&self) -> Vec<MetricFamily> {
        let registry = Registry::new_custom(Some(PREFIX.into()), None).expect("the prefix is a name");
        let up = IntGauge::new("database_up", "Whether the database answered when it was last asked");
        let up = registered(&registry, up);
        match self.counts().await {
            Ok(counted) => {
                up.set(1);
                tell_counts(&registry, &counted.counts);
                tell_queue(&registry, &counted.queue, counted.now);
                tell_lag(&registry, counted.log_lag);
            }
            Err(error) => tracing::warn!(error = %error, "the database cannot be counted"),
        }
        registry.gather()
    }

    async fn counts(&self) -> Result<Counted, UseCaseError> {
        let engine = &self.engine;
        Ok(Counted {
            now: engine.now().await?,
            counts: engine.health_counts().await?,
            queue: engine.queue().await?,
            log_lag: engine.log_lag().await?,
        })
    }
}

impl Reading {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < REUSED_FOR.max(self.took * SHARE)
    }
}

fn tell_counts(registry: &Registry, counts: &HealthCounts) {
    let tasks = [
        ("pending", counts.pending_tasks),
        ("in_progress", counts.in_progress_tasks),
        ("complete", counts.complete_tasks),
        ("error", counts.error_tasks),
        ("cancelled", counts.cancelled_tasks),
    ];
    let steps = [
        ("pending", counts.pending_steps),
        ("in_progress", counts.in_progress_steps),
        ("complete", counts.complete_steps),
        ("error", counts.error_steps),
    ];
    let connections = [("in_use", counts.active_connections), ("max", counts.max_connections)];
    tell(registry, "tasks", "Tasks that are stored", "state", &tasks);
    tell(registry, "steps", "Steps that are stored", "state", &steps);
    tell(registry, "db_pool_connections", "Connections to the database", "state", &connections);
    tell_one(
        registry,
        "steps_retryable",
        "Steps in error that may be tried again",
        counts.retryable_error_steps,
    );
    tell_one(
        registry,
        "steps_retries_exhausted",
        "Steps in error that used up their executions",
        counts.exhausted_retry_steps,
    );
    tell_one(registry, "steps_in_backoff", "Steps in error whose wait is not over", counts.in_backoff_steps);
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

fn tell(registry: &Registry, name: &str, about: &str, label: &str, values: &[(&str, u64)]) {
    let gauge = registered(registry, GaugeVec::new(Opts::new(name, about), &[label]));
    for (value, n) in values {
        gauge.with_label_values(&[value]).set(*n as f64);
    }
}

fn tell_one(registry: &Registry, name: &str, about: &str, n: u64) {
    registered(registry, Gauge::new(name, about)).set(n as f64);
}
