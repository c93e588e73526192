//! Format and lints.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// rustfmt in check mode, then clippy over every target with warnings denied.
pub fn run() -> Result<()> {
    component("fmt", "rustfmt")?;
    run::run(run::cargo().args(["fmt", "--all", "--check"]))?;
    component("clippy", "clippy")?;
    run::run(run::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Adds a component of the toolchain that a minimal installation lacks.
fn component(command: &str, component: &str) -> Result<()> {
    if run::succeeds(run::cargo().args([command, "--version"])) {
        return Ok(());
    }
    if !run::on_path("rustup") {
        bail!("cargo {command} is missing: install {component} for this toolchain");
    }
    run::run(Command::new("rustup").args(["component", "add", component]).current_dir(run::root()))
}
