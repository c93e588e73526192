//! Where looks at the queue begin.
//!
//! Every claimed row leaves a dead entry in the index of unclaimed rows. As long as anybody holds an old snapshot (a
//! long report, a backup), dead entries cannot be removed, and a look that began at the head of each list would read all
//! of them, one by one. So a node remembers for each list (handler and priority class) a position before which it
//! found nothing and nothing can come, and begins there.
//!
//! What can still come is known, because a row that becomes claimable is due no earlier than its transaction's time. A
//! look tells the lowest id that a transaction under way may have; no such transaction began before one with a lower
//! id, and of the node's own transactions id and time are known.
//!
//! That is not so for transactions that were under way for longer than [`LONGEST`] or held up between their time and their
//! id for longer than [`SLACK`], or when a clock is set back or a backup is restored. So whole lists are looked at again
//! and again: each second, or, when that takes long, so seldom that it takes a five-hundredth of the time, but each minute.
//! A wrong mark delays a claim that long; it never loses a step.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tasker_core::time::Timestamp;

/// A transaction's rows are due no earlier than so long before its id was given: decisions may rely on a time that is 100
/// ms old, and a session may be held up.
const SLACK: Duration = Duration::from_millis(150);

/// Older transactions are not waited for.
const LONGEST: Duration = Duration::from_secs(30);

/// Two points are this far apart.
const GRAIN: Duration = Duration::from_millis(5);

/// Without a point for so long, a look makes one.
const POINT_EVERY: Duration = Duration::from_secs(1);

/// Whole lists are looked at so often at most, and so seldom at least.
const WHOLE_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Looks at whole lists take this part of the time at most.
const WHOLE_SHARE: u32 = 500;

/// A list of the queue: handler and priority class.
pub(crate) type List = (i64, i16);

/// A place in a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Position {
    pub(crate) run_at: Timestamp,
    pub(crate) arrival: i64,
    pub(crate) ordinal: i32,
}

impl Position {
    /// Before every row.
    pub(crate) const START: Self = Self::at(Timestamp::from_micros(0));

    /// Before every row that is due then.
    const fn at(run_at: Timestamp) -> Self {
        Self { run_at, arrival: 0, ordinal: 0 }
    }
}

/// How to look.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) begins: Vec<Position>,
    /// Transactions up to this id are not waited for.
    pub(crate) after_xid: i64,
    /// Whether the look shall make a point: take an id itself.
    pub(crate) makes_point: bool,
    whole: bool,
    started: Instant,
}

impl Plan {
    /// Whole lists, without anything to be learnt.
    pub(crate) fn whole(lists: &[List]) -> Self {
        Memory::default().plan(lists, Instant::now()).without_point()
    }

    fn without_point(self) -> Self {
        Self { makes_point: false, ..self }
    }
}

/// What a look saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) now: Timestamp,
    /// No transaction under way has a lower id.
    pub(crate) oldest_xid: i64,
    /// The id that it took.
    pub(crate) own_xid: Option<i64>,
    /// The first due row of lists; none: nothing is due in that list.
    pub(crate) firsts: Vec<(List, Option<Position>)>,
}

/// What a node knows about the heads of the lists.
#[derive(Default)]
pub(crate) struct Marks(Mutex<Memory>);

impl Marks {
    /// Learns of a transaction of this node: its time, and its id.
    pub(crate) fn tell(&self, now: Timestamp, xid: i64) {
        self.memory().tell(now, xid, Instant::now());
    }

    /// Where to begin in these lists.
    pub(crate) fn plan(&self, lists: &[List]) -> Plan {
        self.memory().plan(lists, Instant::now())
    }

    /// Learns what came of a look.
    pub(crate) fn learn(&self, plan: &Plan, seen: Seen) {
        self.memory().learn(plan, seen, Instant::now());
    }

