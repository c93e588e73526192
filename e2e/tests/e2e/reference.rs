//! The generated halves of documents are what the program says. `cargo xtask docs` writes them anew.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tasker_config::table::SETTINGS;
use tasker_e2e::home::Home;

/// What the generated part of a document begins after.
const LINE: &str = "\n---\n";

#[test]
fn the_reference_of_commands_is_what_help_says() -> Result<()> {
    let mut expected = String::new();
    describe(&Home::new()?, &[], &mut expected)?;
    check("cli.md", &expected)
}

#[test]
fn the_reference_of_settings_is_the_table_of_settings() -> Result<()> {
    let mut expected = "| Key | Value | Default | Meaning |\n|---|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let default = setting.default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
        let kind = setting.kind.describe();
        writeln!(expected, "| `{}` | {kind} | {default} | {} |", setting.key, setting.about)?;
    }
    check("configuration.md", &expected)
}

/// Compares the generated part of a document, or writes it if that was asked for.
fn check(document: &str, expected: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document);
    let text = std::fs::read_to_string(&path)?;
    let (written, found) = text.split_once(LINE).context("the line is there")?;
    let (found, expected) = (found.trim(), expected.trim());
    if std::env::var_os("TASKER_UPDATE_DOCS").is_some() {
        return Ok(std::fs::write(&path, format!("{written}{LINE}\n{expected}\n"))?);
    }
    // Line by line, so that a failure shows the line and not the whole reference.
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "docs/{document} is out of date: run cargo xtask docs");
    }
    assert_eq!(found.len(), expected.len(), "docs/{document} is out of date: run cargo xtask docs");
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
