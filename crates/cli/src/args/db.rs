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
    /// Look for broken rows and rules
    #[command(
        after_help = "Examples:\n  tasker db check\n  tasker db check --limit 1000 --output json\n\nExit status: 0 nothing found; 1 something found."
    )]
    Check {
        /// Most findings
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        limit: u64,
    },
    /// Delete tasks that ended long ago, with their history
    Prune(PruneArgs),
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
