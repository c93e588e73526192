//! `cargo xtask load` and `cargo xtask streams`: how many tasks a second the real server accepts from many callers, and
//! whether many listeners are told all that happens.

use anyhow::Result;

use crate::{packages, run};

/// Builds the program and its callers (`load`) or listeners (`streams`) as they are released, and lets them at it;
/// `arguments` are their own.
pub fn run(name: &str, arguments: &[&str]) -> Result<()> {
    packages::ensure()?;
    run::run(run::cargo().args(["build", "--release", "--package", "tasker-cli"]))?;
    let program = ["run", "--quiet", "--release", "--package", "tasker-e2e", "--bin", name, "--"];
    run::run(run::cargo().args(program).args(arguments))
}
