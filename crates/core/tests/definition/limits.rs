//! Large files, and damaged ones.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tasker_core::definition::{Definition, LoadOptions, MAX_PROBLEMS, Severity, load};

use crate::handlers::Catalog;
use crate::{FAULTS, FULL, MINIMAL, codes, good, problems, with_steps};

fn chain(n: usize, ring: bool) -> String {
    let mut text = String::from("name: n\nstep_templates:\n");
    for i in 0..n {
        let before = if i == 0 { n - 1 } else { i - 1 };
        let dependency =
            if i == 0 && !ring { String::new() } else { format!(", depends_on_step: s{before}") };
        text.push_str(&format!("  - {{name: s{i}, handler: h{dependency}}}\n"));
    }
    text
}

#[test]
fn large_definitions_load_and_larger_ones_are_refused() {
    let start = Instant::now();
    assert_eq!(good(&chain(20_000, false)).steps.len(), 20_000);
    let ring = problems(&chain(20_000, true));
    assert_eq!((ring.len(), ring[0].code), (1, "dependency_cycle"));
    assert!(ring[0].message.len() < 4_000);
    assert_eq!(codes(&chain(20_001, false)), ["too_many_steps"]);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn too_many_dependencies_are_refused() {
    let names: Vec<String> = (0..1_200).map(|i| i.to_string()).collect();
    let mut text = String::from("name: n\nstep_templates:\n");
    for name in &names {
        text.push_str(&format!("- {{name: '{name}', handler: h}}\n"));
    }
    let list: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    for i in 0..850 {
        text.push_str(&format!("- {{name: x{i}, handler: h, depends_on_steps: [{}]}}\n", list.join(",")));
    }
    assert_eq!(codes(&text), ["too_many_dependencies"]);
}

#[test]
fn what_aliases_and_inheritance_multiply_is_limited() {
    let big = "x".repeat(100_000);
    let steps: String = (0..1_000).map(|i| format!("  - {{name: s{i}, handler: h}}\n")).collect();
    let text = format!("name: n\nhandler_config: {{text: {big}}}\nstep_templates:\n{steps}");
    assert_eq!(codes(&text), ["document_too_large"]);
}

#[test]
fn a_hundred_problems_are_listed_and_the_rest_is_counted() {
    let steps: Vec<String> =
        (0..5_000).map(|i| format!("{{name: s{i}, handler: h, depends_on_step: q{i}}}")).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let found = problems(&with_steps(&steps));
    assert_eq!(found.len(), MAX_PROBLEMS + 1);
    assert_eq!(found[MAX_PROBLEMS].message, "and 4900 more problems, 4900 of them errors");
    assert_eq!(found[0].line, Some(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_give_a_definition_or_an_error(
        file in prop::sample::select(vec![MINIMAL, FULL, FAULTS]),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\[\\]{}:,&*#'\"|>!%@\t\n a-]{0,4}"), 1..4),
    ) {
        let mut text = file.to_owned();
        for (index, length, inserted) in cuts {
            let start = index.index(text.len());
            let end = (start + length).min(text.len());
            text.replace_range(start..end, &inserted);
        }
        let options = LoadOptions { all_environments: true, handlers: &Catalog, ..LoadOptions::default() };
        let loaded = load(&text, &options);
        let is_wrong = loaded.problems.iter().any(|p| p.severity == Severity::Error);
        prop_assert_eq!(loaded.definition.is_none(), is_wrong);
        prop_assert!(loaded.problems.iter().all(|p| p.line.is_some()), "{:?}", loaded.problems);
        if let Some(definition) = loaded.definition {
            prop_assert_eq!(Definition::from_document(&definition.document()).unwrap().digest(), definition.digest());
        }
    }
}
