//! The graph of a definition as a document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tasker_core::ids::Ordinal;
use tasker_core::names::{HandlerName, StepName};
use tasker_core::plan::Plan;

/// The steps of a definition and who waits for whom. Unless said otherwise, lists are in document order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerGraph {
    /// The steps.
    pub nodes: Vec<HandlerNode>,
    /// The dependencies, by the step that waits.
    pub edges: Vec<HandlerEdge>,
    /// The steps, each after all it waits for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub execution_order: Vec<StepName>,
    /// Level of each step: 0 for those that wait for none, else one more than the highest they wait for.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, u32>))]
    pub levels: BTreeMap<StepName, u32>,
    /// Steps that wait for none.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub roots: Vec<StepName>,
    /// Steps that none waits for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub leaves: Vec<StepName>,
    /// Steps that wait for each other: always empty, what has some cannot be registered.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<String>>))]
    pub cycles: Vec<Vec<StepName>>,
    /// Figures.
    pub summary: HandlerGraphSummary,
}

/// A step of a graph.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerNode {
    /// Name of the step.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: StepName,
    /// What runs it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub handler: HandlerName,
}

/// A dependency.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerEdge {
    /// The step that comes first.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub from: StepName,
    /// The step that waits for it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: StepName,
    /// Whether it is the only one.
    #[serde(rename = "type")]
    pub kind: DependencyKind,
}

/// How many steps a step waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DependencyKind {
    /// For this one only.
    Single,
    /// For others too.
    Multiple,
}

/// Figures of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerGraphSummary {
    /// Steps.
    pub total_steps: usize,
    /// Dependencies.
    pub total_dependencies: usize,
    /// Always false.
    pub has_cycles: bool,
    /// Highest level.
    pub max_depth: u32,
    /// Most steps on one level.
    pub parallel_branches: usize,
}

impl HandlerGraph {
    /// The graph of a definition.
    pub fn new(plan: &Plan) -> Self {
        let steps = &plan.definition.steps;
        let levels = plan.graph.levels();
        let names =
            |steps: &mut dyn Iterator<Item = Ordinal>| steps.map(|step| plan.name(step).clone()).collect();
        let edges: Vec<HandlerEdge> = steps
            .iter()
            .flat_map(|step| {
                let kind = if step.depends_on.len() == 1 {
                    DependencyKind::Single
                } else {
                    DependencyKind::Multiple
                };
                let edge =
                    move |from: &StepName| HandlerEdge { from: from.clone(), to: step.name.clone(), kind };
                step.depends_on.iter().map(edge)
            })
            .collect();
        Self {
            nodes: steps
                .iter()
                .map(|step| HandlerNode { name: step.name.clone(), handler: step.handler.clone() })
                .collect(),
            execution_order: names(&mut plan.graph.topological_order().into_iter()),
            roots: names(&mut plan.graph.roots()),
            leaves: names(&mut plan.graph.leaves()),
            cycles: Vec::new(),
            summary: HandlerGraphSummary {
                total_steps: steps.len(),
                total_dependencies: edges.len(),
                has_cycles: false,
                max_depth: levels.iter().copied().max().unwrap_or(0),
                parallel_branches: widest(&levels),
            },
            levels: steps.iter().map(|step| step.name.clone()).zip(levels).collect(),
            edges,
        }
    }
}

/// Most steps on one level.
fn widest(levels: &[u32]) -> usize {
    let mut widths: BTreeMap<u32, usize> = BTreeMap::new();
    for level in levels {
        *widths.entry(*level).or_default() += 1;
    }
    widths.into_values().max().unwrap_or(0)
}
