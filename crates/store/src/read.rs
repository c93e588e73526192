//! What is read from a store.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use tasker_core::decide::Rejection;
use tasker_core::ids::TaskId;
use tasker_core::names::{HandlerName, StepName};
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, Origin, StepDetail, TaskInput, TaskRecord, Transition};
use tasker_core::time::Timestamp;

pub use crate::list::{TaskFilter, TaskPage, TaskRow};

/// A task without its steps.
#[derive(Clone, Debug)]
pub struct TaskDetail {
    /// The hot row.
    pub record: TaskRecord,
    /// The request.
    pub input: TaskInput,
    /// The definition it was submitted with.
    pub plan: Arc<Plan>,
    /// Its annotations, oldest first.
    pub annotations: Vec<Annotation>,
}

/// A task with its steps.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// The task.
    pub detail: TaskDetail,
    /// Its steps, in document order.
    pub steps: Vec<StepDetail>,
}

/// Which log entries to read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LogQuery {
    /// Only of this task.
    pub task: Option<TaskId>,
    /// Only after this position; [`Cursor::START`] is the beginning.
    pub after: Cursor,
    /// Most entries.
    pub limit: usize,
}

/// How long a reader of the log is waited for that is not heard of any more: what it has not read may be pruned then
/// (`engine.md` 8).
pub const READER_MEMORY: Duration = Duration::from_secs(7 * 86_400);

/// A reader of the log that wants to go on where it stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogReader {
    /// Its name.
    pub name: String,
    /// The last entry that it is done with.
    pub position: Cursor,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// Whether it keeps what it has not read from being pruned.
    pub holds: bool,
}

/// A position in the log. Opaque; only to be handed back, as it is or as text.
///
/// A store that writes from one place numbers its entries, and its positions are these numbers ([`Cursor::at`]).
/// Where many write at once, an entry may be committed after others with higher numbers; there a position has three
/// parts (`engine.md` 7), and their order is the order in which entries are told.
///
/// A position also remembers how often the log had been pruned when it was given out. So a reader that begins in an old log
/// is told what is left of it, and one that was overtaken by deletion is told that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cursor {
    epoch: u32,
    xid: u64,
    n: u64,
    prunings: u64,
}

impl Cursor {
    /// Before the first entry.
    pub const START: Self = Self::at(0);

    /// The position of the entry of this number.
    pub const fn at(n: u64) -> Self {
        Self::within(0, 0, n)
    }

    /// The position of the entry of this number, written under this transaction id of this epoch.
    pub const fn within(epoch: u32, xid: u64, n: u64) -> Self {
        Self { epoch, xid, n, prunings: 0 }
    }

    /// This position, given out after the log was pruned so often.
    pub const fn after_prunings(self, prunings: u64) -> Self {
        Self { prunings, ..self }
    }

    /// Which life of the database's transaction ids.
    pub const fn epoch(self) -> u32 {
        self.epoch
    }

    /// The transaction id.
    pub const fn xid(self) -> u64 {
        self.xid
    }

    /// The number of the entry.
    pub const fn n(self) -> u64 {
        self.n
    }

    /// How often the log had been pruned when this position was given out.
    pub const fn prunings(self) -> u64 {
        self.prunings
    }

    /// Checks that nothing after this position was deleted since it was given out.
    ///
    /// # Errors
    /// `position_gone`.
    pub fn refuse_if_gone(self, prunings: &[Pruning]) -> Result<(), Rejection> {
        let is_start = self.place() == Self::START.place();
        let overtakes = |one: &Pruning| one.number > self.prunings && one.last.place() > self.place();
        if is_start || !prunings.iter().any(overtakes) { Ok(()) } else { Err(self.gone()) }
    }

    /// What is told to whoever was overtaken by deletion.
    pub fn gone(self) -> Rejection {
        let message = format!("events after position {self} were deleted before they were read");
        Rejection::new("position_gone", message).help(
            "read what is left with --from-start; next time, give the reader a name (--reader NAME): what it has \
             not read is kept for a week",
        )
    }

    /// Whether what stands here was told to whoever read up to `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.place() <= other.place()
    }

    const fn place(self) -> (u32, u64, u64) {
        (self.epoch, self.xid, self.n)
    }
}

/// A deletion from the log. A store need not remember one after which another reached as far or farther.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pruning {
    /// 1, 2, 3, ...
    pub number: u64,
    /// The last entry that was deleted.
    pub last: Cursor,
}

