//! No acceptance scenario is forgotten, and no conformance case is left out of the suite.

use std::fs;
use std::path::Path;

use tasker_testkit::scenarios::Coverage;

#[test]
fn every_scenario_is_covered_replaced_or_due_later() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let coverage = Coverage::scan(&workspace).unwrap();
    assert!(coverage.unknown.is_empty(), "names with numbers that no scenario has: {:?}", coverage.unknown);
    let missing: Vec<String> = coverage.missing().iter().map(ToString::to_string).collect();
    assert!(missing.is_empty(), "{} scenarios have no test: {}", missing.len(), missing.join(", "));
}

#[test]
fn every_conformance_case_is_in_the_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
    let suite = fs::read_to_string(folder.join("mod.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in source.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
            let name = line.split('(').next().unwrap();
            assert!(suite.contains(&format!(" {name},")), "{name} is not in the suite");
        }
    }
}
