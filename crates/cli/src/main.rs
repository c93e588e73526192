//! The command line of Tasker: one binary, `tasker`.

mod api_options;
mod args;
mod backend;
mod catalog;
mod commands;
mod demo;
mod exit;
mod input;
mod logging;
mod monitor;
mod open;
mod output;
mod progress;
mod server_failure;
mod session;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use crate::args::{Cli, Command};
use crate::exit::Status;
use crate::output::Printer;
use crate::session::Session;

/// The system's allocator takes longer the more was allocated before. Huge pages would cost memory and time
/// (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let printer = Printer::new(&cli.globals);
    match start(cli, printer) {
        Ok(code) if code == ExitCode::SUCCESS && output::is_lost() => Status::Failed.into(),
        Ok(code) => code,
        Err(error) => exit::report(&error, &printer),
    }
}

fn start(cli: Cli, printer: Printer) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Completions { shell } => return commands::completions::run(*shell),
        Command::Version => return commands::version::run(&printer),
        Command::Config(command) => return commands::config::run(*command, &cli.globals, &printer),
        _ => {}
    }
    let session = Session::start(cli.globals, printer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        signals::survive_file_size_limit();
        commands::run(cli.command, &session).await
    });
    // Whatever still runs was told to stop before; a thread that reads standard input must not hold up the exit.
    runtime.shutdown_background();
    code
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
