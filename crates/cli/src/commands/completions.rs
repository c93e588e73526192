//! `tasker completions`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::exit::Status;

/// Writes a completion script.
pub fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tasker", &mut script);
    // A reader that went away is no reason to fail.
    let _ = std::io::stdout().write_all(&script);
    Ok(Status::Ok.into())
}
