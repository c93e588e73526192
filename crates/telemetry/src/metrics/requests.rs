//! Series of requests to the API.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use tasker_http::{Answered, ApiObserver, Bucket};

use super::{Metrics, SECONDS, registered};

/// What is counted of requests.
pub(super) struct Requests {
    requests: IntCounterVec,
    seconds: HistogramVec,
    auth_failures: IntCounterVec,
    denied: IntCounterVec,
    rate_limited: IntCounterVec,
    streams: IntGauge,
}

impl Requests {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |name: &str, about: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, about), labels))
        };
        let seconds =
            HistogramOpts::new("http_request_duration_seconds", "Time from a request to its answer");
        let rate_limited = counters("rate_limited_total", "Requests that came too soon", &["bucket"]);
        for bucket in ["peer", "principal"] {
            rate_limited.with_label_values(&[bucket]);
        }
        Self {
            requests: counters("http_requests_total", "Requests answered", &["method", "route", "status"]),
            seconds: registered(
                registry,
                HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["method", "route"]),
            ),
            auth_failures: counters(
                "auth_failures_total",
                "Requests whose sender is not known",
                &["strategy", "reason"],
            ),
            denied: counters(
                "authorization_denied_total",
                "Requests whose sender may not do this",
                &["permission"],
            ),
            rate_limited,
            streams: registered(
                registry,
                IntGauge::new("sse_connections", "Streams of events that are open"),
            ),
        }
    }
}

impl ApiObserver for Metrics {
    fn answered(&self, answered: Answered<'_>) {
        let requests = &self.0.requests;
        let Answered { method, route, status, took } = answered;
        requests.requests.with_label_values(&[method, route, status.as_str()]).inc();
        requests.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    fn not_authenticated(&self, strategy: &str, reason: &str) {
        self.0.requests.auth_failures.with_label_values(&[strategy, reason]).inc();
    }

    fn not_authorized(&self, permission: &str) {
        self.0.requests.denied.with_label_values(&[permission]).inc();
    }

    fn stream_opened(&self) {
        self.0.requests.streams.inc();
    }

    fn stream_closed(&self) {
        self.0.requests.streams.dec();
    }

    fn rate_limited(&self, bucket: Bucket<'_>) {
        let bucket = match bucket {
            Bucket::Peer(_) => "peer",
            Bucket::Principal(_) => "principal",
        };
        self.0.requests.rate_limited.with_label_values(&[bucket]).inc();
    }
}
