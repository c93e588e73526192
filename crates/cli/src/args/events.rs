//! `tasker events ...`.

use clap::{Args, Subcommand};
use tasker_core::ids::TaskId;
use tasker_store::read::Cursor;

/// Read the stream of events: every change of a state.
#[derive(Subcommand, Clone, Debug)]
pub enum EventsCommand {
    /// Show the last events, and go on as they happen
    Tail(TailArgs),
    /// List the readers that have a name, and how far each has come
    #[command(after_help = "\
Examples:
  tasker events readers
  tasker events readers --output json | jq -r '.readers[] | select(.holds | not).name'")]
    Readers,
    /// Forget a reader: what it has not read need not be kept any more
    #[command(after_help = "\
Examples:
  tasker events forget billing

Exit status: 0 forgotten; 4 no such reader.")]
    Forget {
        /// Name of the reader
        #[arg(value_name = "NAME")]
        reader: String,
    },
}

/// Show the last events, oldest first.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker events tail
  tasker events tail --follow
  tasker events tail --task 01890a5d-ac96-774b-bcce-b302099a8057 --from-start
  tasker events tail --follow --output json --after 1-4711-90 | while read -r event; do ...; done
  tasker events tail --follow --output json --reader billing >> events.jsonl
  tasker events tail --follow --server https://tasker.example.com

With --output json each event is one line. Each carries its cursor: keep the last one that you are
done with and go on after it with --after; no event is left out and none comes twice. If events
after it were deleted in the meantime (`tasker db prune`), you are told instead.

With --reader the database keeps the position, and deletes nothing that was not shown, for as long
as the reader comes back at least once a week.

Exit status: 0 everything was shown; 4 no such task; 5 the events after the cursor were deleted;
130 interrupted.")]
pub struct TailArgs {
    /// Only of this task
    #[arg(long, value_name = "TASK_ID")]
    pub task: Option<TaskId>,
    /// Wait for more at the end
    #[arg(long, short)]
    pub follow: bool,
    /// Begin with the last N events [default: 10]
    #[arg(long, short = 'n', value_name = "N", group = "start")]
    pub last: Option<usize>,
    /// Begin with the first event that there is
    #[arg(long, group = "start")]
    pub from_start: bool,
    /// Begin after this event
    #[arg(long, value_name = "CURSOR", group = "start")]
    pub after: Option<Cursor>,
    /// Begin where the reader of this name stopped (the first time: with the first event), and remember how far it gets
    #[arg(long, value_name = "NAME", conflicts_with_all = ["task", "last", "after"])]
    pub reader: Option<String>,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}
