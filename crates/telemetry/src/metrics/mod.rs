//! Metrics: numbers about what an engine and its API do, in the forms that scrapers read.
//!
//! ```text
//!  engine ── Observer ────> Metrics ──> series of definitions (per_definition.rs)
//!                              │    ├─> series of events      (events.rs)
//!                              │    ├─> series of calls       (queries.rs)
//!  API ───── ApiObserver ─>    │    └─> series of requests    (requests.rs)
//!  database <── counts ────────┘ at most every 15 s           (database.rs)
//!  worker <──── load ──────────┤ when it is read              (worker.rs)
//!                              └──> text, OpenMetrics, JSON    (exposition.rs)
//! ```
//!
//! Values of labels come from definitions that somebody registered, from the table of routes, and from words written in
//! this crate: never from ids, requests or error texts, so their number is bounded.

mod database;
mod events;
mod exposition;
mod per_definition;
mod queries;
mod requests;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGaugeVec, Opts, Registry};
use tasker_core::backoff::WaitSource;
use tasker_core::ids::Ordinal;
use tasker_core::outcome::Outcome;
use tasker_core::plan::Plan;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_engine::Engine;
use tasker_engine::observe::{CommitKind, Observer};
use tasker_http::{MetricsForm, MetricsSource};
use tasker_store::query::Query;

use self::events::Events;
use self::per_definition::Definitions;
use self::queries::Queries;
use self::requests::Requests;

/// What every name begins with.
const PREFIX: &str = "tasker";

/// What a label says where there are too many values, or none is known.
const OTHER: &str = "other";

