//! `cargo xtask instructions`: how many instructions the hot path's work in `core` takes, compared with what it took before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{packages, run};

/// What it took before: a line per workload.
const BEFORE: &str = "crates/core/benches/instructions.txt";

/// More than so many per cent more is a regression. Counts of one program differ by less; other versions of the compiler and
/// the C library differ by more, and then the file is to be written anew.
const TOLERANCE: u64 = 10;

/// How often a workload is done in the two runs whose difference is taken, so that preparing does not count.
const TIMES: (u64, u64) = (20, 120);

/// What to do with the counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Compare them with the file; an error if any grew.
    Compare,
    /// Write the file.
    Write,
}

/// Counts every workload under valgrind.
pub fn run(then: Then) -> Result<()> {
    packages::ensure_program("valgrind")?;
    let program = build()?;
    let names = output(&mut Command::new(&program))?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        let (few, many) = (count(&program, name, TIMES.0)?, count(&program, name, TIMES.1)?);
        counts.insert(name.to_owned(), (many - few) / (TIMES.1 - TIMES.0));
    }
    match then {
        Then::Compare => compare(&counts, &before()?),
        Then::Write => {
            let lines: String = counts.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
            print!("{lines}");
            Ok(std::fs::write(run::root().join(BEFORE), lines)?)
        }
    }
}

fn build() -> Result<PathBuf> {
    let mut cargo = run::cargo();
    cargo.args(["build", "--release", "--package", "tasker-core", "--bench", "instructions"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = output(&mut cargo)?;
    let mut paths = messages.lines().filter(|line| line.contains("\"instructions\"")).filter_map(|line| {
        let (_, path) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(path.split('"').next()?))
    });
    paths.next_back().context("cargo did not tell where the program is")
}

fn count(program: &Path, workload: &str, times: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let done =
        valgrind.args([workload, &times.to_string()]).output().context("valgrind cannot be started")?;
    let said = String::from_utf8_lossy(&done.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.with_context(|| format!("valgrind counted nothing of {workload}: {said}"))?;
    Ok(count.trim().parse()?)
}

fn output(command: &mut Command) -> Result<String> {
    let done = command.stderr(std::process::Stdio::inherit()).output()?;
    if !done.status.success() {
        bail!("{:?} failed ({})", command.get_program(), done.status);
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn before() -> Result<BTreeMap<String, u64>> {
    let text =
        std::fs::read_to_string(run::root().join(BEFORE)).with_context(|| format!("reading {BEFORE}"))?;
    let entry = |line: &str| {
        let (name, count) = line.split_once(' ').with_context(|| format!("{BEFORE}: {line:?}"))?;
        Ok((name.to_owned(), count.parse()?))
    };
    text.lines().map(entry).collect()
}

fn compare(now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> Result<()> {
    let mut worse = Vec::new();
    println!("{:<20} {:>12} {:>12} {:>7}", "workload", "before", "now", "change");
    for (name, now) in now {
        let Some(before) = before.get(name) else {
            bail!("{BEFORE} has no line for {name}: write it anew with `cargo xtask instructions --write`");
        };
        let percent = 100.0 * (*now as f64 / *before as f64 - 1.0);
        println!("{name:<20} {before:>12} {now:>12} {percent:>+6.1}%");
        if *now > before + before * TOLERANCE / 100 {
            worse.push(name.as_str());
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    bail!(
        "more than {TOLERANCE} % more instructions than before: {}. If that is meant: cargo xtask instructions --write",
        worse.join(", ")
    );
}
