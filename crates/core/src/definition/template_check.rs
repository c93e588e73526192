//! Templates in handler settings: well formed, and naming the results of ancestors only; anything else might not be
//! there yet.

use std::collections::HashSet;

use serde_json::Value;

use super::graph_check::Dependencies;
use super::problem::Report;
use super::step_names::Names;
use super::step_shape::StepDraft;
use super::tree::Path;
use crate::nearest::{nearest, proposal};
use crate::template;

/// Reports templates that cannot be read.
pub(super) fn check_syntax(steps: &[StepDraft<'_>], report: &mut Report) {
    for step in steps {
        let Some(known) = step.template.as_ref().filter(|known| template::is_templated(&known.handler))
        else {
            continue;
        };
        for problem in template::check(&known.handler_config) {
            let (at, pointer) = (step.config_place(&problem.pointer), step.config_pointer(&problem.pointer));
            report.error(problem.code, at, pointer, problem.message);
        }
    }
}

/// Reports every result that a template names and its step cannot read.
pub(super) fn check_results(
    steps: &[StepDraft<'_>],
    names: &Names<'_>,
    graph: &Dependencies,
    report: &mut Report,
) {
    let Some(order) = &graph.order else { return };
    let mut ancestors = None;
    for step in steps {
        let Some(known) = step.template.as_ref().filter(|known| template::is_templated(&known.handler))
        else {
            continue;
        };
        let parents: HashSet<usize> = graph.parents[step.index].iter().copied().collect();
        for name in template::results_named_in(&known.handler_config) {
            let target = names.get(name.as_str()).copied();
            if target.is_some_and(|target| parents.contains(&target)) {
                continue;
            }
            let ancestors = ancestors.get_or_insert_with(|| Ancestors::new(&graph.parents, order));
            if !target.is_some_and(|target| ancestors.contain(step.index, target)) {
                refuse(step, &name, target.is_some(), steps, ancestors, report);
            }
        }
    }
}

fn refuse(
    step: &StepDraft<'_>,
    name: &str,
    is_step: bool,
    steps: &[StepDraft<'_>],
    ancestors: &Ancestors,
    report: &mut Report,
) {
    let readable = steps.iter().filter(|other| ancestors.contain(step.index, other.index));
    let near =
        if report.is_crowded() { None } else { nearest(name, readable.filter_map(|other| other.name)) };
    let why = if is_step { "which it does not depend on" } else { "which is no step" };
    let label = step.label();
    let message = format!("a template of step {label} reads the result of `{name}`, {why}{}", proposal(near));
    let relative = template_naming(step, name);
    let at = step.config_place(&relative);
    report.error("template_unknown_result", at, step.config_pointer(&relative), message);
}

/// JSON pointer of the first template that names the result.
fn template_naming(step: &StepDraft<'_>, name: &str) -> String {
    let mut found = None;
    if let Some(config) = &step.config {
        config.each_text(&Path::Root, &mut |_, text, path| {
            if found.is_none() && template::results_named_in(&Value::from(text)).iter().any(|n| n == name) {
                found = Some(path.to_string());
            }
        });
    }
    found.unwrap_or_default()
}

/// Who is an ancestor of whom: one bit for each pair, 50 MB for the 20,000 steps a definition may have, and made
/// only if some template names a step that is not a parent.
struct Ancestors {
    bits: Vec<u64>,
    words: usize,
}

impl Ancestors {
    fn new(parents: &[Vec<usize>], order: &[usize]) -> Self {
        let words = parents.len().div_ceil(64);
        let mut bits = vec![0u64; words * parents.len()];
        for &step in order {
            for &parent in &parents[step] {
                for word in 0..words {
                    bits[step * words + word] |= bits[parent * words + word];
                }
                bits[step * words + parent / 64] |= 1 << (parent % 64);
            }
        }
        Self { bits, words }
    }

    fn contain(&self, step: usize, ancestor: usize) -> bool {
        self.bits[step * self.words + ancestor / 64] >> (ancestor % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_reach_over_several_levels() {
        let n = 200;
        let parents: Vec<Vec<usize>> = (0..n).map(|i| if i == 0 { vec![] } else { vec![i - 1] }).collect();
        let order: Vec<usize> = (0..n).collect();
        let ancestors = Ancestors::new(&parents, &order);
        assert!(ancestors.contain(199, 0));
        assert!(ancestors.contain(199, 198));
        assert!(!ancestors.contain(0, 199));
        assert!(!ancestors.contain(70, 70));
    }
}
