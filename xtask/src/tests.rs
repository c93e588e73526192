//! `cargo xtask test`: everything that can be wrong, found by one command.

use anyhow::Result;

use crate::{drills, fuzz, packages, run, schemathesis};

/// How long drills are done in the end, if everything is tested in full.
const DRILL_MINUTES: &str = "5";

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything, the long tests in their short form.
    Usual,
    /// Everything, the long tests in full.
    All,
}

/// Installs what is missing, builds the program that the process tests start, runs the fuzzer for a while, asks the API
/// what its description allows and forbids, runs all tests and all doc tests; in full, drills too.
pub fn run(extent: Extent) -> Result<()> {
    packages::ensure()?;
    fuzz::run(&fuzz::Options::default())?;
    look_at_api(extent)?;
    // The documentation first: the summary of all other tests is the last thing that is seen.
    run::run(run::cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    run::run(runner().envs(settings(extent)))?;
    match extent {
        Extent::Usual => Ok(()),
        Extent::All => drills::run(&["--minutes", DRILL_MINUTES]),
    }
}

/// Builds the program and asks its API what its description allows and forbids.
pub fn look_at_api(extent: Extent) -> Result<()> {
    run::run(run::cargo().args(["build", "--package", "tasker-cli"]))?;
    schemathesis::run(match extent {
        Extent::Usual => schemathesis::Options::USUAL,
        Extent::All => schemathesis::Options::ALL,
    })
}

/// Lets the tests that compare references with the program write them instead.
pub fn write_reference() -> Result<()> {
    run::run(run::cargo().args(["build", "--package", "tasker-cli"]))?;
    let test = ["test", "--package", "tasker-e2e", "--test", "e2e", "--quiet", "reference"];
    run::run(run::cargo().args(test).env("TASKER_UPDATE_DOCS", "1"))?;
    let test = ["test", "--package", "tasker-http", "--test", "api", "--quiet", "the_description"];
    run::run(run::cargo().args(test).env("TASKER_UPDATE_DOCS", "1"))
}

/// nextest where it is installed (tests of one binary run beside each other, and a summary at the end), else what
/// cargo brings. Many tests wait for something most of the time, so twice as many run at once as there are processors.
fn runner() -> std::process::Command {
    let mut command = run::cargo();
    if run::succeeds(run::cargo().args(["nextest", "--version"])) {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = (2 * processors).to_string();
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--test-threads", &at_once]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    command
}

fn settings(extent: Extent) -> Vec<(&'static str, &'static str)> {
    match extent {
        Extent::Usual => Vec::new(),
        Extent::All => {
            vec![("TASKER_E2E_KILLS", "20"), ("TASKER_E2E_WORKFLOWS", "300"), ("TASKER_SIM_SEEDS", "2000")]
        }
    }
}
