//! What came of requests about many tasks at once.

use serde::{Deserialize, Serialize};
use tasker_core::ids::TaskId;

use crate::problem::ProblemDocument;
use crate::task::TaskDocument;

/// What came of each request for a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkCreated {
    /// In the order of the requests.
    pub results: Vec<BulkCreatedItem>,
}

/// What came of one of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkCreatedItem {
    /// Which, from 0.
    pub index: usize,
    /// The status that it would have been answered with alone.
    pub status: u16,
    /// The task; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskDocument>,
    /// Why not; absent if all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDocument>,
}

/// What came of an action on each task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkActed {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// In the order of the request; tasks that a filter found, oldest first.
    pub results: Vec<BulkActedItem>,
    /// Whether more tasks may match the filter.
    pub has_more: bool,
    /// What goes on with those, as `cursor`; `null` if there are none.
    pub next_cursor: Option<String>,
}

/// What came of it for one task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkActedItem {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// The status that it would have been answered with alone.
    pub status: u16,
    /// Why nothing was done; absent if all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDocument>,
}
