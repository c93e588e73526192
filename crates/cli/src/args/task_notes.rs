//! What people change of what is told about a task.

use clap::Args;

use super::request::ContextSource;
use super::task::TaskRef;

/// Change what is told about a task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task update 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'second try'
  tasker task update 01890a5d-ac96-774b-bcce-b302099a8057 --tag red --tag urgent
  tasker task update 01890a5d-ac96-774b-bcce-b302099a8057 --no-tags

A task that has ended can be changed too.")]
pub struct UpdateArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// What.
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Who does it; kept with the task [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// What is changed: at least one of these.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct ChangeArgs {
    /// New reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// New label, instead of all others; may be given several times
    #[arg(long = "tag", value_name = "TEXT")]
    pub tags: Vec<String>,
    /// Take all labels away
    #[arg(long, conflicts_with = "tags")]
    pub no_tags: bool,
}

/// Note something about a task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker task annotate 01890a5d-ac96-774b-bcce-b302099a8057 refund '{\"amount\": 7}'
  tasker task annotate 01890a5d-ac96-774b-bcce-b302099a8057 audit @report.json

It is added to what is noted already, in whichever state the task is. It changes no state, so it is
not in the history.")]
pub struct AnnotateArgs {
    /// Which.
    #[command(flatten)]
    pub which: TaskRef,
    /// What it is about, 1 to 64 characters
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// Any JSON but null, @FILE, or - for standard input
    #[arg(value_name = "JSON|@FILE|-")]
    pub value: ContextSource,
    /// Who does it [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}
