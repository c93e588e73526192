//! Pages of lists.

use serde::{Deserialize, Serialize};
use tasker_core::record::TaskRow;

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

impl TaskList {
    /// A page of tasks.
    pub fn new(tasks: Vec<TaskRow>, pagination: Pagination) -> Self {
        Self { tasks: tasks.into_iter().map(TaskSummary::from).collect(), pagination }
    }
}

impl Pagination {
    /// Of a page that ends at a cursor, if more rows follow.
    pub fn by_cursor(limit: usize, next_cursor: Option<String>) -> Self {
        Self { limit, offset: None, total_count: None, has_more: next_cursor.is_some(), next_cursor }
    }

    /// Of a page of so many rows in all.
    pub fn by_offset(limit: usize, offset: usize, n_rows: usize, is_counted: bool) -> Self {
        Self {
            limit,
            offset: Some(offset),
            total_count: is_counted.then_some(n_rows as u64),
            has_more: n_rows > offset.saturating_add(limit),
            next_cursor: None,
        }
    }
}
