//! The Python environment that holds the tool: what the lock file names, hashes and all, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{packages, run};

/// An environment that is as the lock file says.
pub(super) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Makes it, unless it is there for the same lock file.
    pub(super) fn ensure(folder: &Path) -> Result<Self> {
        let lock = super::settings().join("requirements.lock");
        let wanted = std::fs::read(&lock).with_context(|| format!("reading {}", lock.display()))?;
        let venv = Self { folder: folder.to_owned() };
        let made_for = folder.join("made-for.lock");
        if std::fs::read(&made_for).is_ok_and(|made_for| made_for == wanted) && venv.is_usable() {
            return Ok(venv);
        }
        venv.make(&lock)?;
        std::fs::write(&made_for, wanted).with_context(|| format!("writing {}", made_for.display()))?;
        Ok(venv)
    }

    /// A program in it.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn make(&self, lock: &Path) -> Result<()> {
        packages::ensure_of(packages::PYTHON)?;
        run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&self.folder))?;
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        run::run(pip.arg("--requirement").arg(lock))
    }

    /// The Python that it was made of may be gone.
    fn is_usable(&self) -> bool {
        run::succeeds(Command::new(self.program("schemathesis")).arg("--version"))
    }
}
