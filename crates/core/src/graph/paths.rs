//! Paths from roots to leaves, counted and never enumerated: their number grows exponentially.

use std::cmp::Reverse;

use serde::{Serialize, Serializer};

use super::Graph;
use crate::ids::Ordinal;

/// How many paths there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathCount {
    /// So many.
    Exactly(u64),
    /// More than 64 bits can count.
    Overflow,
}

impl Serialize for PathCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exactly(n) => serializer.serialize_u64(*n),
            Self::Overflow => serializer.serialize_str("overflow"),
        }
    }
}

/// A path that ends at some step: the weights of its steps together, and the path of a parent that it goes on from.
#[derive(Clone, Copy)]
struct Tail {
    weight: i64,
    from: Option<(Ordinal, usize)>,
}

impl Graph {
    /// The number of paths from a root to a leaf.
    pub fn count_paths(&self) -> PathCount {
        let mut to_here: Vec<Option<u64>> = vec![Some(0); self.n_steps()];
        for step in self.topological_order() {
            to_here[step.index()] = match self.parents(step) {
                [] => Some(1),
                parents => sum(parents.iter().map(|parent| to_here[parent.index()])),
            };
        }
        sum(self.leaves().map(|leaf| to_here[leaf.index()])).map_or(PathCount::Overflow, PathCount::Exactly)
    }

    /// The number of paths from a root to a leaf, or `most` if there are more.
    pub fn count_paths_up_to(&self, most: u64) -> u64 {
        match self.count_paths() {
            PathCount::Exactly(n) => n.min(most),
            PathCount::Overflow => most,
        }
    }

    /// The `k` longest paths from a root to a leaf, longest first, those of equal length in document order of their last
    /// steps, then of the parents as listed. Time grows with `k`.
    pub fn longest_paths(&self, k: usize) -> Vec<Vec<Ordinal>> {
        self.heaviest_paths(k, |_| 1)
    }

    /// The `k` paths from a root to a leaf whose steps weigh most together, heaviest first, those of equal weight as in
    /// [`Graph::longest_paths`]. No path is missed, though none is listed but these: each step keeps the `k` heaviest
    /// ways to it.
    pub fn heaviest_paths(&self, k: usize, weight: impl Fn(Ordinal) -> i64) -> Vec<Vec<Ordinal>> {
        let mut tails: Vec<Vec<Tail>> = vec![Vec::new(); self.n_steps()];
        for step in self.topological_order() {
            tails[step.index()] = self.heaviest_tails(step, &tails, k, weight(step));
        }
        let mut ends: Vec<(Ordinal, usize)> = self
            .leaves()
            .flat_map(|leaf| (0..tails[leaf.index()].len()).map(move |rank| (leaf, rank)))
            .collect();
        ends.sort_by_key(|(leaf, rank)| Reverse(tails[leaf.index()][*rank].weight));
        ends.truncate(k);
        ends.into_iter().map(|end| path_to(end, &tails)).collect()
    }

    fn heaviest_tails(&self, step: Ordinal, tails: &[Vec<Tail>], k: usize, weight: i64) -> Vec<Tail> {
        if self.parents(step).is_empty() {
            return vec![Tail { weight, from: None }];
        }
        let mut best: Vec<Tail> = Vec::new();
        for &parent in self.parents(step) {
            for (rank, tail) in tails[parent.index()].iter().enumerate() {
                let longer = Tail { weight: tail.weight.saturating_add(weight), from: Some((parent, rank)) };
                let place = best.partition_point(|other| other.weight >= longer.weight);
                if place >= k {
                    // The parent's other ways weigh no more than this one.
                    break;
                }
                best.insert(place, longer);
                best.truncate(k);
            }
        }
        best
    }
}

fn path_to(end: (Ordinal, usize), tails: &[Vec<Tail>]) -> Vec<Ordinal> {
    let back = std::iter::successors(Some(end), |(step, rank)| tails[step.index()][*rank].from);
    let mut path: Vec<_> = back.map(|(step, _)| step).collect();
    path.reverse();
    path
}

