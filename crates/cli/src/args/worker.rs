//! `tasker worker ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Run steps.
#[derive(Subcommand, Clone, Debug)]
pub enum WorkerCommand {
    /// Run steps of any task, until it is stopped
    Run(WorkerRunArgs),
    /// List workers
    #[command(after_help = "Examples:\n  tasker worker list\n  tasker worker list --output json")]
    List,
}

/// Run steps of any task.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker worker run
  tasker worker run --until-idle --allow-commands
  tasker worker run --definitions ./workflows
  tasker worker run --metrics-listen 127.0.0.1:9464
  tasker worker run --database-url sqlite:/var/lib/tasker/tasker.db --name worker-1 -v

Ctrl-C or SIGTERM stops gracefully: running steps may go on for the grace period (execution.grace);
a second signal stops at once. Steps that were cut off are run again by another worker.")]
pub struct WorkerRunArgs {
    /// Stop when nothing is left to run
    #[arg(long)]
    pub until_idle: bool,
    /// Let steps run local programs (handler `command`)
    #[arg(long)]
    pub allow_commands: bool,
    /// Register this definition file, or every one in this folder, before work begins; repeatable (besides
    /// worker.definitions). A wrong one keeps the worker from starting unless worker.strict_startup is false
    #[arg(long, value_name = "PATH")]
    pub definitions: Vec<PathBuf>,
    /// Address and port at which /metrics and /health can be read (telemetry.metrics_listen); on loopback, unless
    /// telemetry.metrics_auth_required is false
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Name of this worker, for people [default: host and process id]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}
