//! Names of steps: each once, and in `named_steps` if there is such a list.

use std::collections::{HashMap, HashSet};

use super::problem::{Problem, Report};
use super::step_shape::StepDraft;
use super::tree::{Path, Position};
use crate::nearest::{nearest, proposal};

/// Where each name is: the first step that has it.
pub(super) type Names<'a> = HashMap<&'a str, usize>;

/// Finds the step of each name and reports names that stand twice.
pub(super) fn index<'a>(steps: &[StepDraft<'a>], report: &mut Report) -> Names<'a> {
    let mut names = Names::with_capacity(steps.len());
    for step in steps {
        let Some(name) = step.name else { continue };
        let Some(&first) = names.get(name) else {
            names.insert(name, step.index);
            continue;
        };
        let (at, first_at) = (step.name_at, steps[first].name_at);
        let where_ = match at.line {
            0 => format!("as number {} and as number {}", first + 1, step.index + 1),
            line => format!("in line {} and in line {line}", first_at.line),
        };
        let message = format!("the step `{name}` stands twice: {where_}");
        report.error("duplicate_step", at, format!("{}/name", step.pointer()), message);
    }
    names
}

/// Compares the steps with the list `named_steps`.
pub(super) fn check_list(
    list: &[(usize, &str, Position)],
    steps: &[StepDraft<'_>],
    names: &Names<'_>,
    report: &mut Report,
) {
    let listed: HashSet<&str> = list.iter().map(|(_, name, _)| *name).collect();
    let missing =
        |name: &str| format!("{name} is not in `named_steps`; list it there, or leave `named_steps` out");
    for step in steps {
        if let Some(name) = step.name.filter(|name| !listed.contains(name)) {
            let message = missing(&format!("the step `{name}`"));
            report.error(
                "step_not_in_named_steps",
                step.name_at,
                format!("{}/name", step.pointer()),
                message,
            );
        }
        // A dependency that is a step is reported with that step.
        let strange =
            step.dependencies.iter().filter(|d| !listed.contains(d.name) && !names.contains_key(d.name));
        for dependency in strange {
            let message = missing(&format!("the dependency `{}`", dependency.name));
            let pointer = step.dependency_pointer(dependency);
            report.error("step_not_in_named_steps", dependency.at, pointer, message);
        }
    }
    warn_of_unused(list, names, report);
}

fn warn_of_unused(list: &[(usize, &str, Position)], names: &Names<'_>, report: &mut Report) {
    let path = Path::Key(&Path::Root, "named_steps");
    for (i, name, at) in list {
        if names.contains_key(name) {
            continue;
        }
        let near = if report.is_crowded() { None } else { nearest(name, names.keys().copied()) };
        let message = format!("`named_steps` lists `{name}`, but no step has this name{}", proposal(near));
        report.push(Problem::warning("named_step_without_template", *at, Path::Index(&path, *i), message));
    }
}
