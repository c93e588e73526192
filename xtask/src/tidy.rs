//! The rules of this repository that no compiler knows.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run;

/// Longest file that can still be read in one sitting.
const MOST_LINES: usize = 500;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] =
    &[("crates/config/src/table.rs", "the one list of everything that can be set")];

/// What must not stand in a file, and why. Split so that this file keeps its own rule.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("todo", "!("), "unfinished work is not committed"),
    (concat!("unimplemented", "!("), "unfinished work is not committed"),
    (concat!("TO", "DO"), "say what is, or do it"),
    (concat!("FIX", "ME"), "say what is, or do it"),
    (concat!("#[ig", "nore"), "a test that does not run proves nothing"),
    (concat!("dbg", "!("), "left over from a search"),
];

/// Folders that hold nothing written by hand.
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// Looks at every Rust file and names everything that is wrong, all at once.
pub fn run() -> Result<()> {
    let root = run::root();
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut complaints = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().into_owned();
        complaints.extend(complaints_about(&name, &text));
    }
    if complaints.is_empty() {
        eprintln!("tidy: {} files", files.len());
        return Ok(());
    }
    bail!("untidy:\n  {}", complaints.join("\n  "))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn complaints_about(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!("{name}:1: does not begin with a //! that says what the file is for"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES && !LONG_FILES.iter().any(|(file, _)| *file == name) {
        complaints
            .push(format!("{name}: {lines} lines; split it, or list it with a reason (most: {MOST_LINES})"));
    }
    for (number, line) in text.lines().enumerate() {
        for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
            complaints.push(format!("{name}:{}: {word} ({reason})", number + 1));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(complaints_about("a.rs", text), expected);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        check("//! Says it.\nfn a() {}\n", &[]);
        check("fn a() {}\n", &["a.rs:1: does not begin with a //! that says what the file is for"]);
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("//! Text.\nfn a() {{ {}) }}\n", concat!("todo", "!("));
        check(&text, &[concat!("a.rs:2: todo", "!( (unfinished work is not committed)")]);
    }

    #[test]
    fn a_long_file_is_found() {
        let text = format!("//! Text.\n{}", "fn a() {}\n".repeat(MOST_LINES));
        check(&text, &["a.rs: 501 lines; split it, or list it with a reason (most: 500)"]);
    }
}
