//! The project's own tasks: `cargo xtask <command>`.
//!
//! Everything that a person or a machine does to this repository beside plain `cargo` is a command here, so that
//! nothing depends on a shell, on what is installed, or on a memory of flags.

mod lint;
mod packages;
mod run;
mod tests;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <command>

  test [--all]   install what the tests need, build the program, run all tests and doc tests;
                 --all adds the long ones (50 kill moments instead of 3)
  lint           rustfmt --check, then clippy with warnings denied
  tidy           the rules of this repository that no compiler knows
  docs           write the generated halves of docs/cli.md and docs/configuration.md anew
  ci             lint, tidy, test: cheapest first
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<()> {
    match words {
        ["test"] => tests::run(tests::Extent::Usual),
        ["test", "--all"] => tests::run(tests::Extent::All),
        ["lint"] => lint::run(),
        ["tidy"] => tidy::run(),
        ["docs"] => tests::write_reference(),
        ["ci"] => lint::run().and_then(|()| tidy::run()).and_then(|()| tests::run(tests::Extent::Usual)),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("no such command: {}\n\n{HELP}", other.join(" ")),
    }
}
