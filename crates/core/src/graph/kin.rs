//! Who is related to a step, and how.

use std::collections::HashMap;

use super::Graph;
use crate::ids::Ordinal;

/// The siblings of every step of a graph: found once for all, since in a wide graph each step has nearly all others.
#[derive(Clone, Debug)]
pub struct Siblings {
    /// Per step: which family it belongs to; a root belongs to none.
    family: Vec<Option<usize>>,
    /// Steps that wait for exactly the same steps, in document order.
    families: Vec<Vec<Ordinal>>,
}

impl Siblings {
    /// The siblings of every step.
    pub fn of(graph: &Graph) -> Self {
        let mut by_parents: HashMap<Vec<Ordinal>, usize> = HashMap::new();
        let mut siblings = Self { family: Vec::with_capacity(graph.n_steps()), families: Vec::new() };
        for step in graph.steps() {
            if graph.parents(step).is_empty() {
                siblings.family.push(None);
                continue;
            }
            let n_families = siblings.families.len();
            let family = *by_parents.entry(graph.parent_set(step)).or_insert(n_families);
            if family == n_families {
                siblings.families.push(Vec::new());
            }
            siblings.families[family].push(step);
            siblings.family.push(Some(family));
        }
        siblings
    }

    /// What [`Graph::siblings`] says of a step.
    pub fn of_step(&self, step: Ordinal) -> impl Iterator<Item = Ordinal> {
        let family = self.family[step.index()].map(|family| self.families[family].as_slice());
        family.unwrap_or_default().iter().copied().filter(move |other| *other != step)
    }
}

impl Graph {
    /// The other steps that wait for exactly the same steps, in document order. A root has none.
    pub fn siblings(&self, step: Ordinal) -> Vec<Ordinal> {
        let Some(&first) = self.parents(step).first() else { return Vec::new() };
        let own = self.parent_set(step);
        let candidates = self.children(first).iter().copied();
        candidates.filter(|other| *other != step && self.parent_set(*other) == own).collect()
    }

    /// All steps that must be done before this one, in document order.
    pub fn ancestors(&self, step: Ordinal) -> Vec<Ordinal> {
        self.reachable(step, Self::parents)
    }

    /// All steps that wait for this one, directly or not, in document order.
    pub fn descendants(&self, step: Ordinal) -> Vec<Ordinal> {
        self.reachable(step, Self::children)
    }

    fn parent_set(&self, step: Ordinal) -> Vec<Ordinal> {
        let mut set = self.parents(step).to_vec();
        set.sort_unstable();
        set
    }

    fn reachable(&self, from: Ordinal, next: fn(&Self, Ordinal) -> &[Ordinal]) -> Vec<Ordinal> {
        let mut seen = vec![false; self.n_steps()];
        let mut found = Vec::new();
        let mut stack = vec![from];
        while let Some(step) = stack.pop() {
            for &other in next(self, step) {
                if !std::mem::replace(&mut seen[other.index()], true) {
                    found.push(other);
                    stack.push(other);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    type Kin = fn(&Graph, Ordinal) -> Vec<Ordinal>;

    fn check(shape: &Shape, kin: Kin, of: &str, expected: &[&str]) {
        let step = shape.position(of).unwrap();
        let found = kin(&shape.graph(), step);
        assert_eq!(found.iter().map(|s| shape.name(*s)).collect::<Vec<_>>(), expected, "of {of}");
    }

    #[test]
    fn dom_69_siblings_have_the_same_parents() {
        check(&shapes::tree(), Graph::siblings, "A1", &["A2"]);
        check(&shapes::tree(), Graph::siblings, "R", &[]);
        check(&shapes::diamond(), Graph::siblings, "A1", &["B1"]);
        check(&shapes::diamond(), Graph::siblings, "A2", &[]);
        let order =
            Shape::new(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["b", "a"]), ("e", &["a"])]);
        check(&order, Graph::siblings, "c", &["d"]);
        check(&order, Graph::siblings, "e", &[]);
    }

    #[test]
    fn ancestors_and_descendants() {
        check(&shapes::mixed(), Graph::ancestors, "F", &["Au", "Cf", "V", "En", "Bg", "Cr", "Cl"]);
        check(&shapes::mixed(), Graph::ancestors, "Au", &[]);
        check(&shapes::mixed(), Graph::descendants, "V", &["Bg", "Cr", "Op", "F"]);
        check(&shapes::mixed(), Graph::descendants, "Op", &[]);
    }

    proptest! {
        #[test]
        fn an_ancestor_of_a_step_has_it_as_descendant(shape in shapes::any_shape(20)) {
            let graph = shape.graph();
            for step in graph.steps() {
                for other in graph.ancestors(step) {
                    prop_assert!(graph.descendants(other).contains(&step));
                }
                for other in graph.siblings(step) {
                    prop_assert!(graph.siblings(other).contains(&step));
                }
                let of_all: Vec<_> = Siblings::of(&graph).of_step(step).collect();
                prop_assert_eq!(of_all, graph.siblings(step));
            }
        }
    }
}
