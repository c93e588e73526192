//! Flags that every command understands.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every command understands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// Configuration file to use instead of ./tasker.toml and $XDG_CONFIG_HOME/tasker/tasker.toml
    #[arg(long, global = true, value_name = "FILE", env = "TASKER_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Environment whose overrides in definitions apply [default: development]
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,
    /// Database: sqlite:PATH or postgres://... (or TASKER_DATABASE_URL) [default: tasker.db in the data directory]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Folder of the embedded database (or TASKER_DATA_DIR) [default: $XDG_DATA_HOME/tasker]
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "database_url")]
    pub data_dir: Option<PathBuf>,
    /// Server to work with instead of a database: its address (or TASKER_SERVER_URL)
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["database_url", "data_dir"])]
    pub server: Option<String>,
    /// File with the token for the server (or TASKER_TOKEN_FILE; TASKER_TOKEN holds a token itself)
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How results are written
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Output,
    /// Write no messages and no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Log more: -v information, -vv details, -vvv everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "log_level")]
    pub verbose: u8,
    /// Which log lines are written (or RUST_LOG)
    #[arg(long, global = true, value_name = "LEVEL", value_parser = ["off", "error", "warn", "info", "debug", "trace"], hide_possible_values = false)]
    pub log_level: Option<String>,
    /// How log lines are written
    #[arg(long, global = true, value_name = "FORMAT", value_parser = ["text", "json"])]
    pub log_format: Option<String>,
    /// No colours (or NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Do not ask before something is deleted or mended
    #[arg(long, short, global = true)]
    pub yes: bool,
}

/// How results are written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}
