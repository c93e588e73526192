//! A directory in which the real binary works, cut off from whatever the machine has set up.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Finished, Running};

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
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.path()).env_clear();
        for kept in ["PATH", "TMPDIR", "TZ", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
            .env("HOME", self.path())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("TASKER_DATABASE_URL", self.database_url());
        command
    }

    /// Starts it.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(self.command(arguments), &self.path().join("out"))
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        self.start(arguments)?.finish()
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

/// `TASKER_BIN`, else the binary that lies beside this test's own folder of the target directory.
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TASKER_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let profile = test.parent().and_then(Path::parent).context("a test lies in target/<profile>/deps")?;
    let path = profile.join("tasker");
    if !path.is_file() {
        bail!("{} is missing: cargo build -p tasker-cli (cargo xtask test does it)", path.display());
    }
    Ok(path)
}
