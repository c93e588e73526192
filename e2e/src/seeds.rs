//! Seeds of workflows that something was found with once. They are run by the default tests, for ever.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use tasker_torture::Round;

const KEPT: &str = include_str!("../seeds/workflows.txt");

/// The kept seeds.
///
/// # Panics
/// A line of the file begins with something that is no number.
pub fn kept() -> Vec<u64> {
    let lines = KEPT.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(|line| line.parse().expect("seeds are numbers")).collect()
}

/// Keeps the seeds of a round in which something was found.
///
/// # Errors
/// The file cannot be written.
pub fn keep(round: &Round) -> io::Result<()> {
    let known = kept();
    let new = round.seeds.iter().filter(|seed| !known.contains(seed));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/workflows.txt");
    let found = round.findings.first().map(|finding| finding.message.as_str()).unwrap_or_default();
    let found = found.lines().next().unwrap_or_default();
    for seed in new {
        writeln!(OpenOptions::new().append(true).open(&file)?, "{seed} # {}: {found}", round.fault)?;
    }
    Ok(())
}
