//! `tasker bench ...`.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

/// Measure how fast it is here.
#[derive(Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  tasker bench --shape linear --steps 5 --tasks 1000
  tasker bench --shape fan-out --steps 22 --tasks 1000 --with-ceiling --runs 5 --output json
  tasker bench --tasks 4000 --workers 4 --handler-ms 5 --database-url postgres://localhost/app
  tasker bench --history 1000000

Each run makes a database of its own: a new folder in the data directory, or a new database on the
server that --database-url names; it is deleted afterwards. What is there already is not touched.
At the end of each run it is verified that every task completed exactly once and that the database
is sound. What each figure is: docs/performance.md.

Exit status: 0 done; 1 a task was lost, ran twice, or something wrong was found."
)]
pub struct BenchArgs {
    /// What else to do
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    /// What to measure
    #[command(flatten)]
    pub run: BenchRunArgs,
}

/// Parts of `tasker bench`.
#[derive(Subcommand, Clone, Debug)]
pub enum BenchCommand {
    /// Measure the database alone: the same rows, written by plain batched SQL
    Ceiling(CeilingArgs),
    /// Run steps for a bench that another process does
    #[command(hide = true)]
    Worker(BenchWorkerArgs),
}

/// How a worker process of a bench is set up; the rest it is told on its standard input.
#[derive(Args, Clone, Debug)]
pub struct BenchWorkerArgs {
    /// Handlers that run at once
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
}

/// What is run.
#[derive(Args, Clone, Debug)]
pub struct WorkloadArgs {
    /// Shape of the tasks
    #[arg(long, value_name = "SHAPE", default_value = "linear", value_parser = shapes())]
    pub shape: String,
    /// Steps of a task, as near as the shape allows [default: 5 for linear, 7, 22, 8, 9 and 30 for the others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub steps: Option<u32>,
    /// How many tasks
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub tasks: u32,
    /// Bytes of text in each task's context and in each step's result
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=900_000))]
    pub payload: u32,
    /// How often it is all done; medians are shown
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub runs: u32,
}

/// Where databases are made.
#[derive(Args, Clone, Copy, Debug)]
pub struct MadeArgs {
    /// Kind of database [default: that of --database-url, else sqlite]
    #[arg(long, value_name = "KIND", value_enum)]
    pub database: Option<DatabaseKind>,
    /// Keep the databases that were measured
    #[arg(long)]
    pub keep: bool,
}

/// Kinds of databases.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatabaseKind {
    /// A file in the data directory, or beside the one that --database-url names
    Sqlite,
    /// A database on the server that --database-url names
    Postgres,
}

/// What is measured of the engine.
#[derive(Args, Clone, Debug)]
pub struct BenchRunArgs {
    /// The tasks
    #[command(flatten)]
    pub workload: WorkloadArgs,
    /// How many callers submit, each one task at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub callers: u32,
    /// Submit as many tasks at a time as the engine takes
    #[arg(long, conflicts_with = "callers")]
    pub bulk: bool,
    /// Share of steps, 0 to 1, whose first attempt fails; each waits a second or so for its next
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub failure_rate: f64,
    /// How long each handler waits
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub handler_ms: u32,
    /// Worker processes that run the steps [default: none, this process runs them]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub workers: u32,
    /// Handlers that run at once in each process [default: execution.max_concurrent_steps]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub concurrency: Option<u32>,
    /// Tasks that run alone before the others, for latencies
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub idle_tasks: u32,
    /// Finished steps that the database holds before each run
    #[arg(long, value_name = "STEPS", default_value_t = 0, hide_default_value = true)]
    pub history: u32,
    /// Tasks that wait in the queue during each run
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub waiting: u32,
    /// Measure the database alone as well, in turn with the engine, and compare
    #[arg(long)]
    pub with_ceiling: bool,
    /// The databases
    #[command(flatten)]
    pub made: MadeArgs,
}

/// What is measured of the database alone.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker bench ceiling --shape linear --steps 5 --tasks 4000 --runs 5
  tasker bench ceiling --database postgres --database-url postgres://localhost/postgres --output json

The rows of the tasks are written into the same tables, 500 tasks or outcomes per transaction, each
transaction as durable as the engine's.")]
pub struct CeilingArgs {
    /// The tasks
    #[command(flatten)]
    pub workload: WorkloadArgs,
    /// The databases
    #[command(flatten)]
    pub made: MadeArgs,
}

impl BenchRunArgs {
    /// How long each handler waits.
    pub fn handler_wait(&self) -> Duration {
        Duration::from_millis(u64::from(self.handler_ms))
    }
}

fn shapes() -> PossibleValuesParser {
    PossibleValuesParser::new(tasker_bench::ShapeKind::ALL.map(tasker_bench::ShapeKind::as_str))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 1".to_owned())
}