/// `n`, or `epoch-xid-n`; then, if the log has ever been pruned, `.prunings`.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.epoch, self.xid) {
            (0, 0) => write!(f, "{}", self.n),
            (epoch, xid) => write!(f, "{epoch}-{xid}-{}", self.n),
        }?;
        if self.prunings == 0 { Ok(()) } else { write!(f, ".{}", self.prunings) }
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidCursor(text.chars().take(100).collect());
        let (place, prunings) = text.split_once('.').unwrap_or((text, "0"));
        let prunings = prunings.parse().map_err(|_| invalid())?;
        let parts: Result<Vec<u64>, _> = place.split('-').map(str::parse).collect();
        let place = match parts.map_err(|_| invalid())?[..] {
            [n] => Self::at(n),
            [epoch, xid, n] => Self::within(epoch.try_into().map_err(|_| invalid())?, xid, n),
            _ => return Err(invalid()),
        };
        Ok(place.after_prunings(prunings))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that is no position in the log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no position in the log: use one that was given out with an entry")]
pub struct InvalidCursor(String);

/// A log entry with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct LogEntry {
    /// Its position.
    pub cursor: Cursor,
    /// The task.
    pub task: TaskId,
    /// Where the task comes from; `None` if the log has outlived it, which only damage can cause.
    pub origin: Option<Origin>,
    /// The name of the step it is about, if it is about one.
    pub step: Option<StepName>,
    /// What happened.
    pub transition: Transition,
}

/// What is scheduled and running of one handler.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct QueueDepth {
    /// The handler.
    pub handler: HandlerName,
    /// Steps that could run now and are not claimed.
    pub due: u64,
    /// Steps that are scheduled for later: backing off, or not to start before a time.
    pub later: u64,
    /// Steps that are claimed.
    pub running: u64,
    /// When the first of the unclaimed ones is (or was) due.
    pub next_due_at: Option<Timestamp>,
}

/// The schema of a database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SchemaStatus {
    /// What kind of store: `memory`, `sqlite`, `postgres`.
    pub store: &'static str,
    /// Where, without secrets.
    pub location: String,
    /// Version of the database; `None` if it is empty.
    pub version: Option<u32>,
    /// Version that this program brings.
    pub expected: u32,
    /// Oldest program schema version that may use the database.
    pub readable_from: Option<u32>,
}

impl SchemaStatus {
    /// Whether this program can use the database as it is.
    pub fn is_usable(&self) -> bool {
        self.version.is_some_and(|version| version >= self.expected)
            && self.readable_from.is_none_or(|oldest| self.expected >= oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_as_text() {
        for (cursor, text) in [
            (Cursor::START, "0"),
            (Cursor::at(7), "7"),
            (Cursor::within(1, 900, 7), "1-900-7"),
            (Cursor::within(0, 900, 7), "0-900-7"),
            (Cursor::at(7).after_prunings(3), "7.3"),
            (Cursor::within(1, 900, 7).after_prunings(12), "1-900-7.12"),
        ] {
            assert_eq!(cursor.to_string(), text);
            assert_eq!(text.parse(), Ok(cursor));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "x", "1-2", "1-2-3-4", "-1", "1.", "1.x", "1.2.3", "99999999999-1-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_position_is_gone_if_something_after_it_was_deleted_since() {
        let check = |cursor: Cursor, prunings: &[(u64, u64)], is_gone: bool| {
            let prunings: Vec<Pruning> = prunings
                .iter()
                .map(|(number, n)| Pruning { number: *number, last: Cursor::at(*n) })
                .collect();
            assert_eq!(cursor.refuse_if_gone(&prunings).is_err(), is_gone, "{cursor} {prunings:?}");
        };
        check(Cursor::at(5), &[], false);
        check(Cursor::at(5), &[(1, 5)], false);
        check(Cursor::at(5), &[(1, 6)], true);
        check(Cursor::START, &[(1, 6)], false);
        check(Cursor::at(5).after_prunings(1), &[(1, 6)], false);
        check(Cursor::at(5).after_prunings(1), &[(1, 6), (2, 4)], false);
        check(Cursor::at(5).after_prunings(1), &[(2, 6)], true);
    }

    #[test]
    fn transactions_come_before_numbers() {
        assert!(Cursor::within(1, 5, 9) < Cursor::within(1, 6, 1));
        assert!(Cursor::within(1, 9, 9) < Cursor::within(2, 1, 1));
        assert!(Cursor::START < Cursor::within(1, 1, 1));
    }
}
