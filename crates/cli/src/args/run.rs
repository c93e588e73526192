//! `tasker run`.

use std::path::PathBuf;

use clap::Args;
use tasker_core::ids::TaskId;

use super::request::RequestArgs;

/// Run one task of a definition file to its end.
///
/// The definition is registered in the database, the task is stored, and this process runs its steps, and only those.
/// Whatever happens to the process, `tasker run --resume` goes on where it stopped.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker run order.yaml --context '{\"order_id\": 7}'
  tasker run order.yaml --context @order.json --output json | jq .steps
  tasker run build.yaml --allow-commands
  tasker run --resume 01890a5d-ac96-774b-bcce-b302099a8057

Exit status: 0 the task completed; 1 it ended otherwise, or its context was refused by the schema;
130, 143 interrupted.")]
pub struct RunArgs {
    /// Definition file, YAML or JSON; - for standard input
    #[arg(value_name = "FILE", required_unless_present = "resume")]
    pub file: Option<PathBuf>,
    /// Go on with a task that was interrupted
    #[arg(long, value_name = "TASK_ID", conflicts_with_all = ["file", "context", "initiator", "source_system", "reason", "tags", "bypass_steps", "priority", "not_before", "correlation_id", "id", "allow_replace"])]
    pub resume: Option<TaskId>,
    /// Let steps run local programs (handler `command`)
    #[arg(long)]
    pub allow_commands: bool,
    /// Replace the definition if this version is registered with other content
    #[arg(long)]
    pub allow_replace: bool,
    /// The request.
    #[command(flatten)]
    pub request: RequestArgs,
}
