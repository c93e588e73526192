//! `cargo xtask load`: how many tasks a second the real server accepts, from many callers.

use anyhow::Result;

use crate::{packages, run};

/// Builds the program and its callers as they are released, and lets them call; `arguments` are their own
/// (`--seconds N`, `--connections N`).
pub fn run(arguments: &[&str]) -> Result<()> {
    packages::ensure()?;
    run::run(run::cargo().args(["build", "--release", "--package", "tasker-cli"]))?;
    let load = ["run", "--quiet", "--release", "--package", "tasker-e2e", "--bin", "load", "--"];
    run::run(run::cargo().args(load).args(arguments))
}
