//! `tasker config ...`.

use clap::Subcommand;

/// Look at the configuration.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum ConfigCommand {
    /// Check files, environment and flags
    #[command(
        after_help = "Examples:\n  tasker config check\n  tasker config check --config production.toml\n\nExit status: 0 valid; 3 not."
    )]
    Check,
    /// Show every setting, and where its value comes from; secrets are masked
    #[command(
        after_help = "Examples:\n  tasker config show\n  tasker config show --output json | jq '.settings[] | select(.source != \"default\")'"
    )]
    Show,
}
