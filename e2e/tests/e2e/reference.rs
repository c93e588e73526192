//! `docs/cli.md` says what `--help` says. `cargo xtask docs` writes it anew.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tasker_e2e::home::Home;

/// What the generated part begins after.
const LINE: &str = "\n---\n";

#[test]
fn the_reference_of_commands_is_what_help_says() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let text = std::fs::read_to_string(&path)?;
    let (written, found) = text.split_once(LINE).context("the line is there")?;
    let mut expected = String::new();
    describe(&Home::new()?, &[], &mut expected)?;
    if std::env::var_os("TASKER_UPDATE_DOCS").is_some() {
        return Ok(std::fs::write(&path, format!("{written}{LINE}\n{}\n", expected.trim()))?);
    }
    assert_eq!(found.trim(), expected.trim(), "docs/cli.md is not what --help says: run cargo xtask docs");
    Ok(())
}

/// The help of a command and of all below it.
fn describe(home: &Home, command: &[&str], out: &mut String) -> Result<()> {
    let help = home.ok(&[command, &["--help"]].concat())?.stdout;
    let title = [&["tasker"], command].concat().join(" ");
    let lines: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    write!(out, "## `{title}`\n\n```text\n{}\n```\n\n", shorten(&lines, !command.is_empty()).join("\n"))?;
    for name in below(&help) {
        describe(home, &[command, &[name]].concat(), out)?;
    }
    Ok(())
}

/// Without the flags that every command has, which the first one lists.
fn shorten<'a>(lines: &[&'a str], is_below: bool) -> Vec<&'a str> {
    let Some(start) = lines.iter().position(|line| *line == "Everywhere:").filter(|_| is_below) else {
        return lines.to_vec();
    };
    let rest = &lines[start + 1..];
    let end = rest.iter().position(|line| !line.is_empty() && !line.starts_with(' '));
    let mut kept = lines[..start].to_vec();
    kept.extend(end.map_or(&[][..], |end| &rest[end..]));
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept
}

/// The names in the list of commands.
fn below(help: &str) -> Vec<&str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let entries = list.lines().take_while(|line| !line.is_empty());
    let entries = entries.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    entries.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}
