//! How far steps are from the beginning.

use std::collections::VecDeque;

use super::Graph;
use crate::ids::Ordinal;

impl Graph {
    /// The steps that wait for none, in document order.
    pub fn roots(&self) -> impl Iterator<Item = Ordinal> {
        self.steps().filter(|step| self.parents(*step).is_empty())
    }

    /// The steps that none waits for, in document order.
    pub fn leaves(&self) -> impl Iterator<Item = Ordinal> {
        self.steps().filter(|step| self.children(*step).is_empty())
    }

    /// The steps, each after all its parents: first come the roots in document order, then whatever becomes free, first
    /// come, first served (Kahn). Steps on a cycle and behind one are left out; a checked definition has none.
    pub fn topological_order(&self) -> Vec<Ordinal> {
        let mut waits: Vec<usize> = self.steps().map(|step| self.parents(step).len()).collect();
        let mut order: Vec<Ordinal> = self.roots().collect();
        let mut next = 0;
        while let Some(&step) = order.get(next) {
            next += 1;
            for &child in self.children(step) {
                waits[child.index()] -= 1;
                if waits[child.index()] == 0 {
                    order.push(child);
                }
            }
        }
        order
    }

    /// Per step: 0 for roots, else 1 + the highest level among its parents (the longest path from a root). Steps on a
    /// cycle and behind one get 0.
    pub fn levels(&self) -> Vec<u32> {
        self.levels_along(&self.topological_order())
    }

    pub(super) fn levels_along(&self, order: &[Ordinal]) -> Vec<u32> {
        let mut levels = vec![0; self.n_steps()];
        for &step in order {
            let above = self.parents(step).iter().map(|parent| levels[parent.index()] + 1);
            levels[step.index()] = above.max().unwrap_or(0);
        }
        levels
    }

    /// Per step: the length of the shortest path from a root. Steps that no root leads to get 0.
    pub fn depths(&self) -> Vec<u32> {
        let mut depths = vec![None; self.n_steps()];
        let mut queue: VecDeque<Ordinal> = self.roots().collect();
        queue.iter().for_each(|root| depths[root.index()] = Some(0));
        while let Some(step) = queue.pop_front() {
            let next = depths[step.index()].map(|depth| depth + 1);
            for &child in self.children(step) {
                if depths[child.index()].is_none() {
                    depths[child.index()] = next;
                    queue.push_back(child);
                }
            }
        }
        depths.into_iter().map(Option::unwrap_or_default).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    fn by_name<T: Copy>(shape: &Shape, values: &[T]) -> Vec<(String, T)> {
        shape.names.iter().cloned().zip(values.iter().copied()).collect()
    }

    fn check(shape: &Shape, levels: &[u32], depths: &[u32]) {
        assert_eq!(by_name(shape, &shape.graph().levels()), by_name(shape, levels));
        assert_eq!(by_name(shape, &shape.graph().depths()), by_name(shape, depths));
    }

    #[test]
    fn dom_67_the_level_is_that_of_the_longest_path_the_depth_that_of_the_shortest() {
        check(&shapes::diamond(), &[0, 1, 1, 2, 2, 3, 4], &[0, 1, 1, 2, 2, 3, 4]);
        let detour = Shape::new(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]);
        check(&detour, &[0, 1, 2], &[0, 1, 1]);
    }

    #[test]
    fn dom_68_a_chain_of_25_diamonds_is_no_work() {
        let graph = shapes::diamonds(25).graph();
        assert_eq!(graph.levels().last(), Some(&50));
        assert_eq!(graph.topological_order().len(), 76);
    }

    #[test]
    fn dom_70_the_small_shape() {
        let shape = shapes::small();
        let graph = shape.graph();
        let names = |steps: Vec<Ordinal>| steps.iter().map(|s| shape.name(*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(graph.roots().collect()), ["one", "two"]);
        assert_eq!(names(graph.leaves().collect()), ["one", "four"]);
        check(&shape, &[0, 0, 1, 2], &[0, 0, 1, 2]);
        let counts: Vec<_> =
            graph.steps().map(|s| (graph.parents(s).len(), graph.children(s).len())).collect();
        assert_eq!(counts, [(0, 0), (0, 1), (1, 1), (1, 0)]);
    }

    #[test]
    fn the_longest_chain_allowed_is_no_problem() {
        let graph = shapes::chain(20_000).graph();
        assert_eq!(graph.levels().last(), Some(&19_999));
        assert_eq!(graph.depths().last(), Some(&19_999));
    }

    #[test]
    fn what_is_on_a_cycle_or_behind_it_is_left_out() {
        let shape = Shape::new(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"]), ("e", &[])]);
        assert_eq!(shape.graph().topological_order(), [Ordinal(4)]);
        assert_eq!(shape.graph().levels(), [0; 5]);
    }

    proptest! {
        #[test]
        fn order_levels_and_depths_agree_with_the_edges(shape in shapes::any_shape(30)) {
            let graph = shape.graph();
            let order = graph.topological_order();
            prop_assert_eq!(order.len(), graph.n_steps());
            let place = |step: Ordinal| order.iter().position(|s| *s == step).unwrap();
            let (levels, depths) = (graph.levels(), graph.depths());
            for step in graph.steps() {
                for &parent in graph.parents(step) {
                    prop_assert!(place(parent) < place(step));
                    prop_assert!(levels[parent.index()] < levels[step.index()]);
                    prop_assert!(depths[step.index()] <= depths[parent.index()] + 1);
                }
                prop_assert!(depths[step.index()] <= levels[step.index()]);
            }
        }
    }
}
