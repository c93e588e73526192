//! What people type: one file per group of commands.

mod analyze;
mod auth;
mod bench;
mod config;
mod db;
mod definition;
mod dev;
mod diagram;
mod events;
mod globals;
mod request;
mod run;
mod server;
mod step;
mod task;
mod task_bulk;
mod task_list;
mod task_notes;
mod torture;
mod values;
mod worker;

use clap::{Parser, Subcommand};

pub use analyze::{AnalyzeCommand, MetricsArgs, SlowArgs, StaticArgs};
pub use auth::{AuthCommand, CreateKeyArgs, KeyCommand, RotateKeyArgs};
pub use bench::{
    BenchArgs, BenchCommand, BenchRunArgs, BenchWorkerArgs, CeilingArgs, DatabaseKind, MadeArgs, WorkloadArgs,
};
pub use config::ConfigCommand;
pub use db::{CheckArgs, DbCommand, PruneArgs};
pub use definition::{
    DefinitionCommand, DiffArgs, GraphArgs, Loading, RegisterArgs, RetireArgs, ShowArgs, ValidateArgs,
};
pub use dev::DevArgs;
pub use events::{EventsCommand, TailArgs};
pub use globals::{Globals, Output};
pub use request::{ContextSource, RequestArgs};
pub use run::RunArgs;
pub use server::{ServerCommand, ServerRunArgs};
pub use step::{StepCommand, StepOperator, StepRef};
pub use task::{
    CancelArgs, CreateArgs, DiagramArgs, EventsArgs, ExplainArgs, OperatorArgs, ResolveArgs, RetryArgs,
    TaskCommand,
};
pub use task_bulk::{BulkActArgs, BulkCommand, BulkCreateArgs, BulkTasksArgs, NamedTask};
pub use task_list::ListArgs;
pub use task_notes::{AnnotateArgs, UpdateArgs};
pub use torture::{TortureArgs, TortureCommand, TortureRunArgs, TortureWorkerArgs};
pub use values::When;
pub use worker::{WorkerCommand, WorkerRunArgs};

use crate::demo::DemoArgs;

/// Tasker runs workflows: graphs of steps with dependencies, retries and a full history, kept in a database.
#[derive(Parser, Debug)]
#[command(
    name = "tasker",
    version,
    max_term_width = 100,
    propagate_version = false,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  tasker demo                                          See it work, without any set-up
  tasker run order.yaml --context '{\"order_id\": 7}'    Run one workflow to its end
  tasker dev                                           Write workflows, and see them run
  tasker task list --status error                      See what failed
  tasker task explain TASK_ID                          See why a task is not further

Exit status: 0 done; 1 the task did not complete, or a check found something; 2 wrong usage;
3 invalid definition or configuration; 4 not found; 5 conflict; 6 the database or the server cannot
be used;
130, 143 interrupted."
)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run one task of a definition file to its end
    Run(RunArgs),
    /// Write workflows and see them run: a server, a worker and a database in one process
    Dev(DevArgs),
    /// Work with definitions: validate, register, look at
    #[command(subcommand)]
    Definition(DefinitionCommand),
    /// Work with tasks: create, look at, cancel, retry
    #[command(subcommand)]
    Task(TaskCommand),
    /// Work with single steps of tasks
    #[command(subcommand)]
    Step(StepCommand),
    /// Read the stream of events: every change of a state
    #[command(subcommand)]
    Events(EventsCommand),
    /// Run steps of any task
    #[command(subcommand)]
    Worker(WorkerCommand),
    /// Serve the HTTP API
    #[command(subcommand)]
    Server(ServerCommand),
    /// Decide who may call the HTTP API
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Look closer: at one task or definition, or at all tasks together
    #[command(subcommand)]
    Analyze(AnalyzeCommand),
    /// Look after the database
    #[command(subcommand)]
    Db(DbCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// See it work: a shop with a hundred orders and an unreliable world, without any set-up
    Demo(DemoArgs),
    /// Measure how fast it is here: throughput, latency, what each step costs
    Bench(BenchArgs),
    /// See for yourself that nothing gets lost: kill, freeze and cut off its own workers, and verify
    Torture(TortureArgs),
    /// Write a completion script for a shell
    #[command(
        after_help = "Examples:\n  tasker completions bash > /etc/bash_completion.d/tasker\n  tasker completions zsh > ~/.zfunc/_tasker"
    )]
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Show the version
    #[command(after_help = "Examples:\n  tasker version\n  tasker version --output json")]
    Version,
}
