//! The newest events, in the order of the log.

use std::collections::VecDeque;
use std::sync::Arc;

use tasker_store::read::Cursor;

use super::event::Event;

/// Most events that are kept.
const MOST_EVENTS: usize = 16_384;

/// Most bytes that are kept, of what would be sent of the events.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The newest events, in the order of the log, without one missing between the first and the last.
pub(super) struct Ring {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The position before the first event.
    floor: Cursor,
    /// The position after the last event.
    tip: Cursor,
}

impl Ring {
    /// Without events yet, from a position on.
    pub(super) const fn new(at: Cursor) -> Self {
        Self { events: VecDeque::new(), bytes: 0, floor: at, tip: at }
    }

    pub(super) const fn tip(&self) -> Cursor {
        self.tip
    }

    /// Adds the next event of the log, and forgets the oldest if there are too many.
    pub(super) fn push(&mut self, event: Event) {
        self.tip = event.cursor;
        self.bytes += event.frame.len();
        self.events.push_back(Arc::new(event));
        while self.events.len() > MOST_EVENTS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.frame.len();
            self.floor = oldest.cursor;
        }
    }

    /// The next events after a position, so many at most; `None` if some of them are forgotten.
    pub(super) fn after(&self, position: Cursor, most: usize) -> Option<Vec<Arc<Event>>> {
        if !self.floor.is_within(position) {
            return None;
        }
        let first = self.events.partition_point(|event| event.cursor.is_within(position));
        Some(self.events.range(first..).take(most).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    fn told(ring: &Ring, position: u64, most: usize) -> Option<Vec<u64>> {
        let events = ring.after(Cursor::at(position), most)?;
        Some(events.iter().map(|event| event.cursor.n()).collect())
    }

    #[test]
    fn events_come_after_a_position_in_order() {
        let mut ring = Ring::new(Cursor::at(10));
        [11, 12, 15].into_iter().for_each(|n| ring.push(event(n)));
        assert_eq!(told(&ring, 10, 9), Some(vec![11, 12, 15]));
        assert_eq!(told(&ring, 11, 9), Some(vec![12, 15]));
        assert_eq!(told(&ring, 13, 9), Some(vec![15]));
        assert_eq!(told(&ring, 10, 2), Some(vec![11, 12]));
        assert_eq!(told(&ring, 15, 9), Some(vec![]));
        assert_eq!(told(&ring, 99, 9), Some(vec![]));
        assert_eq!(told(&ring, 9, 9), None);
        assert_eq!(ring.tip(), Cursor::at(15));
    }

    #[test]
    fn the_oldest_are_forgotten_and_whoever_needs_them_is_told() {
        let mut ring = Ring::new(Cursor::START);
        let most = MOST_EVENTS as u64;
        (1..=most + 2).for_each(|n| ring.push(event(n)));
        assert_eq!(told(&ring, 1, 1), None);
        assert_eq!(told(&ring, 2, 1), Some(vec![3]));
        assert_eq!(ring.events.len(), MOST_EVENTS);
    }
}
