//! A bug of the list: a file of `xtask/mutants`, its name the bug's.
//!
//! ```text
//! what: outcomes are accepted whatever their fence is
//! file: crates/core/src/decide/workset.rs
//! tests: --package tasker-core decide
//! ---
//! text that stands exactly once in the file
//! ---
//! what to put in its place
//! ```

use anyhow::{Context, Result, bail};

use crate::run;

/// Between the parts of a file.
const SEPARATOR: &str = "---\n";

/// One bug.
#[derive(Debug)]
pub(super) struct Bug {
    pub(super) name: String,
    /// What is wrong with it in, in words.
    pub(super) what: String,
    /// The file that is changed, from the repository's root.
    pub(super) file: String,
    /// What should catch it, as arguments of nextest.
    pub(super) tests: String,
    old: String,
    new: String,
}

impl Bug {
    /// The whole list, by name.
    pub(super) fn all() -> Result<Vec<Self>> {
        let folder = run::root().join("xtask/mutants");
        let mut bugs = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path)?;
            bugs.push(Self::read(name, &text).with_context(|| format!("reading {}", path.display()))?);
        }
        bugs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(bugs)
    }

    fn read(name: String, text: &str) -> Result<Self> {
        let [head, old, new] = text.split(SEPARATOR).collect::<Vec<_>>()[..] else {
            bail!("it should have three parts with lines --- between them");
        };
        let field = |key: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.map(str::to_owned).with_context(|| format!("it has no line {key}: ..."))
        };
        Ok(Self {
            what: field("what")?,
            file: field("file")?,
            tests: field("tests")?,
            old: old.to_owned(),
            new: new.to_owned(),
            name,
        })
    }

    /// The file's text with the bug in it.
    pub(super) fn mutated(&self, text: &str) -> Result<String> {
        match text.matches(&self.old).count() {
            1 => Ok(text.replacen(&self.old, &self.new, 1)),
            n => bail!("{}: its text stands {n} times in {}; write it anew", self.name, self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_put_where_its_text_stands_once() {
        let bug = Bug::read("b".into(), "what: w\nfile: f\ntests: t\n---\nold\n---\nnew\n").unwrap();
        assert_eq!((bug.what.as_str(), bug.file.as_str(), bug.tests.as_str()), ("w", "f", "t"));
        assert_eq!(bug.mutated("a\nold\nb\n").unwrap(), "a\nnew\nb\n");
        let errors = ["a\n", "old\nold\n"].map(|text| bug.mutated(text).unwrap_err().to_string());
        assert_eq!(errors[0], "b: its text stands 0 times in f; write it anew");
        assert_eq!(errors[1], "b: its text stands 2 times in f; write it anew");
        assert!(Bug::read("b".into(), "what: w\n---\n").is_err());
    }
}