fn sum(mut counts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    counts.try_fold(0_u64, |total, count| total.checked_add(count?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shapes::{self, Shape};
    use super::*;

    fn longest(shape: &Shape, k: usize) -> Vec<String> {
        let paths = shape.graph().longest_paths(k);
        paths.iter().map(|p| p.iter().map(|s| shape.name(*s)).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn as_55_the_paths_of_the_standard_shapes() {
        for (shape, n) in [
            (shapes::linear(), 1),
            (shapes::diamond(), 2),
            (shapes::parallel_merge(), 4),
            (shapes::tree(), 4),
            (shapes::mixed(), 5),
            (shapes::small(), 2),
            (shapes::fan_out(3), 3),
        ] {
            assert_eq!(shape.graph().count_paths(), PathCount::Exactly(n), "{:?}", shape.names);
            assert_eq!(shape.graph().longest_paths(99).len() as u64, n, "{:?}", shape.names);
        }
    }

    #[test]
    fn as_59_paths_beyond_counting_are_counted_or_said_to_be() {
        assert_eq!(shapes::dense(30, 4).graph().count_paths(), PathCount::Exactly(4_u64.pow(30)));
        assert_eq!(shapes::dense(33, 4).graph().count_paths(), PathCount::Overflow);
        assert_eq!(
            serde_json::json!([PathCount::Exactly(7), PathCount::Overflow]).to_string(),
            r#"[7,"overflow"]"#
        );
        let paths = shapes::dense(30, 4).graph().longest_paths(5);
        assert_eq!(paths.iter().map(Vec::len).collect::<Vec<_>>(), [30; 5]);
        assert!((1..5).all(|i| !paths[..i].contains(&paths[i])), "all differ");
    }

    #[test]
    fn the_longest_paths_come_first() {
        let expected = ["Au V Bg Cr F", "Cf En Bg Cr F", "Au V Bg Op", "Cf En Bg Op", "Cf En Cl F"];
        let mut found = longest(&shapes::mixed(), 5);
        assert_eq!(found[..2], expected[..2]);
        found[2..].sort_unstable();
        assert_eq!(found[2..], expected[2..]);
        assert_eq!(longest(&shapes::mixed(), 1), expected[..1]);
        assert_eq!(longest(&shapes::small(), 5), ["two three four", "one"]);
    }

    #[test]
    fn counting_stops_where_it_is_told_to() {
        assert_eq!(shapes::tree().graph().count_paths_up_to(1_000_000), 4);
        assert_eq!(shapes::dense(30, 4).graph().count_paths_up_to(1_000_000), 1_000_000);
        assert_eq!(shapes::dense(33, 4).graph().count_paths_up_to(1_000_000), 1_000_000);
    }

    #[test]
    fn without_steps_there_is_no_path() {
        assert_eq!(Graph::new(&[]).count_paths(), PathCount::Exactly(0));
        assert!(Graph::new(&[]).longest_paths(5).is_empty());
    }

    /// Every path from a root to a leaf: small graphs only.
    fn all_paths(graph: &Graph) -> Vec<Vec<Ordinal>> {
        let mut whole = Vec::new();
        let mut begun: Vec<Vec<Ordinal>> = graph.roots().map(|root| vec![root]).collect();
        while let Some(path) = begun.pop() {
            let children = graph.children(path[path.len() - 1]);
            begun.extend(children.iter().map(|child| [path.as_slice(), &[*child]].concat()));
            whole.extend(children.is_empty().then_some(path));
        }
        whole
    }

    proptest! {
        #[test]
        fn the_heaviest_paths_are_those_that_trying_all_finds(
            shape in shapes::any_shape(14),
            weights in prop::collection::vec(-9_i64..9, 14),
            k in 1_usize..8,
        ) {
            let graph = shape.graph();
            let weigh = |path: &Vec<Ordinal>| path.iter().map(|s| weights[s.index()]).sum::<i64>();
            let found = graph.heaviest_paths(k, |step| weights[step.index()]);
            let every = all_paths(&graph);
            prop_assert_eq!(graph.count_paths(), PathCount::Exactly(every.len() as u64));
            prop_assert!(found.iter().all(|path| every.contains(path)), "each is a path");
            prop_assert!((1..found.len()).all(|i| !found[..i].contains(&found[i])), "all differ");
            let mut expected: Vec<i64> = every.iter().map(weigh).collect();
            expected.sort_unstable_by_key(|weight| Reverse(*weight));
            expected.truncate(k);
            prop_assert_eq!(found.iter().map(weigh).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn the_longest_path_passes_every_level(shape in shapes::any_shape(25)) {
            let graph = shape.graph();
            let longest = &graph.longest_paths(1)[0];
            prop_assert_eq!(longest.len() as u32, graph.levels().iter().max().unwrap() + 1);
            prop_assert!(longest.windows(2).all(|pair| graph.parents(pair[1]).contains(&pair[0])));
        }
    }
}
