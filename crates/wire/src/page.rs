//! Pages of lists.

use serde::{Deserialize, Serialize};

use crate::task::TaskSummary;

/// A page of tasks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskList {
    /// The tasks, newest first.
    pub tasks: Vec<TaskSummary>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination {
    /// Most rows of a page.
    pub limit: usize,
    /// Rows skipped; `null` where a cursor is used.
    pub offset: Option<usize>,
    /// Rows in all; `null` unless asked for.
    pub total_count: Option<u64>,
    /// Whether more rows follow.
    pub has_more: bool,
    /// What the next page is asked for with; `null` at the end.
    pub next_cursor: Option<String>,
}
