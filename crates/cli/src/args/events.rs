//! `tasker events ...`.

use clap::{Args, Subcommand};
use tasker_core::ids::TaskId;
use tasker_store::read::Cursor;

/// Read the stream of events: every change of a state.
#[derive(Subcommand, Clone, Debug)]
pub enum EventsCommand {
    /// Show what happened, oldest first, and go on as it happens
    Tail(TailArgs),
}

/// Show what happened.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker events tail --follow
  tasker events tail --task 01890a5d-ac96-774b-bcce-b302099a8057
  tasker events tail --follow --output json --after 1-4711-90 | while read -r event; do ...; done

With --output json each event is one line. Each carries its cursor: keep the last one that you are
done with and go on after it with --after; no event is left out and none comes twice.

Exit status: 0 everything was shown; 4 no such task; 5 the events after the cursor were deleted;
130 interrupted.")]
pub struct TailArgs {
    /// Only of this task
    #[arg(long, value_name = "TASK_ID")]
    pub task: Option<TaskId>,
    /// Wait for more at the end
    #[arg(long, short)]
    pub follow: bool,
    /// Only events after this one [default: from the beginning]
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<Cursor>,
    /// Most events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}
