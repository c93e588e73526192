//! A directory in which the real binary works, cut off from whatever the machine has set up.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tasker_torture::{Finished, Nodes, Running};
use tempfile::TempDir;

/// A new, empty place for one test. Everything in it goes with the value; before that, the database file is checked.
pub struct Home {
    folder: TempDir,
    binary: PathBuf,
}

impl Home {
    /// Makes one; an error says how to build the binary if it is not there.
    pub fn new() -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("tasker-e2e-").tempdir().context("making a directory")?;
        std::fs::create_dir(folder.path().join("out"))?;
        Ok(Self { folder, binary: binary()? })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path().join("tasker.db")
    }

    /// The database as `--database-url` takes it.
    pub fn database_url(&self) -> String {
        format!("sqlite:{}", self.database().display())
    }

    /// The binary with arguments, in this directory, on this database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.binary, self.path(), arguments, &self.database_url())
    }

    /// Workers of the database behind a URL, to be started in this directory.
    pub fn nodes(&self, url: &str) -> Nodes {
        let (binary, folder, url) = (self.binary.clone(), self.path().to_owned(), url.to_owned());
        let launch = move |name: &str| command(&binary, &folder, &["worker", "run", "--name", name], &url);
        Nodes::new(self.path().join("out"), Box::new(launch))
    }

    /// Starts it.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Ok(Running::start(self.command(arguments), &self.path().join("out"))?)
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        Ok(self.start(arguments)?.finish()?)
    }

    /// Runs it to its end, which must be success.
    pub fn ok(&self, arguments: &[&str]) -> Result<Finished> {
        self.run(arguments)?.expect_code(0).with_context(|| format!("tasker {}", arguments.join(" ")))
    }

    /// Writes a file into the directory.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() || !self.database().exists() {
            return;
        }
        let checked = self.command(&["db", "check"]).output().expect("the binary can be started");
        assert_ne!(checked.status.code(), Some(1), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

/// The binary in a directory, on a database, without what the machine has set up.
fn command(binary: &Path, folder: &Path, arguments: &[&str], url: &str) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).current_dir(folder).env_clear();
    for kept in ["PATH", "TMPDIR", "TZ", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("TASKER_DATABASE_URL", url);
    command
}

/// `TASKER_BIN`, else the binary that lies in the target directory of this program: beside it, or, if this is a test,
/// beside its folder.
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TASKER_BIN") {
        return Ok(path.into());
    }
    let program = std::env::current_exe()?;
    let folders = program.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("tasker")).find(|path| path.is_file());
    found.with_context(|| {
        format!("no tasker near {}: cargo build -p tasker-cli (cargo xtask test does it)", program.display())
    })
}
