//! Series of the calls of the store.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tasker_store::query::Query;

use super::{SECONDS, registered};

/// How many calls there are.
const CALLS: usize = Query::ALL.len();

/// What is counted of calls. The series of a call begin with its first.
pub(super) struct Queries {
    seconds: HistogramVec,
    slow: IntCounterVec,
    seconds_of: [OnceLock<Histogram>; CALLS],
    slow_of: [OnceLock<IntCounter>; CALLS],
}

impl Queries {
    pub(super) fn new(registry: &Registry) -> Self {
        let seconds = HistogramOpts::new("query_duration_seconds", "Time of a call of the database");
        let seconds = HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["query"]);
        let slow = Opts::new("slow_operations_total", "Calls of the database that took long");
        Self {
            seconds: registered(registry, seconds),
            slow: registered(registry, IntCounterVec::new(slow, &["operation"])),
            seconds_of: [const { OnceLock::new() }; CALLS],
            slow_of: [const { OnceLock::new() }; CALLS],
        }
    }

    pub(super) fn ended(&self, query: Query, took: Duration) {
        let seconds =
            self.seconds_of[query.index()].get_or_init(|| self.seconds.with_label_values(&[query.as_str()]));
        seconds.observe(took.as_secs_f64());
    }

    pub(super) fn was_slow(&self, query: Query) {
        let slow = self.slow_of[query.index()].get_or_init(|| self.slow.with_label_values(&[query.as_str()]));
        slow.inc();
    }
}
