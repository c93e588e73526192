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
    (POSTGRES, "postgresql"),
    ("pgbouncer", "pgbouncer"),
    ("faketime", "faketime"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    CPP_COMPILER,
];

/// What fuzzers are built with.
pub const CPP_COMPILER: (&str, &str) = ("c++", "g++");

/// What makes Python environments. It is no program: Debian packs it by itself, and has it needed for `pip`.
pub const PYTHON: &[(&str, &str)] = &[("python3", "python3"), (PYTHON_VENV, "python3-venv")];

/// The module of Python that makes environments with `pip`.
const PYTHON_VENV: &str = "ensurepip";

/// The server of PostgreSQL. Debian keeps it out of the path, under its version.
const POSTGRES: &str = "postgres";

/// Installs what the tests need and is missing, or says what to install.
pub fn ensure() -> Result<()> {
    ensure_of(NEEDED)
}

/// Installs a program of the Debian package of the same name if it is missing, or says what to install.
pub fn ensure_program(name: &'static str) -> Result<()> {
    ensure_of(&[(name, name)])
}

/// Installs the packages of those programs that are missing, or says what to install.
pub fn ensure_of(needed: &[(&str, &'static str)]) -> Result<()> {
    let missing = missing_packages(needed, is_there);
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!(
            "these packages are needed: {0}. Install them (as root: apt-get install {0})",
            missing.join(" ")
        );
    }
    if missing.contains(&"postgresql") {
        forbid_own_cluster()?;
    }
    run::run(Command::new("apt-get").args(["update", "-q"]))?;
    run::run(
        Command::new("apt-get")
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn is_there(program: &str) -> bool {
    // Debian's daemons are in a folder that is not on everybody's path.
    let is_daemon = std::path::Path::new("/usr/sbin").join(program).is_file();
    run::on_path(program)
        || is_daemon
        || (program == POSTGRES && debian_keeps_postgres())
        || (program == PYTHON_VENV && python_has(PYTHON_VENV))
}

fn python_has(module: &str) -> bool {
    run::succeeds(Command::new("python3").args(["-c", &format!("import {module}")]))
}

fn debian_keeps_postgres() -> bool {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else { return false };
    versions.flatten().any(|version| version.path().join("bin/postgres").is_file())
}

/// Tests start servers of their own: the one that Debian would set up and start is not needed.
fn forbid_own_cluster() -> Result<()> {
    let folder = std::path::Path::new("/etc/postgresql-common");
    let file = folder.join("createcluster.conf");
    if !file.exists() {
        std::fs::create_dir_all(folder)?;
        std::fs::write(file, "create_main_cluster = false\n")?;
    }
    Ok(())
}

fn missing_packages(needed: &[(&str, &'static str)], present: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut missing: Vec<_> =
        needed.iter().filter(|(program, _)| !present(program)).map(|(_, package)| *package).collect();
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
            missing_packages(NEEDED, |program| !matches!(program, "sort" | "wc" | "awk")),
            ["coreutils", "mawk"]
        );
        assert_eq!(missing_packages(NEEDED, |_| true), Vec::<&str>::new());
    }
}
