//! The story of a simulated world: one line per event, with the virtual time and the names that the world gave.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Mutex;

use tokio::time::Instant;
use uuid::Uuid;

use super::shared::lock;

/// What happened so far. Nothing in it depends on anything but the seed.
pub(super) struct Story {
    start: Instant,
    text: Mutex<String>,
    names: Mutex<BTreeMap<Uuid, String>>,
}

impl Story {
    /// Begins now.
    pub(super) fn new(start: Instant) -> Self {
        Self { start, text: Mutex::default(), names: Mutex::default() }
    }

    /// Adds a line. `who` is a node, or whoever else does it.
    pub(super) fn tell(&self, who: &str, what: impl Display) {
        let millis = self.millis();
        let mut text = lock(&self.text);
        writeln!(text, "{:>4}.{:03} {who:<6} {what}", millis / 1000, millis % 1000)
            .expect("writing to a text never fails");
    }

    /// Virtual time since the beginning, in milliseconds.
    pub(super) fn millis(&self) -> u64 {
        (Instant::now() - self.start).as_millis() as u64
    }

    /// Gives an id a name that people can follow.
    pub(super) fn christen(&self, id: Uuid, name: String) {
        lock(&self.names).insert(id, name);
    }

    /// The name of an id; the id itself if it has none.
    pub(super) fn name(&self, id: Uuid) -> String {
        lock(&self.names).get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        lock(&self.text).clone()
    }
}
