//! `tasker task bulk ...`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use tasker_core::ids::TaskId;

/// Work with many tasks at once, with each by itself.
#[derive(Subcommand, Clone, Debug)]
pub enum BulkCommand {
    /// Create tasks: one request a line, as JSON
    Create(BulkCreateArgs),
    /// Cancel tasks: what waits never runs, what runs is told to stop
    #[command(
        after_help = "Examples:\n  tasker task bulk cancel 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'ordered twice'\n  tasker task list --tag red --output json | jq -r '.tasks[].task_id' | tasker task bulk cancel -\n\nExit status: 0 all cancelled; 1 one was refused."
    )]
    Cancel(BulkActArgs),
    /// Try the failed steps of tasks again
    #[command(
        after_help = "Examples:\n  tasker task list --status error --output json | jq -r '.tasks[].task_id' | tasker task bulk retry -\n\nSteps that have no attempts left are skipped. Exit status: 0 all are tried again; 1 one was refused."
    )]
    Retry(BulkActArgs),
    /// Tell the workers of tasks
    #[command(
        after_help = "Examples:\n  tasker task bulk resume 01890a5d-ac96-774b-bcce-b302099a8057 --dry-run\n\nExit status: 0 all resumed; 1 one was refused."
    )]
    Resume(BulkTasksArgs),
    /// Declare failed tasks done
    #[command(
        after_help = "Examples:\n  tasker task bulk resolve - --reason 'paid by hand' < ids.txt\n\nExit status: 0 all resolved; 1 one was refused."
    )]
    Resolve(BulkResolveArgs),
}

/// Create tasks.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task bulk create orders.ndjson
  jq -c '.[] | {name: \"process_order\", context: .}' orders.json | tasker task bulk create -
  tasker task bulk create orders.ndjson --dry-run --output json | jq '.results[] | select(.error)'

A line is an object with name, and with namespace, version, context, initiator, source_system,
reason, tags, bypass_steps, priority, not_before, correlation_id or id: a body of POST /tasks, so
context is required ({} if there is none) and times are RFC 3339. What is wrong with one keeps
no other from being created. Exit status: 0 all created; 1 one was refused; 2 a line is no JSON
object, and nothing was created.")]
pub struct BulkCreateArgs {
    /// File of one request a line; - for standard input
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// Only check the requests against their definitions
    #[arg(long)]
    pub dry_run: bool,
}

/// Which tasks.
#[derive(Args, Clone, Debug)]
pub struct BulkTasksArgs {
    /// Ids of the tasks; - for standard input, one id a line
    #[arg(value_name = "TASK_ID|-", required = true)]
    pub tasks: Vec<NamedTask>,
    /// Only tell what would come of it
    #[arg(long)]
    pub dry_run: bool,
}

/// Who does something to which tasks, and why.
#[derive(Args, Clone, Debug)]
pub struct BulkActArgs {
    /// Which.
    #[command(flatten)]
    pub which: BulkTasksArgs,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it; kept in the history [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Declare failed tasks done.
#[derive(Args, Clone, Debug)]
pub struct BulkResolveArgs {
    /// Which.
    #[command(flatten)]
    pub which: BulkTasksArgs,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who does it; kept in the history [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// A task, or all that standard input names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NamedTask {
    /// This one.
    Task(TaskId),
    /// One id a line.
    Stdin,
}

impl FromStr for NamedTask {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "-" => Ok(Self::Stdin),
            text => text.parse().map(Self::Task).map_err(|error| format!("{error}")),
        }
    }
}
