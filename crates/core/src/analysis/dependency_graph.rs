//! The graph of a task as a document: a view of the plan that is written out only when somebody reads it, because a
//! graph may have a million dependencies.

use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::standing::Standing;
use crate::graph::Graph;
use crate::ids::Ordinal;
use crate::names::StepName;
use crate::plan::Plan;

/// The steps of a task, their levels, and who waits for whom. As JSON:
///
/// - `nodes`: `{id, name, level}` of each step, in document order; the id of a step is its name;
/// - `edges`: `{from, to, from_name, to_name}` of each dependency, by parent, then by child, in document order;
/// - `adjacency_list`, `reverse_adjacency_list`: per step its children, its parents;
/// - `dependency_levels`: per step the longest distance from a root.
#[derive(Clone, Debug)]
pub struct DependencyGraph {
    plan: Arc<Plan>,
    levels: Vec<u32>,
}

/// A step in the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct GraphNode<'a> {
    /// Its name.
    pub id: &'a StepName,
    /// Its name.
    pub name: &'a StepName,
    /// Longest distance from a root.
    pub level: u32,
}

/// A dependency in the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct GraphEdge<'a> {
    /// The step that must be done first.
    pub from: &'a StepName,
    /// The step that waits.
    pub to: &'a StepName,
    /// The name of `from`.
    pub from_name: &'a StepName,
    /// The name of `to`.
    pub to_name: &'a StepName,
}

impl DependencyGraph {
    pub(super) fn of(standing: &Standing<'_>) -> Self {
        Self { plan: standing.plan.clone(), levels: standing.levels.clone() }
    }

    /// The steps, in document order.
    pub fn nodes(&self) -> impl Iterator<Item = GraphNode<'_>> {
        self.names().zip(&self.levels).map(|(name, level)| GraphNode { id: name, name, level: *level })
    }

    /// The dependencies, by parent, then by child, in document order.
    pub fn edges(&self) -> impl Iterator<Item = GraphEdge<'_>> {
        let graph = &self.plan.graph;
        graph.steps().flat_map(move |parent| {
            graph.children(parent).iter().map(move |child| {
                let (from, to) = (self.plan.name(parent), self.plan.name(*child));
                GraphEdge { from, to, from_name: from, to_name: to }
            })
        })
    }

    fn names(&self) -> impl Iterator<Item = &StepName> {
        self.plan.definition.steps.iter().map(|step| &step.name)
    }
}

impl Serialize for DependencyGraph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let neighbours = |of| Neighbours { plan: &self.plan, of };
        let mut document = serializer.serialize_struct("DependencyGraph", 5)?;
        document.serialize_field("nodes", &Sequence(|| self.nodes()))?;
        document.serialize_field("edges", &Sequence(|| self.edges()))?;
        document.serialize_field("adjacency_list", &neighbours(Graph::children))?;
        document.serialize_field("reverse_adjacency_list", &neighbours(Graph::parents))?;
        document.serialize_field("dependency_levels", &Entries(|| self.names().zip(&self.levels)))?;
        document.end()
    }
}

/// What a function counts up, as a list.
struct Sequence<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Sequence<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// What a function counts up, as a map.
struct Entries<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = (K, V)>, K: Serialize, V: Serialize> Serialize for Entries<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}

/// The neighbours of each step in one direction, by name.
struct Neighbours<'a> {
    plan: &'a Plan,
    of: fn(&Graph, Ordinal) -> &[Ordinal],
}

impl Serialize for Neighbours<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = |step| (self.of)(&self.plan.graph, step).iter().map(|step| self.plan.name(*step));
        serializer.collect_map(
            self.plan.graph.steps().map(|step| (self.plan.name(step), Sequence(move || names(step)))),
        )
    }
}
