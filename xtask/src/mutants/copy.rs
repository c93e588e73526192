//! A copy of the sources to put bugs into, with a folder of its own for what is built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::bug::Bug;
use crate::run;

/// The copy.
pub(super) struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies everything that git knows, as it is in the working tree. What did not change since the last time is left
    /// alone, so that it is not built again.
    pub(super) fn of_sources() -> Result<Self> {
        let folder = run::root().join("target/mutants");
        let copy = Self { root: folder.join("sources"), target: folder.join("target") };
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(run::root()).output()?;
        if !listed.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        }
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            copy.update(name)?;
        }
        Ok(copy)
    }

    /// The text of a file without a bug.
    pub(super) fn original(&self, file: &str) -> Result<String> {
        std::fs::read_to_string(self.root.join(file)).with_context(|| format!("reading {file}"))
    }

    /// Puts a bug in, does something, and takes the bug out again.
    pub(super) fn with<T>(&self, bug: &Bug, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let text = self.original(&bug.file)?;
        std::fs::write(self.root.join(&bug.file), bug.mutated(&text)?)?;
        let done = act().with_context(|| format!("trying {}", bug.name));
        std::fs::write(self.root.join(&bug.file), text)?;
        done
    }

    /// Lets a command work on the copy.
    pub(super) fn cargo(&self, mut command: Command) -> Command {
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    fn update(&self, name: &str) -> Result<()> {
        let (from, to) = (run::root().join(name), self.root.join(name));
        // A link, or a file that was deleted and not committed.
        let Ok(content) = std::fs::read(&from) else { return Ok(()) };
        if std::fs::read(&to).is_ok_and(|present| present == content) {
            return Ok(());
        }
        std::fs::create_dir_all(to.parent().unwrap_or(Path::new("/")))?;
        std::fs::copy(&from, &to).with_context(|| format!("copying {name}"))?;
        Ok(())
    }
}
