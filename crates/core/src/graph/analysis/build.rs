//! Makes an analysis: names become positions, the graph is asked, positions become names.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    Analysis, Edge, EdgeKind, MAX_LISTED_PATHS, Missing, Node, Paths, RedundantEdge, StepOutline, Summary,
};
use crate::graph::{Graph, ordinal};
use crate::ids::Ordinal;

/// Analyses steps as they were written.
pub(super) fn analysis(steps: &[StepOutline<'_>]) -> Analysis {
    let names = Names::new(steps);
    let (edges, missing) = connect(steps, &names);
    let graph = Graph::new(&parents_of(steps.len(), &edges));
    let order = graph.topological_order();
    let levels = levels(&graph, order.clone(), &names);
    let cycles = cycles(&graph, &names);
    Analysis {
        nodes: steps.iter().map(|step| node(step, &names)).collect(),
        summary: summary(&graph, &levels, !cycles.is_empty(), &names),
        edges: edges.iter().map(|edge| names.edge(*edge)).collect(),
        topology: names.all(order),
        cycles,
        levels,
        roots: names.all(graph.roots()),
        leaves: names.all(graph.leaves()),
        missing,
        paths: Paths {
            count: graph.count_paths(),
            longest: graph.longest_paths(MAX_LISTED_PATHS).into_iter().map(|p| names.all(p)).collect(),
        },
    }
}

/// A dependency by position.
#[derive(Clone, Copy)]
struct Link {
    parent: Ordinal,
    child: Ordinal,
    kind: EdgeKind,
}

/// The names of the steps, shared by all that mentions them.
struct Names<'a> {
    shared: Vec<Arc<str>>,
    /// Where a name stands first.
    positions: HashMap<&'a str, Ordinal>,
}

impl<'a> Names<'a> {
    fn new(steps: &[StepOutline<'a>]) -> Self {
        let mut positions = HashMap::with_capacity(steps.len());
        for (i, step) in steps.iter().enumerate() {
            positions.entry(step.name).or_insert(ordinal(i));
        }
        Self { shared: steps.iter().map(|step| step.name.into()).collect(), positions }
    }

    fn one(&self, step: Ordinal) -> Arc<str> {
        self.shared[step.index()].clone()
    }

    fn all(&self, steps: impl IntoIterator<Item = Ordinal>) -> Vec<Arc<str>> {
        steps.into_iter().map(|step| self.one(step)).collect()
    }

    /// The shared name, also of a step that does not exist.
    fn of_text(&self, name: &str) -> Arc<str> {
        self.positions.get(name).map_or_else(|| name.into(), |step| self.one(*step))
    }

    fn edge(&self, link: Link) -> Edge {
        Edge { from: self.one(link.parent), to: self.one(link.child), kind: link.kind }
    }
}

/// The dependencies on steps that exist, each once, and those on steps that do not.
fn connect(steps: &[StepOutline<'_>], names: &Names<'_>) -> (Vec<Link>, Vec<Missing>) {
    let (mut links, mut missing) = (Vec::new(), Vec::new());
    let mut last_child: Vec<Option<Ordinal>> = vec![None; steps.len()];
    for (i, step) in steps.iter().enumerate() {
        let child = ordinal(i);
        for dependency in &step.dependencies {
            let Some(&parent) = names.positions.get(dependency) else {
                missing.push(Missing { step: names.one(child), parent: (*dependency).into() });
                continue;
            };
            if last_child[parent.index()].replace(child) != Some(child) {
                let is_single = step.single == Some(*dependency);
                let kind = if is_single { EdgeKind::Single } else { EdgeKind::Multiple };
                links.push(Link { parent, child, kind });
            }
        }
    }
    (links, missing)
}

fn parents_of(n_steps: usize, links: &[Link]) -> Vec<Vec<Ordinal>> {
    let mut parents = vec![Vec::new(); n_steps];
    links.iter().for_each(|link| parents[link.child.index()].push(link.parent));
    parents
}

fn node(step: &StepOutline<'_>, names: &Names<'_>) -> Node {
    Node {
        name: names.of_text(step.name),
        description: step.description.map(Into::into),
        handler: step.handler.into(),
        dependencies: step.dependencies.iter().map(|name| names.of_text(name)).collect(),
        dependency_count: step.dependencies.len(),
    }
}

fn levels(graph: &Graph, mut order: Vec<Ordinal>, names: &Names<'_>) -> Vec<(Arc<str>, u32)> {
    let levels = graph.levels_along(&order);
    order.sort_unstable();
    order.into_iter().map(|step| (names.one(step), levels[step.index()])).collect()
}

fn cycles(graph: &Graph, names: &Names<'_>) -> Vec<Vec<Arc<str>>> {
    let closed = |cycle: Vec<Ordinal>| names.all(cycle.iter().chain(cycle.first()).copied());
    graph.cycles().into_iter().map(closed).collect()
}

fn summary(graph: &Graph, levels: &[(Arc<str>, u32)], has_cycles: bool, names: &Names<'_>) -> Summary {
    let width_by_level = widths(levels);
    let is_isolated = |step: &Ordinal| graph.parents(*step).is_empty() && graph.children(*step).is_empty();
    let redundant = graph.redundant_edges().into_iter();
    Summary {
        total_steps: graph.n_steps(),
        total_dependencies: graph.n_edges(),
        has_cycles,
        max_depth: width_by_level.len().saturating_sub(1) as u32,
        parallel_branches: width_by_level.iter().copied().max().unwrap_or(1),
        critical_length: width_by_level.len() as u32,
        width_by_level,
        redundant_edges: redundant
            .map(|(from, to)| RedundantEdge { from: names.one(from), to: names.one(to) })
            .collect(),
        isolated_steps: match graph.n_steps() {
            1 => Vec::new(),
            _ => names.all(graph.steps().filter(is_isolated)),
        },
    }
}

fn widths(levels: &[(Arc<str>, u32)]) -> Vec<usize> {
    let highest = levels.iter().map(|(_, level)| *level as usize + 1).max();
    let mut widths = vec![0; highest.unwrap_or(0)];
    levels.iter().for_each(|(_, level)| widths[*level as usize] += 1);
    widths
}
