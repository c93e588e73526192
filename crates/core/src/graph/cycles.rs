//! Cycles, which no checked definition has.

use std::collections::VecDeque;

use super::Graph;
use crate::ids::Ordinal;

/// Up to this many visits the shortest cycle of a component is searched from all its steps.
const MOST_VISITS: usize = 20_000_000;

impl Graph {
    /// One shortest cycle for each group of steps that wait for each other, each as the steps in the order child,
    /// parent, grandparent, ..., from its first step in document order; ordered by that step.
    ///
    /// In groups of thousands of steps it is a shortest cycle through the group's first step, so that time stays linear.
    pub fn cycles(&self) -> Vec<Vec<Ordinal>> {
        let mut cycles: Vec<_> = self.components().iter().filter_map(|c| self.shortest_cycle(c)).collect();
        cycles.sort_unstable();
        cycles
    }

    /// The strongly connected components (Kosaraju), each in document order.
    fn components(&self) -> Vec<Vec<Ordinal>> {
        let mut seen = vec![false; self.n_steps()];
        let mut components = Vec::new();
        for start in self.in_order_of_finish().into_iter().rev() {
            let mut component = Vec::new();
            let mut stack = vec![start];
            while let Some(step) = stack.pop() {
                if !std::mem::replace(&mut seen[step.index()], true) {
                    component.push(step);
                    stack.extend(self.parents(step).iter().filter(|parent| !seen[parent.index()]));
                }
            }
            component.sort_unstable();
            components.extend((!component.is_empty()).then_some(component));
        }
        components
    }

    /// All steps, each after all that a depth-first walk along children finds from it.
    fn in_order_of_finish(&self) -> Vec<Ordinal> {
        let mut seen = vec![false; self.n_steps()];
        let mut finished = Vec::with_capacity(self.n_steps());
        for start in self.steps() {
            let mut path = Vec::new();
            if !std::mem::replace(&mut seen[start.index()], true) {
                path.push((start, self.children(start).iter()));
            }
            while let Some((step, children)) = path.last_mut() {
                match children.next() {
                    None => {
                        finished.push(*step);
                        path.pop();
                    }
                    Some(&child) if !std::mem::replace(&mut seen[child.index()], true) => {
                        path.push((child, self.children(child).iter()));
                    }
                    Some(_) => {}
                }
            }
        }
        finished
    }

    fn shortest_cycle(&self, component: &[Ordinal]) -> Option<Vec<Ordinal>> {
        let n_edges: usize = component.iter().map(|step| self.parents(*step).len()).sum();
        let affordable = component.len().saturating_mul(component.len() + n_edges) <= MOST_VISITS;
        let starts = if affordable { component } else { &component[..1] };
        let mut shortest: Option<Vec<Ordinal>> = None;
        for &start in starts {
            let cycle = self.cycle_through(start, component);
            if cycle.as_ref().is_some_and(|c| shortest.as_ref().is_none_or(|s| c.len() < s.len())) {
                shortest = cycle;
            }
        }
        shortest.map(from_the_first)
    }

    /// A shortest way from a step along parents back to it, within a component (breadth first).
    fn cycle_through(&self, start: Ordinal, component: &[Ordinal]) -> Option<Vec<Ordinal>> {
        let place = |step: Ordinal| component.binary_search(&step).ok();
        let mut came_from: Vec<Option<Ordinal>> = vec![None; component.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(step) = queue.pop_front() {
            for &parent in self.parents(step) {
                let Some(at) = place(parent) else { continue };
                if parent == start {
                    return Some(way_back(step, start, |s| came_from[place(s)?]));
                }
                if came_from[at].is_none() {
                    came_from[at] = Some(step);
                    queue.push_back(parent);
                }
            }
        }
        None
    }
}

/// The steps from `start` to `end`, found backwards.
fn way_back(end: Ordinal, start: Ordinal, came_from: impl Fn(Ordinal) -> Option<Ordinal>) -> Vec<Ordinal> {
    let back = std::iter::successors(Some(end), |step| if *step == start { None } else { came_from(*step) });
    let mut way: Vec<_> = back.collect();
    way.reverse();
    way
}

fn from_the_first(mut cycle: Vec<Ordinal>) -> Vec<Ordinal> {
    let first = (0..cycle.len()).min_by_key(|i| cycle[*i]).unwrap_or(0);
    cycle.rotate_left(first);
    cycle
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    fn check(steps: &[(&str, &[&str])], expected: &[&str]) {
        let shape = Shape::new(steps);
        let cycles = shape.graph().cycles();
        let text = |cycle: &Vec<Ordinal>| cycle.iter().map(|s| shape.name(*s)).collect::<Vec<_>>().join(" ");
        assert_eq!(cycles.iter().map(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn as_12_only_the_steps_of_the_cycle_are_accused() {
        check(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"]), ("d", &["a"])], &["a c b"]);
    }

    #[test]
    fn as_13_a_step_may_wait_for_itself() {
        check(&[("x", &[]), ("a", &["x", "a"])], &["a"]);
    }

    #[test]
    fn one_shortest_cycle_for_each_group() {
        check(
            &[
                ("a", &["b"]),
                ("b", &["c"]),
                ("c", &["a", "d"]),
                ("d", &["c"]),
                ("p", &["q", "a"]),
                ("q", &["p"]),
            ],
            &["c d", "p q"],
        );
    }

    #[test]
    fn a_graph_without_cycles_has_none() {
        for shape in [shapes::mixed(), shapes::chain(20_000), shapes::dense(30, 4)] {
            assert!(shape.graph().cycles().is_empty());
        }
    }

    #[test]
    fn a_cycle_of_20_000_steps_is_found() {
        let mut shape = shapes::chain(20_000);
        shape.parents[0].push(Ordinal(19_999));
        let cycles = shape.graph().cycles();
        assert_eq!((cycles.len(), cycles[0].len(), cycles[0][1]), (1, 20_000, Ordinal(19_999)));
    }

    proptest! {
        #[test]
        fn a_graph_has_a_cycle_or_a_full_order(
            parents in prop::collection::vec(prop::collection::btree_set(0_u32..12, 0..3), 12),
        ) {
            let parents: Vec<Vec<_>> = parents.into_iter().map(|s| s.into_iter().map(Ordinal).collect()).collect();
            let graph = Graph::new(&parents);
            let cycles = graph.cycles();
            prop_assert_eq!(cycles.is_empty(), graph.topological_order().len() == 12);
            for cycle in cycles {
                let next = cycle.iter().cycle().skip(1);
                prop_assert!(cycle.iter().zip(next).all(|(s, parent)| graph.parents(*s).contains(parent)));
            }
        }
    }
}
