//! The steps of a workset: few at a time, in document order, looked up by their ordinals.

use super::workset::Entry;
use crate::ids::Ordinal;

/// Steps, each once.
pub(super) struct Steps(Vec<Entry>);

impl FromIterator<Entry> for Steps {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        if !entries.is_sorted_by_key(Entry::ordinal) {
            entries.sort_by_key(Entry::ordinal);
        }
        entries.dedup_by_key(|entry| entry.ordinal());
        Self(entries)
    }
}

impl Steps {
    /// Adds a step, unless it is there.
    pub(super) fn add(&mut self, entry: Entry) {
        if let Err(at) = self.0.binary_search_by_key(&entry.ordinal(), Entry::ordinal) {
            self.0.insert(at, entry);
        }
    }

    pub(super) fn get(&self, step: Ordinal) -> Option<&Entry> {
        self.place(step).map(|at| &self.0[at])
    }

    pub(super) fn get_mut(&mut self, step: Ordinal) -> Option<&mut Entry> {
        self.place(step).map(|at| &mut self.0[at])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    pub(super) fn into_iter(self) -> impl ExactSizeIterator<Item = Entry> {
        self.0.into_iter()
    }

    pub(super) fn ordinals(&self) -> impl Iterator<Item = Ordinal> {
        self.0.iter().map(Entry::ordinal)
    }

    fn place(&self, step: Ordinal) -> Option<usize> {
        // Where all steps of a task are present, each stands at its ordinal.
        let at = step.index();
        if self.0.get(at).is_some_and(|entry| entry.ordinal() == step) {
            return Some(at);
        }
        self.0.binary_search_by_key(&step, Entry::ordinal).ok()
    }
}
