//! `tasker torture ...`.

use clap::{Args, Subcommand};

use super::bench::DatabaseKind;

/// See for yourself that nothing gets lost.
#[derive(Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  tasker torture --minutes 5
  tasker torture --minutes 30 --database-url postgres://localhost/app
  tasker torture --minutes 10 --workers 5 --seed 7 --output json

What happens: worker processes are started, and random workflows run on them: graphs of up to 300
steps that succeed, fail, are refused, hang, or break off, as the seed wants. Every execution calls
a ledger in this process, which the workers' database knows nothing of. Round after round, something
is done meanwhile, and it is proved that it happened:

  kill           kill -9 for a worker
  kill all       kill -9 for all of them
  freeze         SIGSTOP for a worker, beyond its lease; then it goes on
  cut            all connections to the server are cut, again and again (PostgreSQL)
  lose answers   the server commits, and the connection is cut before the answer (PostgreSQL)
  slow           everything takes its time on the way, then stands still (PostgreSQL)

After each round the ledger, the database and its log are compared with what an independent model
says: which steps ran, how often, in which order, with which results, after which waits. Nothing may
be lost, nothing done twice; executions that were lost with their worker are the only repeats.

The database is a new one: a folder in the data directory, or a database on the server that
--database-url names, where this user must be allowed to create one. What is there already is not
touched. It is deleted at the end, unless something was found in it, or --keep is given.

Ctrl-C ends it after the round that runs, with the report so far; a second one ends it at once.

Exit status: 0 nothing was found; 1 something was lost, done twice, or wrong; 130, 143 interrupted."
)]
pub struct TortureArgs {
    /// What else to do
    #[command(subcommand)]
    pub command: Option<TortureCommand>,
    /// How much to do
    #[command(flatten)]
    pub run: TortureRunArgs,
}

/// Parts of `tasker torture`.
#[derive(Subcommand, Clone, Debug)]
pub enum TortureCommand {
    /// Run steps until standard input ends
    #[command(hide = true)]
    Worker(TortureWorkerArgs),
}

/// How a worker process is set up.
#[derive(Args, Clone, Debug)]
pub struct TortureWorkerArgs {
    /// Its name
    #[arg(long, value_name = "NAME")]
    pub name: String,
}

/// How much is done.
#[derive(Args, Clone, Debug)]
pub struct TortureRunArgs {
    /// How long; the round that runs then is ended
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub minutes: u32,
    /// Worker processes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=64))]
    pub workers: u32,
    /// What workflows and the order of faults follow from [default: another one each time]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Kind of database [default: that of --database-url, else sqlite]
    #[arg(long, value_name = "KIND", value_enum)]
    pub database: Option<DatabaseKind>,
    /// Keep the database
    #[arg(long)]
    pub keep: bool,
}
