//! How busy the worker of this process is, read when somebody asks: nothing is counted meanwhile.

use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, Opts, Registry};
use tasker_engine::WorkerLoad;

use super::{PREFIX, registered};

/// The families of a load; all are zero where no worker runs.
pub(super) fn families(load: &WorkerLoad) -> Vec<MetricFamily> {
    let registry = Registry::new_custom(Some(PREFIX.into()), None).expect("the prefix is a name");
    let about = "Handlers that may run at once in this process, and that run";
    let concurrency = GaugeVec::new(Opts::new("workflow_concurrency", about), &["kind"]);
    let concurrency = registered(&registry, concurrency);
    for (kind, n) in [("limit", load.slots), ("in_use", load.running)] {
        concurrency.with_label_values(&[kind]).set(n as f64);
    }
    let one = |name: &str, about: &str, n: usize| {
        registered(&registry, Gauge::new(name, about)).set(n as f64);
    };
    one("claims_held", "Steps that this process has claimed and not settled", load.held);
    one(
        "workflow_active_tasks",
        "Tasks of which this process has claimed a step and not settled it",
        load.tasks,
    );
    one("handlers_overrunning", "Handlers that go on although their attempt is over", load.overrunning);
    registry.gather()
}
