//! `cargo xtask schemathesis`: asks the real server everything that its own description allows and forbids, as three
//! callers, and looks whether the answers are as described (<https://schemathesis.readthedocs.io>).

mod server;
mod venv;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use self::server::Server;
use self::venv::Venv;
use crate::run;

/// Inputs of random shape for each operation, besides those that the document alone suggests.
const USUAL_EXAMPLES: u32 = 10;

/// The same, when everything is tested in full.
const ALL_EXAMPLES: u32 = 150;

/// What random inputs depend on.
const SEED: &str = "7";

/// Who asks: a name, and the headers by which a proxy says so.
type Caller = (&'static str, &'static [&'static str]);

/// Those that may change nothing ask at the same time; whoever may change everything, afterwards.
const CALLERS: &[&[Caller]] = &[
    &[("nobody", &[]), ("a viewer", &["X-Forwarded-User: vera", "X-Forwarded-Roles: viewer"])],
    &[("an administrator", &["X-Forwarded-User: ada", "X-Forwarded-Roles: admin"])],
];

/// How much is asked.
#[derive(Clone, Copy)]
pub struct Options {
    examples: u32,
}

impl Options {
    /// About half a minute for each caller.
    pub const USUAL: Self = Self { examples: USUAL_EXAMPLES };

    /// In full.
    pub const ALL: Self = Self { examples: ALL_EXAMPLES };
}

/// Starts a server over a database with tasks in all states and lets everybody ask; an error if anything is found. The
/// program must have been built.
pub fn run(options: Options) -> Result<()> {
    let venv = Venv::ensure(&target().join("schemathesis/venv"))?;
    let folder = target().join("schemathesis/run");
    let server = Server::start(&folder)?;
    let mut found = Vec::new();
    for together in CALLERS {
        let names: Vec<&str> = together.iter().map(|(name, _)| *name).collect();
        eprintln!("schemathesis: {} asks", names.join(" and "));
        found.extend(ask_together(&venv, &server, together, options)?);
    }
    server.stop()?;
    if !found.is_empty() {
        bail!("schemathesis found something as {}; it stands above", found.join(" and as "));
    }
    Ok(())
}

/// Lets callers ask at the same time; answers with those that found something.
fn ask_together(
    venv: &Venv,
    server: &Server,
    callers: &[Caller],
    options: Options,
) -> Result<Vec<&'static str>> {
    std::thread::scope(|scope| {
        let asking: Vec<_> = callers
            .iter()
            .map(|(name, headers)| (*name, scope.spawn(|| ask(venv, server, headers, options))))
            .collect();
        let mut found = Vec::new();
        for (name, asking) in asking {
            if !asking.join().expect("no panic in a thread")? {
                found.push(name);
            }
        }
        Ok(found)
    })
}

/// Lets one caller ask; answers with whether all was well. What was found is printed, else the summary only.
fn ask(venv: &Venv, server: &Server, headers: &[&str], options: Options) -> Result<bool> {
    let mut command = Command::new(venv.program("schemathesis"));
    command.arg("--config-file").arg(settings().join("schemathesis.toml"));
    command.args(["run", &server.description(), "--checks", "all", "--continue-on-failure", "--no-color"]);
    command.args(["--seed", SEED, "--max-examples", &options.examples.to_string()]);
    command.args(["--generation-database", "none"]).args(headers.iter().flat_map(|header| ["-H", header]));
    let output = command.current_dir(server.folder()).output().context("starting schemathesis")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let summary = text.find("= SUMMARY =").and_then(|at| text[..at].rfind('\n'));
    match summary {
        Some(at) if output.status.success() => println!("{}", text[at..].trim()),
        _ => println!("{text}{}", String::from_utf8_lossy(&output.stderr)),
    }
    Ok(output.status.success())
}

/// Where its lock file, its settings and what the server is filled with lie.
fn settings() -> PathBuf {
    run::root().join("xtask/schemathesis")
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), PathBuf::from)
}

/// The program that is looked at.
fn program() -> Result<PathBuf> {
    let program = target().join("debug/tasker");
    if !Path::new(&program).is_file() {
        bail!("{} is not there; build it: cargo build -p tasker-cli", program.display());
    }
    Ok(program)
}
