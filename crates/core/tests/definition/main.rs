//! Loading definitions, from the outside: the acceptance scenarios on files, and what the whole report of a bad
//! file looks like.

mod code;
mod context;
mod examples;
mod handlers;
mod limits;
mod names_and_graph;
mod shape;

use tasker_core::definition::{Definition, LoadOptions, Loaded, Problem, Severity, StepTemplate, load};

pub(crate) const MINIMAL: &str = include_str!("../fixtures/relabel_parcel.yaml");
pub(crate) const FULL: &str = include_str!("../fixtures/lend_artifact.yaml");
pub(crate) const FAULTS: &str = include_str!("../fixtures/faults.yaml");

pub(crate) fn good(text: &str) -> Definition {
    in_environment(text, "development")
}

pub(crate) fn in_environment(text: &str, environment: &str) -> Definition {
    let loaded = load(text, &LoadOptions { environment, ..LoadOptions::default() });
    let errors: Vec<_> = loaded.problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    loaded.definition.expect("there is no error")
}

pub(crate) fn problems(text: &str) -> Vec<Problem> {
    let Loaded { definition, problems } = load(text, &LoadOptions::default());
    assert_eq!(definition.is_none(), problems.iter().any(|p| p.severity == Severity::Error), "{problems:#?}");
    problems
}

pub(crate) fn codes(text: &str) -> Vec<&'static str> {
    problems(text).iter().map(|p| p.code).collect()
}

/// Codes with pointers.
pub(crate) fn at(text: &str) -> Vec<(&'static str, String)> {
    problems(text).into_iter().map(|p| (p.code, p.pointer)).collect()
}

/// A definition with one step `a` and further keys at the top level.
pub(crate) fn with_top(keys: &str) -> String {
    format!("name: n\n{keys}\nstep_templates:\n  - {{name: a, handler: h}}\n")
}

/// A definition whose steps are given in flow style.
pub(crate) fn with_steps(steps: &[&str]) -> String {
    let list: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    format!("name: n\nstep_templates:\n{list}")
}

pub(crate) fn step<'d>(definition: &'d Definition, name: &str) -> &'d StepTemplate {
    definition.steps.iter().find(|step| step.name.as_str() == name).expect("the step is there")
}

pub(crate) fn depends_on(definition: &Definition, name: &str) -> Vec<String> {
    step(definition, name).depends_on.iter().map(ToString::to_string).collect()
}

#[test]
fn the_whole_report_of_a_bad_file() {
    let report: String = problems(FAULTS).iter().map(line).collect();
    insta::assert_snapshot!(report);
}

fn line(problem: &Problem) -> String {
    let (line, column) = (problem.line.unwrap_or(0), problem.column.unwrap_or(0));
    let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
    let help = problem.help.as_deref().map(|help| format!("\n    help: {help}")).unwrap_or_default();
    format!(
        "{line}:{column} {severity} {} {}\n    {}{help}\n",
        problem.code, problem.pointer, problem.message
    )
}
