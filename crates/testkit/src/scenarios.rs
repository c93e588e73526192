//! The acceptance scenarios, and where each of them went.
//!
//! A test that covers a scenario carries its number in its name: `dom_97_98_...` covers scenarios 97 and 98 of the
//! domain, `as_12_...` scenario AS-12 of authoring, `api_...` and `obs_...` those of API and observability. So the
//! source is the list; what stands here are the exceptions: scenarios that the design replaced, and those whose part
//! of the system is not built yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

/// A set of scenarios: where names begin, and the highest number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Family {
    /// What test names say before the number.
    pub prefix: &'static str,
    /// Scenarios are numbered from 1 to this.
    pub last: u32,
}

/// All scenarios: `spec/domain.md` 14, `spec/authoring.md` 10, `spec/api.md` 11, `spec/observability.md` 10.
pub const FAMILIES: [Family; 4] = [
    Family { prefix: "dom", last: 139 },
    Family { prefix: "as", last: 78 },
    Family { prefix: "api", last: 132 },
    Family { prefix: "obs", last: 80 },
];

/// A scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Scenario {
    /// Its set.
    pub prefix: &'static str,
    /// Its number.
    pub number: u32,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.prefix, self.number)
    }
}

/// Why no test has a scenario's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exception {
    /// The design says otherwise; this is what holds now.
    Replaced(&'static str),
    /// It comes with another part of the system.
    Later(&'static str),
}

use Exception::{Later, Replaced};

/// Scenarios without a test. One that has a test besides is covered.
const EXCEPTIONS: &[(&str, RangeInclusive<u32>, Exception)] = &[
    ("dom", 22..=22, Replaced("void: an empty context is allowed, see an_empty_context_is_a_context")),
    ("dom", 79..=79, Replaced("void: there are no pool factors")),
    ("dom", 110..=110, Replaced("void: a running step keeps its task in_progress, nothing is re-enqueued")),
    ("dom", 112..=112, Replaced("void: steps that may run have a queue row, nothing is re-enqueued")),
    ("dom", 114..=114, Replaced("void: there is no enqueue that could fail apart from the transaction")),
    ("as", 64..=78, Later("the issue on the command line and generators")),
    ("api", 98..=112, Later("the issue on GraphQL")),
    ("obs", 67..=67, Replaced("a handler that nobody serves makes the step wait, see dom_115")),
    ("obs", 1..=80, Later("the issue on observability")),
];

/// What the sources say about the scenarios.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Tests per scenario.
    pub tests: BTreeMap<Scenario, BTreeSet<String>>,
    /// Functions whose names carry numbers that no scenario has.
    pub unknown: Vec<String>,
}

impl Coverage {
    /// Scans all Rust sources under a folder, but for build output.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn scan(folder: &Path) -> io::Result<Self> {
        let mut coverage = Self::default();
        coverage.scan_folder(folder)?;
        Ok(coverage)
    }

    /// Scenarios that have neither a test nor an exception.
    pub fn missing(&self) -> Vec<Scenario> {
        all()
            .filter(|scenario| !self.tests.contains_key(scenario) && exception(*scenario).is_none())
            .collect()
    }

    fn scan_folder(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    self.scan_folder(&path)?;
                }
            } else if name.ends_with(".rs") {
                function_names(&fs::read_to_string(&path)?).for_each(|name| self.add(name));
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str) {
        for (prefix, number) in numbers_in(name) {
            match all().find(|scenario| scenario.prefix == prefix && scenario.number == number) {
                Some(scenario) => {
                    self.tests.entry(scenario).or_default().insert(name.to_owned());
                }
                None => self.unknown.push(name.to_owned()),
            }
        }
    }
}

/// The exception made for a scenario.
pub fn exception(scenario: Scenario) -> Option<Exception> {
    let is_it = |(prefix, numbers, _): &&(&str, RangeInclusive<u32>, Exception)| {
        *prefix == scenario.prefix && numbers.contains(&scenario.number)
    };
    EXCEPTIONS.iter().find(is_it).map(|(_, _, exception)| *exception)
}

/// All scenarios.
pub fn all() -> impl Iterator<Item = Scenario> {
    let numbers =
        |family: Family| (1..=family.last).map(move |number| Scenario { prefix: family.prefix, number });
    FAMILIES.into_iter().flat_map(numbers)
}

/// The names of the functions of a source file.
fn function_names(source: &str) -> impl Iterator<Item = &str> {
    source.match_indices("fn ").filter_map(|(at, _)| {
        let rest = &source[at + 3..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let begins = source[..at].chars().next_back().is_none_or(char::is_whitespace);
        (begins && end > 0).then(|| &rest[..end])
    })
}

/// The scenarios that a function's name carries: each prefix with all the numbers that follow it.
fn numbers_in(name: &str) -> Vec<(&'static str, u32)> {
    let mut found = Vec::new();
    let mut family = None;
    for token in name.split('_') {
        match (token.parse::<u32>(), family) {
            (Ok(number), Some(prefix)) => found.push((prefix, number)),
            _ => family = FAMILIES.iter().map(|family| family.prefix).find(|prefix| *prefix == token),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_numbers() {
        let check = |name: &str, expected: &[(&str, u32)]| assert_eq!(numbers_in(name), expected, "{name}");
        check("dom_97_98_backoff_follows_its_table", &[("dom", 97), ("dom", 98)]);
        check("dom_10_as_33_latest_is_numeric", &[("dom", 10), ("as", 33)]);
        check("refuses_as_12_cycles_of_3", &[("as", 12)]);
        check("as_many_as_slots_of_2_workers", &[]);
        check("a_plain_name", &[]);
    }

    #[test]
    fn functions_are_found_in_source() {
        let source = "pub async fn dom_1_a() {}\n    fn b<T>(x: fn (u8)) {}\n//! a fn \nfn c";
        assert_eq!(function_names(source).collect::<Vec<_>>(), ["dom_1_a", "b"]);
    }
}
