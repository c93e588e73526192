//! Which workers had unbroken contact with the store: a model of its own of who may judge whom (`engine.md` 5).

use std::collections::BTreeMap;
use std::time::Duration;

use tasker_core::ids::WorkerId;
use tasker_core::time::Timestamp;
use tasker_store::workers::{Heartbeat, WorkerRow};

/// What the store heard.
#[derive(Default)]
pub(super) struct Contact {
    /// When a worker was heard last.
    workers: BTreeMap<WorkerId, Timestamp>,
    /// When a node was heard, in order, under whatever id; by name.
    nodes: BTreeMap<String, Vec<Timestamp>>,
}

impl Contact {
    /// Judges the verdicts of a heartbeat that was sent at `sent_at` and heard `now`: `lost` are the workers that count
    /// as lost since then.
    pub(super) fn judge(
        &self,
        judge: &Heartbeat,
        sent_at: Timestamp,
        now: Timestamp,
        lost: &[WorkerRow],
    ) -> Result<(), String> {
        for worker in lost {
            let silent = self.workers.get(&worker.id).map_or(Duration::MAX, |last| now.since(*last));
            if silent <= judge.lease {
                return Err(format!(
                    "worker {} was judged lost after {} ms without heartbeat; its lease is {} ms",
                    worker.name,
                    silent.as_millis(),
                    judge.lease.as_millis()
                ));
            }
            if let Some(why_not) = self.why_not_to_judge(judge, sent_at, now) {
                return Err(format!(
                    "worker {} was judged lost by {}, which {why_not}",
                    worker.name, judge.name
                ));
            }
        }
        Ok(())
    }

    /// Only who was in unbroken contact for a whole lease, as far as it could know, and was heard lately, may judge.
    fn why_not_to_judge(&self, judge: &Heartbeat, sent_at: Timestamp, now: Timestamp) -> Option<String> {
        let last = self.nodes.get(&judge.name).and_then(|heard| heard.last());
        let silent = last.map_or(Duration::MAX, |last| now.since(*last));
        if silent > judge.lease {
            return Some(format!("itself was not heard for {} ms", silent.as_millis()));
        }
        let contact = self.unbroken(judge, sent_at);
        (contact < judge.lease).then(|| format!("itself had contact for {} ms only", contact.as_millis()))
    }

    /// For how long a node had been heard without a gap longer than its lease, at some time.
    fn unbroken(&self, beat: &Heartbeat, at: Timestamp) -> Duration {
        let heard = self.nodes.get(&beat.name).map_or(&[][..], Vec::as_slice);
        let mut since = at;
        for &heard_at in heard.iter().rev().skip_while(|heard_at| **heard_at > at) {
            if since.since(heard_at) > beat.lease {
                break;
            }
            since = heard_at;
        }
        at.since(since)
    }

    /// The store heard a node. What it is told does not matter, but a worker that is lost already cannot be heard.
    pub(super) fn note(&mut self, beat: &Heartbeat, now: Timestamp, lost: bool) {
        self.nodes.entry(beat.name.clone()).or_default().push(now);
        if !lost {
            self.workers.insert(beat.worker, now);
        }
    }
}