    /// Where the lists begin as far as that is known.
    pub(crate) fn begins(&self, lists: &[List]) -> Vec<Position> {
        self.memory().begins(lists)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[derive(Default)]
struct Memory {
    begins: HashMap<List, Position>,
    /// Times and ids of transactions, both ascending: what has a higher id has a later time.
    points: VecDeque<(Timestamp, i64)>,
    /// Transactions up to this id are over, or were under way for too long.
    over_xid: i64,
    pointed: Option<Instant>,
    next_whole: Option<Instant>,
}

impl Memory {
    fn tell(&mut self, now: Timestamp, xid: i64, at: Instant) {
        if let Some((last, last_xid)) = self.points.back().copied() {
            let (is_older, is_newer) = (now.plus(SLACK) < last, now > last.plus(SLACK));
            if (is_older && xid > last_xid) || (is_newer && xid < last_xid) {
                // The clock was set back, or the database.
                *self = Self::default();
            } else if now < last.plus(GRAIN) || xid < last_xid {
                return;
            }
        }
        self.points.push_back((now, xid));
        self.pointed = Some(at);
    }

    fn plan(&mut self, lists: &[List], at: Instant) -> Plan {
        let whole = self.next_whole.is_none_or(|next| at >= next);
        if whole {
            // Should this look fail because it takes too long, the next ones must not.
            self.next_whole = Some(at + WHOLE_EVERY.1);
        }
        Plan {
            begins: if whole { vec![Position::START; lists.len()] } else { self.begins(lists) },
            after_xid: self.over_xid,
            makes_point: self.pointed.is_none_or(|pointed| at >= pointed + POINT_EVERY),
            whole,
            started: at,
        }
    }

    fn begins(&self, lists: &[List]) -> Vec<Position> {
        lists.iter().map(|list| self.begins.get(list).copied().unwrap_or(Position::START)).collect()
    }

    fn learn(&mut self, plan: &Plan, seen: Seen, at: Instant) {
        if plan.whole {
            let pause = (at - plan.started) * WHOLE_SHARE;
            self.next_whole = Some(at + pause.clamp(WHOLE_EVERY.0, WHOLE_EVERY.1));
        }
        if let Some(nothing_before) = self.nothing_before(&seen) {
            for (list, first) in seen.firsts {
                let known = self.begins.get(&list).map_or(nothing_before, |begin| nothing_before.max(*begin));
                self.begins.insert(list, first.map_or(known, |first| first.min(known)));
            }
        }
        if let Some(xid) = seen.own_xid {
            self.tell(seen.now, xid, at);
        }
    }

    /// Rows before this position are there already or never will be.
    fn nothing_before(&mut self, seen: &Seen) -> Option<Position> {
        let is_over = |(now, xid): &(Timestamp, i64)| *xid < seen.oldest_xid || now.plus(LONGEST) < seen.now;
        while self.points.get(1).is_some_and(is_over) {
            self.points.pop_front();
        }
        let (now, xid) = self.points.front().copied().filter(is_over)?;
        self.over_xid = xid;
        Some(Position::at(now.minus(SLACK)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List = (7, 5);
    const OTHER: List = (7, 0);

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000 + millis * 1_000)
    }

    fn due(millis: i64, arrival: i64) -> Position {
        Position { run_at: time(millis), arrival, ordinal: 0 }
    }

    struct Node {
        memory: Memory,
        at: Instant,
    }

    impl Node {
        fn new() -> Self {
            Self { memory: Memory::default(), at: Instant::now() }
        }

        fn tell(&mut self, millis: i64, xid: i64) {
            self.memory.tell(time(millis), xid, self.at);
        }

        /// A look that takes no time; where the two lists began.
        fn look(&mut self, now: i64, oldest_xid: i64, first: Option<Position>) -> Vec<Position> {
            let plan = self.memory.plan(&[LIST, OTHER], self.at);
            let firsts = vec![(LIST, first), (OTHER, None)];
            let seen = Seen { now: time(now), oldest_xid, own_xid: None, firsts };
            self.memory.learn(&plan, seen, self.at);
            plan.begins
        }

        fn begins(&self) -> Vec<Position> {
            self.memory.begins(&[LIST, OTHER])
        }
    }

    #[test]
    fn a_list_begins_at_its_first_row_or_where_nothing_can_come() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        assert_eq!(node.look(10_100, 60, Some(due(3_000, 8))), [Position::START; 2]);
        assert_eq!(node.begins(), [due(3_000, 8), Position::at(time(9_850))]);
        assert_eq!(node.look(10_200, 60, Some(due(9_900, 9))), [due(3_000, 8), Position::at(time(9_850))]);
        assert_eq!(node.begins(), [Position::at(time(9_850)); 2]);
    }

    #[test]
    fn transactions_under_way_hold_marks_back() {
        let mut node = Node::new();
        for (millis, xid) in [(10_000, 50), (11_000, 60), (12_000, 70)] {
            node.tell(millis, xid);
        }
        // Whoever has id 60 or more may have begun at 11,000.
        node.look(13_000, 60, None);
        assert_eq!(node.begins()[0], Position::at(time(9_850)));
        node.look(13_000, 61, None);
        assert_eq!(node.begins()[0], Position::at(time(10_850)));
        node.look(13_000, 99, None);
        assert_eq!(node.begins()[0], Position::at(time(11_850)));
        // They never go back for that.
        node.look(13_000, 71, None);
        assert_eq!(node.begins()[0], Position::at(time(11_850)));
    }

    #[test]
    fn without_a_point_below_everything_under_way_nothing_is_marked() {
        let mut node = Node::new();
        node.look(10_000, 60, None);
        assert_eq!(node.begins(), [Position::START; 2]);
        node.tell(10_000, 60);
        node.look(10_000, 60, None);
        assert_eq!(node.begins(), [Position::START; 2]);
    }

    #[test]
    fn what_was_under_way_before_the_first_point_holds_marks_back_too() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        assert_eq!(node.memory.plan(&[LIST], node.at).after_xid, 0);
        node.look(11_000, 45, None);
        assert_eq!(node.begins(), [Position::START; 2]);
        node.look(11_000, 60, None);
        assert_eq!(node.begins()[0], Position::at(time(9_850)));
        assert_eq!(node.memory.plan(&[LIST], node.at).after_xid, 50);
    }

    #[test]
    fn what_is_under_way_for_too_long_is_not_waited_for() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        node.tell(20_000, 60);
        node.look(40_000, 45, None);
        assert_eq!(node.memory.plan(&[LIST], node.at).after_xid, 0);
        node.look(40_001, 45, None);
        assert_eq!(node.memory.plan(&[LIST], node.at).after_xid, 50);
        node.look(60_000, 55, None);
        assert_eq!(node.memory.plan(&[LIST], node.at).after_xid, 60);
    }