/// Bounds of durations, in seconds.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Bounds of waits and of durations of tasks, in seconds.
const LONG_SECONDS: &[f64] =
    &[0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// Bounds of batches, in items.
const ITEMS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// All metrics of a process. It is the observer of its engine and of its API, and what scrapers read. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Parts>);

struct Parts {
    registry: Registry,
    definitions: Definitions,
    requests: Requests,
    events: Events,
    queries: Queries,
    commits: Commits,
}

/// What is counted of transactions.
struct Commits {
    outcomes_stale: IntCounter,
    leases_expired: IntCounter,
    accept_batch_size: Histogram,
    accept_seconds: Histogram,
    settle_batch_size: Histogram,
    settle_seconds: Histogram,
}

/// What scrapers read: the metrics of a process, with what its database counts.
pub struct Exporter {
    metrics: Metrics,
    engine: Engine,
}

impl Metrics {
    /// All series begin at zero.
    pub fn new() -> Self {
        let registry = Registry::new_custom(Some(PREFIX.into()), None).expect("the prefix is a name");
        let build =
            IntGaugeVec::new(Opts::new("build_info", "The program that runs; always 1"), &["version"]);
        registered(&registry, build).with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self(Arc::new(Parts {
            definitions: Definitions::new(&registry),
            requests: Requests::new(&registry),
            events: Events::new(&registry),
            queries: Queries::new(&registry),
            commits: Commits::new(&registry),
            registry,
        }))
    }

    /// What scrapers read of this process and of the database of its engine.
    pub fn exporter(&self, engine: Engine) -> Exporter {
        Exporter { metrics: self.clone(), engine }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Exporter {
    /// Everything as it is now, in one form.
    pub async fn render(&self, form: MetricsForm) -> String {
        let mut families = self.metrics.0.registry.gather();
        families.extend(worker::families(&self.engine.worker_load().unwrap_or_default()));
        families.extend(database::families(&self.engine).await);
        families.sort_by(|a, b| a.name().cmp(b.name()));
        exposition::write(&families, form)
    }
}

#[async_trait::async_trait]
impl MetricsSource for Exporter {
    async fn metrics(&self, form: MetricsForm) -> String {
        self.render(form).await
    }
}

impl Commits {
    fn new(registry: &Registry) -> Self {
        Self {
            outcomes_stale: counter(
                registry,
                "outcomes_stale_total",
                "Outcomes that came too late: the claim was no longer held",
            ),
            leases_expired: counter(
                registry,
                "leases_expired_total",
                "Claims of lost workers that were settled",
            ),
            accept_batch_size: histogram(
                registry,
                "accept_batch_size",
                "Tasks accepted in one transaction",
                ITEMS,
            ),
            accept_seconds: histogram(
                registry,
                "accept_duration_seconds",
                "Time of a transaction that accepts tasks",
                SECONDS,
            ),
            settle_batch_size: histogram(
                registry,
                "settle_batch_size",
                "Outcomes and actions settled in one transaction",
                ITEMS,
            ),
            settle_seconds: histogram(
                registry,
                "settle_duration_seconds",
                "Time of a transaction that settles outcomes",
                SECONDS,
            ),
        }
    }
}

impl Observer for Metrics {
    fn task_accepted(&self, plan: &Plan) {
        self.0.definitions.of(plan).created.inc();
    }

    fn task_rejected(&self, plan: Option<&Plan>) {
        let definition = plan.map_or(self.0.definitions.other(), |plan| self.0.definitions.of(plan));
        definition.rejected.inc();
    }

    fn states_changed(&self, plan: &Plan, changes: &[Change]) {
        let Parts { definitions, events, .. } = &*self.0;
        for change in changes {
            events.count(change);
            match *change {
                Change::Task { from, to } => definitions.of(plan).moved(from, to),
                Change::Step { ordinal, to, .. } => definitions.step_moved(plan, ordinal, to),
            }
        }
    }

    fn task_ended(&self, plan: &Plan, state: TaskState, lasted: Duration) {
        self.0.definitions.of(plan).ended(state, lasted);
    }

    fn task_started(&self, plan: &Plan, waited: Duration) {
        self.0.definitions.of(plan).waited(waited);
    }

    fn attempt_started(&self, plan: &Plan, step: Ordinal, attempt: u32, waited: Duration) {
        self.0.definitions.step(plan, step).started(attempt, waited);
    }

    fn attempt_ended(&self, plan: &Plan, step: Ordinal, is_success: bool, took: Duration) {
        self.0.definitions.step(plan, step).ended(is_success, took);
    }

    fn outcome_settled(
        &self,
        plan: &Plan,
        step: Ordinal,
        outcome: &Outcome,
        _: StepState,
        retry_in: Option<Duration>,
    ) {
        let wait = retry_in.map(|wait| (wait, wait_source(plan, step, outcome)));
        self.0.definitions.step(plan, step).settled(outcome, wait);
    }

    fn outcome_stale(&self) {
        self.0.commits.outcomes_stale.inc();
    }

    fn lease_expired(&self) {
        self.0.commits.leases_expired.inc();
    }

    fn committed(&self, kind: CommitKind, items: usize, took: Duration) {
        let commits = &self.0.commits;
        let (size, seconds) = match kind {
            CommitKind::Accept => (&commits.accept_batch_size, &commits.accept_seconds),
            CommitKind::Settle => (&commits.settle_batch_size, &commits.settle_seconds),
        };
        size.observe(items as f64);
        seconds.observe(took.as_secs_f64());
    }

    fn queried(&self, query: Query, took: Duration) {
        self.0.queries.ended(query, took);
    }

    fn query_was_slow(&self, query: Query) {
        self.0.queries.was_slow(query);
    }
}

/// Why a step waits for as long as it does after this outcome.
fn wait_source(plan: &Plan, step: Ordinal, outcome: &Outcome) -> WaitSource {
    let retry_after = match outcome {
        Outcome::Failure(failure) => failure.retry_after(),
        Outcome::Success(_) | Outcome::LeaseExpired | Outcome::Interrupted => None,
    };
    WaitSource::of(plan.waits[step.index()], retry_after)
}

fn counter(registry: &Registry, name: &str, about: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, about))
}

fn histogram(registry: &Registry, name: &str, about: &str, bounds: &[f64]) -> Histogram {
    let options = HistogramOpts::new(name, about).buckets(bounds.to_vec());
    registered(registry, Histogram::with_opts(options))
}

/// Puts a metric into a registry. Names are written in this crate, each once; a test makes them all.
fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("names and labels are well-formed");
    registry.register(Box::new(metric.clone())).expect("every name is used once");
    metric
}
