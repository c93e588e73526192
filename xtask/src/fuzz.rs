//! `cargo xtask fuzz`: tries to break what takes input from outside, guided by coverage, for a bounded time.
//!
//! The targets are those of cargo-fuzz's layout in `fuzz/`. They are built here with the stable toolchain, instrumented as
//! that program does it with `--sanitizer none`, so that nothing has to be installed but a C++ compiler.

mod options;
mod outcome;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

pub use self::options::Options;
use self::outcome::Outcome;
use crate::{packages, run};

/// What makes a compiler tell the fuzzer which branches were taken and what was compared.
const INSTRUMENTATION: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Limits of one input: its bytes, the seconds it may take on a machine that has other work, the megabytes it may use.
const LIMITS: [&str; 3] = ["-max_len=4096", "-timeout=60", "-rss_limit_mb=2048"];

/// Programs of all targets, and where their things lie.
struct Programs {
    folder: PathBuf,
    root: PathBuf,
}

/// Builds the targets and lets each run for its share of the time; an error names every input that broke something.
pub fn run(options: &Options) -> Result<()> {
    packages::ensure_of(&[packages::CPP_COMPILER])?;
    let targets = chosen(options, targets()?)?;
    let programs = Programs::build()?;
    let outcomes = programs.run_all(&targets, options.seconds)?;
    println!("{}", Outcome::HEADING);
    for outcome in &outcomes {
        println!("{outcome}");
    }
    let found: Vec<String> = outcomes.iter().filter_map(Outcome::finding).collect();
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}

/// The targets that there are, by name.
fn targets() -> Result<Vec<String>> {
    let folder = run::root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn chosen(options: &Options, targets: Vec<String>) -> Result<Vec<String>> {
    match &options.target {
        None => Ok(targets),
        Some(one) if targets.contains(one) => Ok(vec![one.clone()]),
        Some(other) => bail!("no such target: {other}; there are {}", targets.join(", ")),
    }
}

impl Programs {
    fn build() -> Result<Self> {
        let (root, host) = (run::root(), host()?);
        // With a target named, instrumentation stays away from build scripts and macros.
        let mut cargo = run::cargo();
        cargo.args(["build", "--quiet", "--package", "tasker-fuzz", "--bins", "--profile", "fuzzing"]);
        cargo.args(["--target", &host]).env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"));
        run::run(&mut cargo)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self { folder: target.join(host).join("fuzzing"), root })
    }

    /// As many targets at a time as there are processors.
    fn run_all(&self, targets: &[String], seconds: u64) -> Result<Vec<Outcome>> {
        let at_once = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
        let each = (seconds / targets.len().div_ceil(at_once) as u64).max(1);
        let waiting: Mutex<VecDeque<&String>> = Mutex::new(targets.iter().collect());
        let next = || waiting.lock().expect("no thread panics with the list").pop_front();
        let work = || -> Result<Vec<Outcome>> {
            std::iter::from_fn(next).map(|target| self.run_one(target, each)).collect()
        };
        let mut outcomes = thread::scope(|scope| {
            let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("no panic in a thread"));
            joined.collect::<Result<Vec<_>>>()
        })?
        .concat();
        outcomes.sort_by(|one, other| one.target.cmp(&other.target));
        Ok(outcomes)
    }

    fn run_one(&self, target: &str, seconds: u64) -> Result<Outcome> {
        let (found, findings) = (self.found(target), self.root.join("target/fuzz/findings"));
        std::fs::create_dir_all(&found)?;
        std::fs::create_dir_all(&findings)?;
        let mut fuzzer = self.fuzzer(target);
        fuzzer.arg(format!("-max_total_time={seconds}"));
        fuzzer.arg(format!("-artifact_prefix={}/{target}-", findings.display()));
        let words = self.root.join("fuzz/dictionaries").join(format!("{target}.dict"));
        if words.exists() {
            fuzzer.arg(format!("-dict={}", words.display()));
        }
        fuzzer.arg(found).arg(self.corpus(target));
        let done = fuzzer.stdin(Stdio::null()).output().with_context(|| format!("starting {target}"))?;
        Ok(Outcome::read(target, done.status, &String::from_utf8_lossy(&done.stderr)))
    }

    fn fuzzer(&self, target: &str) -> Command {
        let mut fuzzer = Command::new(self.folder.join(target));
        fuzzer.args(LIMITS).current_dir(&self.root);
        fuzzer
    }

    /// The inputs of the repository.
    fn corpus(&self, target: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(target)
    }

    /// The inputs that earlier runs on this machine found to reach something new.
    fn found(&self, target: &str) -> PathBuf {
        Path::new(&self.root).join("target/fuzz/corpus").join(target)
    }
}

/// The machine's name for compilers.
fn host() -> Result<String> {
    let told = run::cargo().arg("-vV").output().context("asking cargo for its version")?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo -vV does not name its host")?.to_owned())
}