    #[test]
    fn whole_lists_are_looked_at_each_second_and_more_seldom_if_that_takes_long() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        node.look(10_100, 60, None);
        node.at += Duration::from_millis(999);
        assert_eq!(node.look(11_000, 60, None), [Position::at(time(9_850)); 2]);
        node.at += Duration::from_millis(1);
        let plan = node.memory.plan(&[LIST], node.at);
        assert_eq!(plan.begins, [Position::START]);
        // It found a row that should not be there: the list begins there again.
        let seen =
            Seen { now: time(11_000), oldest_xid: 60, own_xid: None, firsts: vec![(LIST, Some(due(2, 2)))] };
        node.at += Duration::from_millis(10);
        node.memory.learn(&plan, seen, node.at);
        assert_eq!(node.begins()[0], due(2, 2));
        node.at += Duration::from_millis(4_999);
        assert_eq!(node.look(11_000, 60, None)[0], due(2, 2));
        node.at += Duration::from_millis(1);
        assert_eq!(node.look(11_000, 60, None)[0], Position::START);
    }

    #[test]
    fn a_whole_look_that_fails_is_not_repeated_at_once() {
        let mut node = Node::new();
        assert!(node.memory.plan(&[LIST], node.at).whole);
        node.at += Duration::from_secs(59);
        assert!(!node.memory.plan(&[LIST], node.at).whole);
        node.at += Duration::from_secs(1);
        assert!(node.memory.plan(&[LIST], node.at).whole);
    }

    #[test]
    fn a_transaction_that_waited_for_its_locks_tells_nothing_new() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        node.look(10_100, 60, None);
        node.tell(8_000, 49);
        assert_eq!(node.begins(), [Position::at(time(9_850)); 2]);
        node.look(10_200, 60, None);
        assert_eq!(node.begins(), [Position::at(time(9_850)); 2]);
    }

    #[test]
    fn a_database_that_is_set_back_makes_everything_unknown() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        node.look(10_100, 60, None);
        node.tell(11_000, 40);
        assert_eq!(node.begins(), [Position::START; 2]);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_everything_unknown() {
        let mut node = Node::new();
        node.tell(10_000, 50);
        node.look(10_100, 60, None);
        node.tell(5_000, 61);
        assert_eq!(node.begins(), [Position::START; 2]);
        assert!(node.memory.plan(&[LIST], node.at).whole);
    }

    #[test]
    fn a_node_without_transactions_of_its_own_makes_points_by_looking() {
        let mut node = Node::new();
        let plan = node.memory.plan(&[LIST], node.at);
        assert!(plan.makes_point);
        let seen = Seen { now: time(10_000), oldest_xid: 60, own_xid: Some(61), firsts: vec![(LIST, None)] };
        node.memory.learn(&plan, seen, node.at);
        assert!(!node.memory.plan(&[LIST], node.at).makes_point);
        node.look(10_100, 62, None);
        assert_eq!(node.begins()[0], Position::at(time(9_850)));
    }
}
