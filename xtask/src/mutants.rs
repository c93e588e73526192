//! `cargo xtask mutants`: puts known bugs into a copy of the sources, one at a time, and looks whether the tests notice.
//!
//! A bug is a file of `xtask/mutants` (see [`bug`]). First run the tests that should catch it, then, if these let it pass,
//! all of them. Nothing is changed in the repository itself.

mod bug;
mod copy;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::bug::Bug;
use self::copy::Copy;
use crate::run;

/// Tests that have not ended by then were caught by the bug as well, such as in a deadlock.
const PATIENCE: Duration = Duration::from_secs(1200);

/// What `timeout` ends with when it had to end something.
const ENDED_BY_TIMEOUT: i32 = 124;

/// Tries the bugs of these names, or all, and prints a row of a table for each; an error if a bug was not caught.
pub fn run(names: &[&str]) -> Result<()> {
    let bugs = chosen(Bug::all()?, names)?;
    let copy = Copy::of_sources()?;
    for bug in &bugs {
        bug.mutated(&copy.original(&bug.file)?)?;
    }
    println!("| Bug put in | Where | Caught by | Seconds |\n|---|---|---|---:|");
    let mut survivors = Vec::new();
    for bug in &bugs {
        let started = Instant::now();
        let caught = copy.with(bug, || caught_by(&copy, bug))?;
        let by = caught.as_deref().map_or("**nothing**".to_owned(), |test| format!("`{test}`"));
        println!("| {} | `{}` | {by} | {} |", bug.what, bug.file, started.elapsed().as_secs());
        if caught.is_none() {
            survivors.push(bug.name.as_str());
        }
    }
    if survivors.is_empty() {
        return Ok(());
    }
    bail!("no test noticed these bugs: {}", survivors.join(", "))
}

fn chosen(bugs: Vec<Bug>, names: &[&str]) -> Result<Vec<Bug>> {
    if let Some(unknown) = names.iter().find(|name| !bugs.iter().any(|bug| bug.name == **name)) {
        let known: Vec<&str> = bugs.iter().map(|bug| bug.name.as_str()).collect();
        bail!("no such bug: {unknown}; there are {}", known.join(", "));
    }
    Ok(bugs.into_iter().filter(|bug| names.is_empty() || names.contains(&bug.name.as_str())).collect())
}

fn caught_by(copy: &Copy, bug: &Bug) -> Result<Option<String>> {
    let expected: Vec<&str> = bug.tests.split_whitespace().collect();
    match first_failure(copy, &expected)? {
        None => {
            run::run(copy.cargo(run::cargo()).args(["build", "--quiet", "--package", "tasker-cli"]))?;
            first_failure(copy, &["--workspace"])
        }
        caught => Ok(caught),
    }
}

/// The first test that fails, if one does.
fn first_failure(copy: &Copy, tests: &[&str]) -> Result<Option<String>> {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=30", &PATIENCE.as_secs().to_string(), "cargo", "nextest", "run"]).args(tests);
    let done = copy.cargo(command).output().context("starting the tests")?;
    if done.status.success() {
        return Ok(None);
    }
    let output = String::from_utf8_lossy(&done.stderr);
    match failed_test(&output) {
        Some(test) => Ok(Some(test)),
        None if done.status.code() == Some(ENDED_BY_TIMEOUT) => Ok(Some("a test that did not end".into())),
        None => bail!("the tests could not be run:\n{output}"),
    }
}

/// Package and name of the test that a runner says failed first.
fn failed_test(output: &str) -> Option<String> {
    let failures = ["FAIL [", "SIGABRT [", "SIGSEGV [", "TIMEOUT ["];
    let line = output.lines().find(|line| failures.iter().any(|word| line.trim_start().starts_with(word)))?;
    let (_, rest) = line.split_once(']')?;
    let words: Vec<&str> = rest.split_whitespace().filter(|word| !is_progress(word)).collect();
    Some(words.join(" "))
}

/// `(12/340)`, which a runner may write before a name, in one word or two.
fn is_progress(word: &str) -> bool {
    word.starts_with('(') || word.ends_with(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_named() {
        let output = "  PASS [   0.01s] (1/9) a b::c\n   FAIL [   0.05s] ( 12/340) tasker-core decide::x\n   FAIL [ 1s] d e\n";
        assert_eq!(failed_test(output), Some("tasker-core decide::x".into()));
        assert_eq!(failed_test("error: could not compile"), None);
    }

    #[test]
    fn every_bug_of_the_list_still_has_its_place() {
        let bugs = Bug::all().unwrap();
        assert!(bugs.len() >= 16, "{}", bugs.len());
        for bug in bugs {
            let text = std::fs::read_to_string(run::root().join(&bug.file)).unwrap();
            assert_ne!(bug.mutated(&text).unwrap(), text, "{}", bug.name);
        }
    }
}
