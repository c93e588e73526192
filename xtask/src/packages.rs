//! What the tests need on the machine, and how it gets there: Debian packages, installed only if missing and only
//! as root.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// Programs that tests and examples call, with the Debian package each comes from.
const NEEDED: &[(&str, &str)] = &[
    ("sh", "dash"),
    ("sort", "coreutils"),
    ("wc", "coreutils"),
    ("awk", "mawk"),
    ("grep", "grep"),
    ("sed", "sed"),
];

/// Installs what is missing, or says what to install.
pub fn ensure() -> Result<()> {
    let missing = missing_packages(run::on_path);
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!(
            "the tests need these packages: {0}. Install them (as root: apt-get install {0})",
            missing.join(" ")
        );
    }
    run::run(Command::new("apt-get").args(["update", "-q"]))?;
    run::run(
        Command::new("apt-get")
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn missing_packages(present: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut missing: Vec<_> =
        NEEDED.iter().filter(|(program, _)| !present(program)).map(|(_, package)| *package).collect();
    missing.dedup();
    missing
}

fn may_install() -> bool {
    let root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    root && run::on_path("apt-get")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_package_is_named_once() {
        assert_eq!(
            missing_packages(|program| !matches!(program, "sort" | "wc" | "awk")),
            ["coreutils", "mawk"]
        );
        assert_eq!(missing_packages(|_| true), Vec::<&str>::new());
    }
}
