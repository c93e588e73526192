//! `tasker task list`.

use clap::{Args, ValueEnum};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_store::list::{Direction, TaskSort};

use super::values::{When, annotation, context, task_state};

/// List tasks.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Every filter narrows the list. Instants are like 2026-01-31T09:00:00Z, spans like 10m, 2h or 7d count back from now;
--...-after includes its instant, --...-before does not. Equal tasks are sorted by id.

Examples:
  tasker task list
  tasker task list --status error,in_progress --name process_order
  tasker task list --status complete --limit 100 --include-total
  tasker task list --context '{\"order_id\":7}'
  tasker task list --tag vip --tag eu --initiator till-7 --ended-after 1h
  tasker task list --sort-by version --sort-order asc --namespace shop
  tasker task list --created-after 1h --output json | jq '.tasks[].task_id'
  tasker task list --status error --cursor \"$(jq -r .pagination.next_cursor page.json)\"

Exit status: 0 listed; 2 a malformed value, or a cursor of another list.")]
pub struct ListArgs {
    /// Only in this namespace
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Only of this definition
    #[arg(long, value_name = "NAME")]
    pub name: Option<DefinitionName>,
    /// Only of this version
    #[arg(long = "version", value_name = "VERSION")]
    pub version: Option<Version>,
    /// Only in these states: pending, in_progress, complete, error, cancelled, resolved_manually
    #[arg(long, value_name = "STATE,...", value_delimiter = ',', value_parser = task_state)]
    pub status: Vec<TaskState>,
    /// Only asked for by this one
    #[arg(long, value_name = "TEXT")]
    pub initiator: Option<String>,
    /// Only from this system
    #[arg(long, value_name = "TEXT")]
    pub source_system: Option<String>,
    /// Only for exactly this reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only with this correlation id
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Only of this urgency, 0 to 9
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub priority: Option<u8>,
    /// Only with this label; repeated: with all of them
    #[arg(long, value_name = "TEXT")]
    pub tag: Vec<String>,
    /// Only with an annotation of this type whose key has this value; repeated: with all of them
    #[arg(long, value_name = "TYPE:KEY:VALUE", value_parser = annotation)]
    pub annotation: Vec<(String, String, String)>,
    /// Only with a context that contains all of this JSON object
    #[arg(long, value_name = "JSON", value_parser = context)]
    pub context: Option<Payload>,
    /// When things happened.
    #[command(flatten)]
    pub times: TimeArgs,
    /// What to sort by
    #[arg(long, value_enum, default_value_t = SortBy::TaskId)]
    pub sort_by: SortBy,
    /// The smallest (oldest) first, or the greatest (newest)
    #[arg(long, value_enum, default_value_t = SortOrder::Desc)]
    pub sort_order: SortOrder,
    /// Most tasks, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: u64,
    /// Go on after a page: its next_cursor, with the same filters and order
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Count all tasks that match; takes longer the more there are
    #[arg(long)]
    pub include_total: bool,
}

/// Spans of time.
#[derive(Args, Clone, Debug)]
pub struct TimeArgs {
    /// Only accepted at or after an instant, or within a span before now
    #[arg(long, value_name = "WHEN")]
    pub created_after: Option<When>,
    /// Only accepted before an instant
    #[arg(long, value_name = "WHEN")]
    pub created_before: Option<When>,
    /// Only asked for at or after an instant
    #[arg(long, value_name = "WHEN")]
    pub requested_after: Option<When>,
    /// Only asked for before an instant
    #[arg(long, value_name = "WHEN")]
    pub requested_before: Option<When>,
    /// Only last changed at or after an instant
    #[arg(long, value_name = "WHEN")]
    pub updated_after: Option<When>,
    /// Only last changed before an instant
    #[arg(long, value_name = "WHEN")]
    pub updated_before: Option<When>,
    /// Only ended at or after an instant, however they ended
    #[arg(long, value_name = "WHEN")]
    pub ended_after: Option<When>,
    /// Only ended before an instant
    #[arg(long, value_name = "WHEN")]
    pub ended_before: Option<When>,
}

/// What to sort by.
#[derive(ValueEnum, Clone, Copy, Debug)]
#[value(rename_all = "snake_case")]
pub enum SortBy {
    /// Id: as they were accepted
    TaskId,
    /// When they were asked for
    RequestedAt,
    /// When they were accepted
    CreatedAt,
    /// State: pending, in_progress, complete, error, cancelled, resolved_manually
    Status,
    /// Whether they are complete
    Complete,
    /// Namespace of the definition
    Namespace,
    /// Name of the definition
    Name,
    /// Version of the definition: 9.0.0 before 10.0.0
    Version,
    /// Who asked
    Initiator,
    /// From which system
    SourceSystem,
}

impl From<SortBy> for TaskSort {
    fn from(sort: SortBy) -> Self {
        match sort {
            SortBy::TaskId => Self::Id,
            SortBy::RequestedAt => Self::RequestedAt,
            SortBy::CreatedAt => Self::CreatedAt,
            SortBy::Status => Self::Status,
            SortBy::Complete => Self::Complete,
            SortBy::Namespace => Self::Namespace,
            SortBy::Name => Self::Name,
            SortBy::Version => Self::Version,
            SortBy::Initiator => Self::Initiator,
            SortBy::SourceSystem => Self::SourceSystem,
        }
    }
}

/// Up or down.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum SortOrder {
    /// Up
    Asc,
    /// Down
    Desc,
}

impl From<SortOrder> for Direction {
    fn from(order: SortOrder) -> Self {
        match order {
            SortOrder::Asc => Self::Asc,
            SortOrder::Desc => Self::Desc,
        }
    }
}
