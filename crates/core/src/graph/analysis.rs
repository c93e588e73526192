//! What can be said of a workflow before it runs, broken ones included: `spec/authoring.md` 4.1.

mod build;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::PathCount;
use crate::definition::{Definition, StepTemplate};

/// Most paths that are listed.
pub const MAX_LISTED_PATHS: usize = 5;

/// A step to analyse, as somebody wrote it: names may be wrong, repeated, or form cycles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepOutline<'a> {
    /// Name.
    pub name: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// What runs it.
    pub handler: &'a str,
    /// Names of the steps it waits for.
    pub dependencies: Vec<&'a str>,
    /// The one of them that was given as the step's single dependency.
    pub single: Option<&'a str>,
}

/// The analysis. Unless said otherwise, lists are in document order.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Analysis {
    /// The steps.
    pub nodes: Vec<Node>,
    /// The dependencies between steps that exist, by child, then as listed.
    pub edges: Vec<Edge>,
    /// The steps, each after all it waits for. Steps on a cycle and behind one are left out, here and in `levels`.
    pub topology: Vec<Arc<str>>,
    /// One shortest cycle for each group of steps that wait for each other, along child -> parent, the first step again
    /// at the end.
    pub cycles: Vec<Vec<Arc<str>>>,
    /// Level of each step, 0 for roots; a map by name in JSON.
    #[serde(serialize_with = "as_map")]
    pub levels: Vec<(Arc<str>, u32)>,
    /// Steps that wait for none.
    pub roots: Vec<Arc<str>>,
    /// Steps that none waits for.
    pub leaves: Vec<Arc<str>>,
    /// Dependencies on steps that do not exist; ignored in all the rest.
    pub missing: Vec<Missing>,
    /// Paths from roots to leaves.
    pub paths: Paths,
    /// Figures.
    pub summary: Summary,
}

/// A step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Node {
    /// Name.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Option<String>,
    /// What runs it; `handler_class` in JSON, as ever.
    #[serde(rename = "handler_class")]
    pub handler: String,
    /// What it waits for, as written.
    pub dependencies: Vec<Arc<str>>,
    /// How many that are.
    pub dependency_count: usize,
}

/// A dependency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Edge {
    /// The parent.
    pub from: Arc<str>,
    /// The child.
    pub to: Arc<str>,
    /// How it was written.
    #[serde(rename = "type")]
    pub kind: EdgeKind,
}

/// How a dependency was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// As the single dependency of the step.
    Single,
    /// In a list.
    Multiple,
}

/// A dependency on a step that does not exist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Missing {
    /// The step that waits.
    pub step: Arc<str>,
    /// What it waits for.
    pub parent: Arc<str>,
}

/// Paths from roots to leaves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Paths {
    /// How many: a number or `overflow`.
    pub count: PathCount,
    /// The longest ones, at most [`MAX_LISTED_PATHS`], longest first.
    pub longest: Vec<Vec<Arc<str>>>,
}

/// Figures of a workflow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// Steps.
    pub total_steps: usize,
    /// Dependencies.
    pub total_dependencies: usize,
    /// Whether steps wait for each other.
    pub has_cycles: bool,
    /// Highest level.
    pub max_depth: u32,
    /// Most steps on one level; 1 if there are no levels.
    pub parallel_branches: usize,
    /// Steps on each level.
    pub width_by_level: Vec<usize>,
    /// Steps on the longest path: `max_depth` + 1, 0 if there are no levels.
    pub critical_length: u32,
    /// Dependencies that longer paths imply.
    pub redundant_edges: Vec<RedundantEdge>,
    /// Steps without any connection, if there are others.
    pub isolated_steps: Vec<Arc<str>>,
}

/// A dependency that a longer path implies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RedundantEdge {
    /// The parent.
    pub from: Arc<str>,
    /// The child.
    pub to: Arc<str>,
}

impl Analysis {
    /// Analyses steps as they were written.
    pub fn of_outlines(steps: &[StepOutline<'_>]) -> Self {
        build::analysis(steps)
    }

    /// Analyses a checked definition. It no longer tells how a dependency was written: the only one of a step counts as
    /// single.
    pub fn of(definition: &Definition) -> Self {
        Self::of_outlines(&definition.steps.iter().map(outline).collect::<Vec<_>>())
    }
}

fn outline(step: &StepTemplate) -> StepOutline<'_> {
    StepOutline {
        name: step.name.as_str(),
        description: step.description.as_deref(),
        handler: step.handler.as_str(),
        dependencies: step.depends_on.iter().map(|name| name.as_str()).collect(),
        single: match step.depends_on.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        },
    }
}

fn as_map<S: Serializer>(levels: &[(Arc<str>, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(levels.iter().map(|(name, level)| (name, level)))
}
