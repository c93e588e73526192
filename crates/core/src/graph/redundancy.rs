//! Dependencies that longer paths imply.

use super::Graph;
use crate::ids::Ordinal;

impl Graph {
    /// The dependencies (parent, child) that could be left out, because another path leads from parent to child; in
    /// document order of children, then as listed. Only steps that are on no cycle and behind none are looked at.
    ///
    /// Linear for graphs whose steps have parents on one level only; else time grows with steps / 64 x dependencies.
    pub fn redundant_edges(&self) -> Vec<(Ordinal, Ordinal)> {
        let order = self.topological_order();
        let suspects = self.suspects(&order);
        let mut found = Vec::new();
        for block in suspects.chunks(64) {
            self.redundant_from(block, &order, &mut found);
        }
        let place = |child: Ordinal, parent: Ordinal| self.parents(child).iter().position(|p| *p == parent);
        found.sort_by_cached_key(|(parent, child)| (*child, place(*child, *parent)));
        found
    }

    /// The steps that may begin a redundant dependency: some child has another parent on a higher level.
    fn suspects(&self, order: &[Ordinal]) -> Vec<Ordinal> {
        let levels = self.levels_along(order);
        let mut suspicious = vec![false; self.n_steps()];
        for &child in order {
            let level = |parent: &Ordinal| levels[parent.index()];
            let highest = self.parents(child).iter().map(level).max();
            for parent in self.parents(child) {
                suspicious[parent.index()] |= Some(level(parent)) < highest;
            }
        }
        order.iter().copied().filter(|step| suspicious[step.index()]).collect()
    }

    /// Finds the redundant dependencies of up to 64 parents in one pass, one bit for each parent.
    fn redundant_from(&self, block: &[Ordinal], order: &[Ordinal], found: &mut Vec<(Ordinal, Ordinal)>) {
        let mut bit = vec![0_u64; self.n_steps()];
        block.iter().enumerate().for_each(|(i, step)| bit[step.index()] = 1 << i);
        let mut ancestors = vec![0_u64; self.n_steps()];
        for &child in order {
            let parents = self.parents(child);
            let far = parents.iter().fold(0, |set, parent| set | ancestors[parent.index()]);
            let near = parents.iter().fold(0, |set, parent| set | bit[parent.index()]);
            if far & near != 0 {
                let redundant = parents.iter().filter(|parent| bit[parent.index()] & far != 0);
                found.extend(redundant.map(|parent| (*parent, child)));
            }
            ancestors[child.index()] = far | near;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    #[test]
    fn a_dependency_that_a_longer_path_implies_is_redundant() {
        let shape = Shape::new(&[("a", &[]), ("b", &["a"]), ("c", &["b", "a"]), ("d", &["a", "c", "b"])]);
        let names = |(p, c): &(Ordinal, Ordinal)| format!("{} {}", shape.name(*p), shape.name(*c));
        let found: Vec<_> = shape.graph().redundant_edges().iter().map(names).collect();
        assert_eq!(found, ["a c", "a d", "b d"]);
    }

    #[test]
    fn the_standard_shapes_have_none() {
        for shape in [shapes::linear(), shapes::tree(), shapes::mixed(), shapes::dense(30, 4)] {
            assert!(shape.graph().redundant_edges().is_empty());
        }
    }

    proptest! {
        #[test]
        fn every_redundant_edge_has_another_path_and_no_other_has(shape in shapes::any_shape(90)) {
            let graph = shape.graph();
            let redundant = graph.redundant_edges();
            for child in graph.steps() {
                for &parent in graph.parents(child) {
                    let implied = graph.parents(child).iter().any(|p| graph.ancestors(*p).contains(&parent));
                    prop_assert_eq!(implied, redundant.contains(&(parent, child)));
                }
            }
        }
    }
}
