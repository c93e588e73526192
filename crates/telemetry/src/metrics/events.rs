//! Series of the events of tasks and steps: what the log calls its changes.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use tasker_core::event;
use tasker_core::record::Change;

use super::registered;

/// How many events of each name were committed.
pub(super) struct Events(Vec<(&'static str, IntCounter)>);

impl Events {
    pub(super) fn new(registry: &Registry) -> Self {
        let about = Opts::new("events_published_total", "Changes of states that were committed");
        let family = registered(registry, IntCounterVec::new(about, &["event"]));
        Self(event::NAMES.iter().map(|&name| (name, family.with_label_values(&[name]))).collect())
    }

    pub(super) fn count(&self, change: &Change) {
        let name = event::name(change);
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == name) {
            counter.inc();
        }
    }
}
