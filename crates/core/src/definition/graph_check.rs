//! Dependencies: all known, none on itself, none in a circle, not too many. Linear in steps and dependencies,
//! without recursion.

use super::model::MAX_EDGES;
use super::problem::{Problem, Report};
use super::step_names::Names;
use super::step_shape::StepDraft;
use super::tree::{Path, Position};
use crate::graph::Graph;
use crate::ids::Ordinal;
use crate::nearest::{nearest, proposal};

/// Most steps of a circle that a message names.
const MAX_NAMED: usize = 200;

/// The dependencies by position.
pub(super) struct Dependencies {
    /// Per step: the steps it depends on.
    pub(super) parents: Vec<Vec<usize>>,
    /// All steps, each after those it depends on. `None` if some depend on each other.
    pub(super) order: Option<Vec<usize>>,
}

/// Checks the dependencies of all steps.
pub(super) fn check(steps: &[StepDraft<'_>], names: &Names<'_>, report: &mut Report) -> Option<Dependencies> {
    let n_edges: usize = steps.iter().map(|step| step.dependencies.len()).sum();
    if n_edges > MAX_EDGES {
        let message = format!("{n_edges} dependencies are more than the {MAX_EDGES} allowed");
        let at = steps.first().map_or(Position::default(), |step| step.name_at);
        report.error("too_many_dependencies", at, Path::Key(&Path::Root, "step_templates"), message);
        return None;
    }
    let parents: Vec<Vec<usize>> = steps.iter().map(|step| resolve(step, names, report)).collect();
    let graph = Graph::new(&ordinals(&parents));
    let cycles = graph.cycles();
    for cycle in &cycles {
        report_cycle(cycle, steps, report);
    }
    let order =
        cycles.is_empty().then(|| graph.topological_order().into_iter().map(Ordinal::index).collect());
    Some(Dependencies { parents, order })
}

fn ordinals(parents: &[Vec<usize>]) -> Vec<Vec<Ordinal>> {
    let ordinal = |&step: &usize| Ordinal(u32::try_from(step).expect("the number of steps was checked"));
    parents.iter().map(|list| list.iter().map(ordinal).collect()).collect()
}

/// The positions of a step's dependencies; those on itself or on nothing are reported and left out.
fn resolve(step: &StepDraft<'_>, names: &Names<'_>, report: &mut Report) -> Vec<usize> {
    let mut parents = Vec::with_capacity(step.dependencies.len());
    for dependency in &step.dependencies {
        let (name, at) = (dependency.name, dependency.at);
        let is_itself = step.name == Some(name);
        match names.get(name) {
            Some(_) if is_itself => {
                let message = format!("step `{name}` depends on itself");
                report.error("self_dependency", at, step.dependency_pointer(dependency), message);
            }
            Some(&parent) => parents.push(parent),
            None => {
                let others = names.keys().copied().filter(|other| step.name != Some(other));
                let near = if report.is_crowded() { None } else { nearest(name, others) };
                let label = step.label();
                let message =
                    format!("step {label} depends on `{name}`, but there is no such step{}", proposal(near));
                report.error("unknown_dependency", at, step.dependency_pointer(dependency), message);
            }
        }
    }
    parents
}

/// Reports one cycle, given as each step followed by one that it depends on.
fn report_cycle(cycle: &[Ordinal], steps: &[StepDraft<'_>], report: &mut Report) {
    let first = &steps[cycle[0].index()];
    let named: Vec<String> = cycle.iter().take(MAX_NAMED).map(|step| steps[step.index()].label()).collect();
    let mut text = named.join(" -> ");
    if cycle.len() > MAX_NAMED {
        text.push_str(&format!(" -> ... {} more ...", cycle.len() - MAX_NAMED));
    }
    let message = format!(
        "these steps depend on each other in a circle: {text} -> {} (-> means \"depends on\")",
        named[0]
    );
    let next = cycle.get(1).and_then(|step| steps[step.index()].name);
    let dependency = first.dependencies.iter().find(|dependency| Some(dependency.name) == next);
    let (at, pointer) = match dependency {
        Some(dependency) => (dependency.at, first.dependency_pointer(dependency)),
        None => (first.name_at, first.pointer()),
    };
    let help = "take one of these dependencies out";
    report.push(Problem::error("dependency_cycle", at, pointer, message).help(help));
}
