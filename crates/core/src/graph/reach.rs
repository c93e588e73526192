//! How many steps wait for each step, counted for all of them at once.
//!
//! Lists of descendants would take memory that grows with the square of the graph. Here each pass follows 512 steps up
//! the graph, one bit for each, so that memory stays linear, and the largest graph that is allowed takes 40 passes.

use super::Graph;
use crate::ids::Ordinal;

/// Words of a set: a pass follows 64 times as many steps.
const WORDS: usize = 8;

/// Some of the steps that one pass follows, one bit for each.
type Set = [u64; WORDS];

/// How many steps wait for a step, directly or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// All of them.
    pub all: u32,
    /// Those that were marked.
    pub marked: u32,
}

impl Graph {
    /// Per step: how many steps wait for it, and how many of these are marked; `marked` is asked once for each step.
    /// Steps on a cycle and behind one do not count.
    pub fn count_descendants(&self, marked: impl Fn(Ordinal) -> bool) -> Vec<Reach> {
        let order = self.topological_order();
        let mut found = vec![Reach::default(); self.n_steps()];
        let mut below: Vec<Set> = vec![[0; WORDS]; self.n_steps()];
        let mut start = 0;
        // Passes go down the order. What is below a pass was in none before it, so that its sets are still empty.
        for followed in order.chunks(WORDS * 64) {
            let end = start + followed.len();
            let mask = followed
                .iter()
                .enumerate()
                .filter(|(_, step)| marked(**step))
                .fold([0; WORDS], |mask, (place, _)| with(mask, place));
            for (place, &step) in order[..end].iter().enumerate().rev() {
                let set = self
                    .children(step)
                    .iter()
                    .fold([0; WORDS], |set, child| union(set, &below[child.index()]));
                let reach = &mut found[step.index()];
                reach.all += count(&set);
                reach.marked += count(&intersection(&set, &mask));
                below[step.index()] = if place >= start { with(set, place - start) } else { set };
            }
            start = end;
        }
        found
    }
}

fn with(mut set: Set, place: usize) -> Set {
    set[place / 64] |= 1 << (place % 64);
    set
}

fn union(mut set: Set, other: &Set) -> Set {
    set.iter_mut().zip(other).for_each(|(word, more)| *word |= more);
    set
}

fn intersection(set: &Set, other: &Set) -> Set {
    std::array::from_fn(|word| set[word] & other[word])
}

fn count(set: &Set) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    fn check(shape: &Shape, marked: impl Fn(Ordinal) -> bool) {
        let graph = shape.graph();
        let found = graph.count_descendants(&marked);
        for step in graph.steps() {
            let listed = graph.descendants(step);
            let n_marked = listed.iter().filter(|step| marked(**step)).count();
            let expected = Reach { all: listed.len() as u32, marked: n_marked as u32 };
            assert_eq!(found[step.index()], expected, "{}", shape.name(step));
        }
    }

    #[test]
    fn as_many_as_are_listed() {
        let every_third = |step: Ordinal| step.0.is_multiple_of(3);
        check(&shapes::mixed(), every_third);
        check(&shapes::fan_out(5), |_| true);
        check(&Shape { names: Vec::new(), parents: Vec::new() }, |_| true);
    }

    #[test]
    fn graphs_of_several_passes() {
        check(&shapes::chain(1_100), |step| step.0.is_multiple_of(7));
        check(&shapes::layered(40, 30, 3), |step| step.0.is_multiple_of(2));
        check(&shapes::fan_out(1_200), |step| step.0 == 1_201);
    }

    #[test]
    fn nearly_a_million_dependencies() {
        let graph = shapes::dense(25, 200).graph();
        let found = graph.count_descendants(|step| step.0 >= 4_800);
        for (step, reach) in graph.steps().zip(found) {
            let layers_below = 24 - step.0 / 200;
            assert_eq!(
                (reach.all, reach.marked),
                (layers_below * 200, if layers_below > 0 { 200 } else { 0 })
            );
        }
    }

    #[test]
    fn cycles_do_not_count() {
        let shape = Shape::new(&[("a", &[]), ("b", &["a"]), ("c", &["d"]), ("d", &["c"])]);
        let found = shape.graph().count_descendants(|_| true);
        assert_eq!(found.iter().map(|reach| reach.all).collect::<Vec<_>>(), [1, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn counting_agrees_with_listing(shape in shapes::any_shape(60), marks: u64) {
            check(&shape, |step| marks >> (step.0 % 64) & 1 == 1);
        }
    }
}
