//! `tasker task ...`.

use std::time::Duration;

use clap::{Args, Subcommand};
use tasker_core::decide::NewLimit;
use tasker_core::diagram::LinkBase;
use tasker_core::ids::TaskId;
use tasker_core::names::{Namespace, Version};

use super::diagram::DrawingArgs;
use super::request::RequestArgs;
use super::task_bulk::BulkCommand;
use super::task_list::ListArgs;
use super::task_notes::{AnnotateArgs, UpdateArgs};
use super::values::duration;

/// Work with tasks.
#[derive(Subcommand, Clone, Debug)]
pub enum TaskCommand {
    /// Create a task of a registered definition; workers run it
    Create(CreateArgs),
    /// List tasks, newest first unless told otherwise
    List(ListArgs),
    /// Show a task and its steps
    #[command(
        after_help = "Examples:\n  tasker task show 01890a5d-ac96-774b-bcce-b302099a8057\n  tasker task show 01890a5d-ac96-774b-bcce-b302099a8057 --output json | jq .steps"
    )]
    Show(TaskRef),
    /// Follow a task until it ends
    Watch(WatchArgs),
    /// Cancel a task: what waits never runs, what runs is told to stop
    #[command(
        after_help = "Examples:\n  tasker task cancel 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'ordered twice'"
    )]
    Cancel(CancelArgs),
    /// Try the failed steps of a task again
    Retry(RetryArgs),
    /// Declare a failed task done
    #[command(
        after_help = "Examples:\n  tasker task resolve 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'paid by hand'"
    )]
    Resolve(ResolveArgs),
    /// Tell the workers of a task
    #[command(
        after_help = "Examples:\n  tasker task resume 01890a5d-ac96-774b-bcce-b302099a8057\n\nWork of an open task is never lost: this only spares the wait for the next look at the queue."
    )]
    Resume(TaskRef),
    /// Change the reason or the labels of a task
    Update(UpdateArgs),
    /// Note something about a task
    Annotate(AnnotateArgs),
    /// List what is noted about a task
    #[command(
        after_help = "Examples:\n  tasker task annotations 01890a5d-ac96-774b-bcce-b302099a8057\n  tasker task annotations 01890a5d-ac96-774b-bcce-b302099a8057 --output json | jq '.annotations[].value'"
    )]
    Annotations(TaskRef),
    /// Create, cancel, retry, resume or resolve many tasks at once
    #[command(subcommand)]
    Bulk(BulkCommand),
    /// Tell why a task or a step is not further
    Explain(ExplainArgs),
    /// Draw a task: its steps, their states, and who waits for whom
    Diagram(DiagramArgs),
    /// Show what happened to a task
    Events(EventsArgs),
}

/// A task.
#[derive(Args, Clone, Debug)]
pub struct TaskRef {
    /// Id of the task
    #[arg(value_name = "TASK_ID")]
    pub task: TaskId,
}

/// Create a task of a registered definition.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task create process_order --context '{\"order_id\": 7}'
  tasker task create process_order --namespace shop --version 1.2.0 --context @order.json
  tasker task create nightly --not-before 2h --priority 9 --tag batch
  tasker task create process_order --context - --wait --timeout 30s < order.json

Exit status: 0 created (with --wait: completed); 1 the context was refused by the schema (with
--wait: the task ended otherwise, or not in time); 2 malformed context; 4 no such definition;
5 a repeated request.")]
pub struct CreateArgs {
    /// Name of the definition: NAME, NAME@VERSION or NAMESPACE.NAME@VERSION
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Namespace [default: default]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Version [default: the latest]
    #[arg(long = "version", value_name = "VERSION")]
    pub version: Option<Version>,
    /// The request.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Wait until the task ends
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "SPAN", value_parser = duration, requires = "wait")]
    pub timeout: Option<Duration>,
}

/// Follow a task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task watch 01890a5d-ac96-774b-bcce-b302099a8057
  tasker task watch 01890a5d-ac96-774b-bcce-b302099a8057 --timeout 5m

Exit status: 0 it completed; 1 it ended otherwise, or not in time.")]
pub struct WatchArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// Watch no longer than this
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// An operator's action on a task.
#[derive(Args, Clone, Debug)]
pub struct OperatorArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it; kept in the history [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Declare a failed task done.
#[derive(Args, Clone, Debug)]
pub struct ResolveArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who does it; kept in the history [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Cancel a task.
#[derive(Args, Clone, Debug)]
pub struct CancelArgs {
    /// Who, on which, why.
    #[command(flatten)]
    pub operator: OperatorArgs,
    /// Cancel it even if it is complete or was resolved
    #[arg(long)]
    pub force: bool,
}

/// What a retry does to the limit of attempts.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct LimitArgs {
    /// New limit of attempts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "more")]
    pub retry_limit: Option<u32>,
    /// Allow so many attempts more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub more: Option<u32>,
}

impl LimitArgs {
    /// What is meant.
    pub fn limit(self) -> NewLimit {
        match (self.retry_limit, self.more) {
            (Some(limit), _) => NewLimit::Set(limit),
            (None, Some(more)) => NewLimit::More(more),
            (None, None) => NewLimit::Keep,
        }
    }
}

/// Try the failed steps of a task again.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task retry 01890a5d-ac96-774b-bcce-b302099a8057
  tasker task retry 01890a5d-ac96-774b-bcce-b302099a8057 --more 1
  tasker task retry 01890a5d-ac96-774b-bcce-b302099a8057 --step charge_card --retry-limit 10

Steps that have no attempts left are skipped unless --more or --retry-limit is given.")]
pub struct RetryArgs {
    /// Who, on which, why.
    #[command(flatten)]
    pub operator: OperatorArgs,
    /// Only this step; may be given several times
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,
    /// The limit.
    #[command(flatten)]
    pub limit: LimitArgs,
}

/// Tell why a task or a step is not further.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task explain 01890a5d-ac96-774b-bcce-b302099a8057
  tasker task explain 01890a5d-ac96-774b-bcce-b302099a8057 charge_card")]
pub struct ExplainArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// Only this step
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
}

/// Draw a task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task diagram 01890a5d-ac96-774b-bcce-b302099a8057
  tasker task diagram 01890a5d-ac96-774b-bcce-b302099a8057 --format html > task.html
  tasker task diagram 01890a5d-ac96-774b-bcce-b302099a8057 --format mermaid --direction LR")]
pub struct DiagramArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// How.
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// Where steps lead: the address of the API, such as https://tasker.example.org/tasker
    #[arg(long, value_name = "URL")]
    pub links: Option<LinkBase>,
}

/// Show what happened to a task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task events 01890a5d-ac96-774b-bcce-b302099a8057
  tasker task events 01890a5d-ac96-774b-bcce-b302099a8057 --output json | jq '.events[-1]'")]
pub struct EventsArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
}
