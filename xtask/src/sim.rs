//! `cargo xtask sim`: seeds of the simulation, optimised, on every core.

use anyhow::Result;

use crate::run;

/// Builds the simulation with optimisation and lets it run; `arguments` are its own (`--seeds N --start S`, ...).
pub fn run(arguments: &[&str]) -> Result<()> {
    let build = ["--quiet", "--profile", "profiling", "--package", "tasker-testkit", "--bin", "sim", "--"];
    run::run(run::cargo().arg("run").args(build).args(arguments))
}
