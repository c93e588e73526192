//! A diagram for a terminal: the steps by level.

use std::fmt::Write as _;

use super::{Diagram, DiagramStep};
use crate::text::counted;

/// Writes a diagram as text.
pub(super) fn write(diagram: &Diagram) -> String {
    let steps = &diagram.steps;
    let n_edges: u64 = steps.iter().map(|step| step.parents.len() as u64).sum();
    let n_levels = steps.iter().map(|step| u64::from(step.level) + 1).max().unwrap_or(0);
    let width = steps.iter().map(|step| step.name.as_str().len()).max().unwrap_or(0);
    let counts = [
        counted(steps.len() as u64, "step"),
        if n_edges == 1 { "1 dependency".into() } else { format!("{n_edges} dependencies") },
        counted(n_levels, "level"),
    ];
    let mut text = format!("{}: {}\n", diagram.heading, counts.join(", "));
    let mut current = None;
    for step in steps {
        if current.replace(step.level) != Some(step.level) {
            push_line(&mut text, &format!("\nlevel {}", step.level));
        }
        push_line(&mut text, line(step, width).trim_end());
    }
    text
}

fn line(step: &DiagramStep, width: usize) -> String {
    let mut line = format!("  {:width$}", step.name);
    if let Some(status) = &step.status {
        line.push_str(&format!("  {:17}", status.state));
    }
    if !step.parents.is_empty() {
        let parents: Vec<&str> = step.parents.iter().map(|name| name.as_str()).collect();
        line.push_str(&format!("  <- {}", parents.join(", ")));
    }
    line
}

fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}
