//! The project's own tasks: `cargo xtask <command>`.
//!
//! Everything that a person or a machine does to this repository beside plain `cargo` is a command here, so that
//! nothing depends on a shell, on what is installed, or on a memory of flags.

mod drills;
mod fuzz;
mod instructions;
mod lint;
mod load;
mod mutants;
mod packages;
mod run;
mod schemathesis;
mod sim;
mod tests;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <command>

  test [--all]   install what the tests need, build the program, run all tests and doc tests;
                 --all: in their long form (20 kill moments instead of 3), and five minutes of drills
  lint           rustfmt --check, then clippy with warnings denied
  instructions [--write]
                 count the instructions of the work in core (valgrind) and compare them with the
                 numbers kept in the repository; --write keeps these
  sim (--seeds N | --minutes N) [--start SEED] [--story]
                 simulate worlds in which everything fails, one per seed; the last line depends on
                 the seeds alone. A seed that finds something is kept in crates/testkit/seeds/sim.txt
  fuzz [--seconds N] [TARGET]
                 try to break what takes input from outside, guided by coverage, 30 s in all (needs
                 a C++ compiler)
  schemathesis [--all]
                 ask the real server everything that its description allows and forbids, as three
                 callers, about a minute in all (needs python3-venv; packages come from PyPI)
  mutants [NAME...]
                 put known bugs (xtask/mutants) into a copy of the sources, one at a time, and look
                 whether the tests notice
  drills [--minutes N] [--postgres|--sqlite] [--only NAME] [--seed N] [--list]
                 do one thing after the other to nodes, servers, disks and clocks while random
                 workflows run, prove that it was done, and judge what came of it: each drill once,
                 or all of them again and again. A workflow that something is found with is kept in
                 e2e/seeds/workflows.txt
  load [--seconds N] [--connections N]
                 how many tasks a second the real server accepts, released and on PostgreSQL, while
                 nobody runs them and while it does
  streams [--seconds N] [--listeners N] [--slow N] [--tasks-per-second N]
                 whether each of many listeners to events is told all of them, once and in order, by
                 two released servers on PostgreSQL while tasks are created and run
  tidy           the rules of this repository that no compiler knows
  docs           write the generated halves of docs/cli.md and docs/configuration.md, and docs/openapi.json, anew
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
        ["instructions"] => instructions::run(instructions::Then::Compare),
        ["instructions", "--write"] => instructions::run(instructions::Then::Write),
        ["lint"] => lint::run(),
        ["sim", arguments @ ..] => sim::run(arguments),
        ["fuzz", arguments @ ..] => fuzz::Options::read(arguments).and_then(|options| fuzz::run(&options)),
        ["mutants", names @ ..] => mutants::run(names),
        ["drills", arguments @ ..] => drills::run(arguments),
        ["schemathesis"] => tests::look_at_api(tests::Extent::Usual),
        ["schemathesis", "--all"] => tests::look_at_api(tests::Extent::All),
        ["load", arguments @ ..] => load::run("load", arguments),
        ["streams", arguments @ ..] => load::run("streams", arguments),
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
