//! Lists of tasks: which, in which order, and page by page.
//!
//! A page begins where another ended, at a [`Position`]: a sort key and an id. So a page costs the same however deep in the
//! list it is, and tasks that come or go meanwhile shift nothing. A page looks at [`BUDGET`] tasks at most; if too few of them
//! pass the filter, it tells of those it found, and where to go on.

mod cursor;
mod filter;
mod line;
mod walk;

use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

pub use filter::{Between, Direction, MAX_WANTED_CONTEXT, Own, TaskFilter, TaskSort};
pub use line::{Column, Line};
pub use tasker_core::record::TaskRow;
pub use walk::{Found, Group, Kinds, KnownRevision, Leg, Walk, Way};

/// How many tasks a page looks at, at most, where tasks that follow one another are stored near one another. Elsewhere it looks
/// at fewer.
pub const BUDGET: usize = 2_500;

/// A page of tasks.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskPage {
    /// The rows, in the order asked for.
    pub tasks: Vec<TaskRow>,
    /// Whether more may follow. A page with fewer rows than asked for, even without any, may have more after it.
    pub has_more: bool,
    /// Where to go on, if more may follow.
    pub next: Option<Position>,
    /// How many there are in all, if asked for.
    pub total: Option<u64>,
}

/// A place in a list: after the task with this id among those with this key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// What the list is sorted by.
    pub key: SortKey,
    /// The id.
    pub id: TaskId,
}

impl Position {
    /// The place of a task.
    pub fn of(row: &TaskRow, sort: TaskSort) -> Self {
        let key = match sort {
            TaskSort::Id => SortKey::Nothing,
            TaskSort::Status => SortKey::Status(row.status),
            TaskSort::Complete => SortKey::Complete(row.status == TaskState::Complete),
            TaskSort::Namespace => SortKey::Namespace(row.namespace.clone()),
            TaskSort::Name => SortKey::Name(row.name.clone()),
            TaskSort::Version => SortKey::Version(row.version.clone()),
            TaskSort::RequestedAt => SortKey::Time(row.requested_at),
            TaskSort::CreatedAt => SortKey::Time(row.created_at),
            TaskSort::Initiator => SortKey::Text(row.initiator.clone()),
            TaskSort::SourceSystem => SortKey::Text(row.source_system.clone()),
        };
        Self { key, id: row.task_id }
    }
}

/// What a list is sorted by before the id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SortKey {
    /// Nothing.
    Nothing,
    /// The state, in the order of [`TaskState::ALL`].
    Status(TaskState),
    /// Whether the task is complete; those that are not come first.
    Complete(bool),
    /// The namespace.
    Namespace(Namespace),
    /// The name of the definition.
    Name(DefinitionName),
    /// The version of the definition, by SemVer precedence.
    Version(Version),
    /// An instant.
    Time(Timestamp),
    /// A text, byte by byte.
    Text(String),
}
