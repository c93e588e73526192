//! `tasker server ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Serve the HTTP API.
#[derive(Subcommand, Clone, Debug)]
pub enum ServerCommand {
    /// Serve the HTTP API, and run steps, until it is stopped
    Run(ServerRunArgs),
}

/// Serve the HTTP API.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker server run
  tasker server run --listen 127.0.0.1:9000 --definitions ./workflows
  tasker server run --no-worker --database-url postgres://tasker@db.example.com/tasker

  curl -d '{\"name\": \"order\", \"context\": {}}' -H 'Content-Type: application/json' http://127.0.0.1:8080/tasker/tasks

Unless auth.strategy says otherwise, nobody is asked who they are. Then the server listens on loopback only, unless
auth.allow_unauthenticated says that everybody who can reach it may do everything. Ctrl-C or SIGTERM stops gracefully; a second signal stops at once.")]
pub struct ServerRunArgs {
    /// Address and port to listen on (api.listen); port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address and port at which /metrics and /health can be read besides (telemetry.metrics_listen); on loopback, unless
    /// telemetry.metrics_auth_required is false
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Serve the API only; steps are run by workers elsewhere
    #[arg(long)]
    pub no_worker: bool,
    /// Let steps run local programs (handler `command`)
    #[arg(long, conflicts_with = "no_worker")]
    pub allow_commands: bool,
    /// Register this definition file, or every one in this folder, before serving begins; repeatable (besides
    /// worker.definitions)
    #[arg(long, value_name = "PATH")]
    pub definitions: Vec<PathBuf>,
}
