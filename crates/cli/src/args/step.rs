//! `tasker step ...`.

use clap::{Args, Subcommand};
use tasker_core::ids::TaskId;

use super::request::ContextSource;
use super::task::LimitArgs;

/// Work with single steps.
#[derive(Subcommand, Clone, Debug)]
pub enum StepCommand {
    /// Show a step: state, result, last error, why it waits
    #[command(
        after_help = "Examples:\n  tasker step show 01890a5d-ac96-774b-bcce-b302099a8057 charge_card\n  tasker step show 01890a5d-ac96-774b-bcce-b302099a8057 charge_card --output json | jq .error"
    )]
    Show(StepRef),
    /// Try a failed step again
    #[command(after_help = "\
Examples:
  tasker step retry 01890a5d-ac96-774b-bcce-b302099a8057 charge_card
  tasker step retry 01890a5d-ac96-774b-bcce-b302099a8057 charge_card --more 1
  tasker step retry 01890a5d-ac96-774b-bcce-b302099a8057 charge_card --new-idempotency-key")]
    Retry {
        /// Which, who, why.
        #[command(flatten)]
        operator: StepOperator,
        /// The limit.
        #[command(flatten)]
        limit: LimitArgs,
        /// Send a new idempotency key, so that other systems see a new request
        #[arg(long)]
        new_idempotency_key: bool,
    },
    /// Declare a step done
    #[command(after_help = "\
Examples:
  tasker step resolve 01890a5d-ac96-774b-bcce-b302099a8057 charge_card --reason 'paid by hand'
  tasker step resolve 01890a5d-ac96-774b-bcce-b302099a8057 charge_card --reason 'paid by hand' --results '{\"payment_id\": 7}'")]
    Resolve {
        /// Which.
        #[command(flatten)]
        which: StepRef,
        /// Why; kept in the history
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who does it; kept in the history [default: your user name]
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
        /// What steps after it see as its result: JSON, @FILE, or - for standard input
        #[arg(long, value_name = "JSON|@FILE|-")]
        results: Option<ContextSource>,
    },
    /// Cancel a step that is pending or in progress
    #[command(after_help = "Examples:\n  tasker step cancel 01890a5d-ac96-774b-bcce-b302099a8057 send_mail")]
    Cancel(StepOperator),
}

/// A step of a task.
#[derive(Args, Clone, Debug)]
pub struct StepRef {
    /// Id of the task
    #[arg(value_name = "TASK_ID")]
    pub task: TaskId,
    /// Name of the step
    #[arg(value_name = "STEP")]
    pub step: String,
}

/// An operator's action on a step.
#[derive(Args, Clone, Debug)]
pub struct StepOperator {
    /// Which.
    #[command(flatten)]
    pub which: StepRef,
    /// Why; kept in the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it; kept in the history [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}
