//! `tasker db ...`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::values::duration;

/// Look after the database.
#[derive(Subcommand, Clone, Debug)]
pub enum DbCommand {
    /// Create the database, or bring its schema up to date (after a copy)
    #[command(
        after_help = "Examples:\n  tasker db migrate\n  tasker db migrate --database-url sqlite:/var/lib/tasker/tasker.db"
    )]
    Migrate,
    /// Show where the database is and which schema it has
    #[command(after_help = "Examples:\n  tasker db status\n  tasker db status --output json")]
    Status,
    /// Look for broken rows and rules, and mend what follows from the rest
    Check(CheckArgs),
    /// Delete tasks that ended long ago, with their history
    Prune(PruneArgs),
}

/// Look for broken rows and rules, and mend what follows from the rest.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker db check
  tasker db check --limit 1000 --output json
  tasker db check --repair --dry-run
  tasker db check --repair --yes

A repair works out counters, times and queue rows anew from states and history, and deletes rows
that belong to no task. It leaves what is in doubt, and what a live worker holds. Workers may run
meanwhile. Keep a copy of the database.

Exit status: 0 nothing is wrong (any more); 1 something is.")]
pub struct CheckArgs {
    /// Most findings
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub limit: u64,
    /// Mend what can be mended, after saying what that is and asking
    #[arg(long)]
    pub repair: bool,
    /// Only say what would be mended
    #[arg(long, requires = "repair")]
    pub dry_run: bool,
}

/// Delete tasks that ended long ago.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker db prune --finished-before 30d --dry-run
  tasker db prune --finished-before 30d --yes

Tasks that have not ended are never deleted.")]
pub struct PruneArgs {
    /// Only tasks that ended longer ago than this
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub finished_before: Duration,
    /// Only count them
    #[arg(long)]
    pub dry_run: bool,
}
