//! Seeds that found something once. They are run by the default tests, for ever.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

const KEPT: &str = include_str!("../../seeds/sim.txt");

/// The kept seeds.
///
/// # Panics
/// A line of the file begins with something that is no number.
pub fn kept() -> Vec<u64> {
    let lines = KEPT.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(|line| line.parse().expect("seeds are numbers")).collect()
}

/// Keeps a seed, with what it found.
///
/// # Errors
/// The file cannot be written.
pub fn keep(seed: u64, found: &str) -> io::Result<()> {
    if kept().contains(&seed) {
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/sim.txt");
    let found = found.lines().next().unwrap_or_default();
    writeln!(OpenOptions::new().append(true).open(file)?, "{seed} # {found}")
}
