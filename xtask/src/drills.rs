//! `cargo xtask drills`: faults on purpose, with the real program and real servers.

use anyhow::Result;

use crate::{packages, run};

/// Builds the program and the drills, and does them; `arguments` are their own (`--minutes N`, `--only NAME`, ...).
pub fn run(arguments: &[&str]) -> Result<()> {
    packages::ensure()?;
    run::run(run::cargo().args(["build", "--package", "tasker-cli"]))?;
    let drills = ["run", "--quiet", "--package", "tasker-e2e", "--bin", "drills", "--"];
    run::run(run::cargo().args(drills).args(arguments))
}
