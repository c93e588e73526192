//! What is read from a store.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, TaskInput, TaskRecord, Transition};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

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

/// Which tasks to list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TaskFilter {
    /// Only in this namespace.
    pub namespace: Option<Namespace>,
    /// Only of this name.
    pub name: Option<DefinitionName>,
    /// Only of this version.
    pub version: Option<Version>,
    /// Only in one of these states; empty: any.
    pub states: Vec<TaskState>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only with this annotation: type, top-level key, exact text of the value.
    pub annotation: Option<(String, String, String)>,
    /// Only created after.
    pub created_after: Option<Timestamp>,
    /// Only before this task in the list: the last of the page before.
    pub after: Option<TaskId>,
    /// Most rows.
    pub limit: usize,
    /// Whether all matching rows are counted.
    pub count_all: bool,
}

/// A page of tasks, ordered by id, newest first.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskPage {
    /// The rows.
    pub tasks: Vec<TaskRow>,
    /// Whether more follow.
    pub has_more: bool,
    /// How many there are in all, if asked for.
    pub total: Option<u64>,
}

/// A task as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskRow {
    /// Identity.
    pub task_id: TaskId,
    /// Name space of its definition.
    pub namespace: Namespace,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Version of its definition.
    pub version: Version,
    /// State.
    pub status: TaskState,
    /// Number of steps.
    pub total_steps: u32,
    /// Number of steps that are not done.
    pub remaining_steps: u32,
    /// Urgency.
    pub priority: u8,
    /// Who asked.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
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

/// A position in the log. Opaque; only to be handed back, as it is or as text.
///
/// A store that writes from one place numbers its entries, and its positions are these numbers ([`Cursor::at`]).
/// Where many write at once, an entry may be committed after others with higher numbers; there a position has three
/// parts (`engine.md` 7), and their order is the order in which entries are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cursor {
    epoch: u32,
    xid: u64,
    n: u64,
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
        Self { epoch, xid, n }
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
}

/// `n`, or `epoch-xid-n`.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.epoch, self.xid) {
            (0, 0) => write!(f, "{}", self.n),
            (epoch, xid) => write!(f, "{epoch}-{xid}-{}", self.n),
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Result<Vec<u64>, _> = text.split('-').map(str::parse).collect();
        let invalid = || InvalidCursor(text.chars().take(100).collect());
        match parts.map_err(|_| invalid())?[..] {
            [n] => Ok(Self::at(n)),
            [epoch, xid, n] => Ok(Self::within(epoch.try_into().map_err(|_| invalid())?, xid, n)),
            _ => Err(invalid()),
        }
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

/// A broken invariant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The step.
    pub step: Option<String>,
    /// What is wrong: what was found and what should be.
    pub message: String,
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
        ] {
            assert_eq!(cursor.to_string(), text);
            assert_eq!(text.parse(), Ok(cursor));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "x", "1-2", "1-2-3-4", "-1", "99999999999-1-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn transactions_come_before_numbers() {
        assert!(Cursor::within(1, 5, 9) < Cursor::within(1, 6, 1));
        assert!(Cursor::within(1, 9, 9) < Cursor::within(2, 1, 1));
        assert!(Cursor::START < Cursor::within(1, 1, 1));
    }
}
