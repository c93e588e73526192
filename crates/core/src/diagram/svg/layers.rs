//! Which node stands in which layer, and where within it: each edge leads from one layer to the next, by way of bends
//! where it spans several, and nodes stand near those that they are connected with, so that few edges cross.

use crate::graph::Graph;
use crate::ids::Ordinal;

/// Most bends of all edges together; in a graph that needs more, edges go straight.
const MAX_BENDS: usize = 20_000;

/// How often the layers are sorted anew, down and up.
const SWEEPS: usize = 4;

/// Nodes and bends by layer.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Layers {
    /// Per layer, what stands in it, from left to right: numbers below that of the nodes are nodes, others bends.
    pub(super) layers: Vec<Vec<usize>>,
    /// Per edge, what it passes: its source, its bends, its target.
    pub(super) routes: Vec<Vec<usize>>,
    /// What is connected with what in the layer above.
    pub(super) above: Vec<Vec<usize>>,
    /// What is connected with what in the layer below.
    pub(super) below: Vec<Vec<usize>>,
}

impl Layers {
    /// Lays out nodes by number and edges between them.
    pub(super) fn new(n_nodes: usize, edges: &[(usize, usize)]) -> Self {
        let mut layer_of = levels(n_nodes, edges);
        let n_bends: usize = edges.iter().map(|edge| span(&layer_of, *edge).saturating_sub(1)).sum();
        let bends = n_bends <= MAX_BENDS;
        let routes: Vec<Vec<usize>> = edges.iter().map(|edge| route(&mut layer_of, *edge, bends)).collect();
        let n_layers = layer_of.iter().max().map_or(0, |last| last + 1);
        let mut layers = vec![Vec::new(); n_layers];
        (0..layer_of.len()).for_each(|slot| layers[layer_of[slot]].push(slot));
        let (mut above, mut below) = (vec![Vec::new(); layer_of.len()], vec![Vec::new(); layer_of.len()]);
        for pair in routes.iter().flat_map(|route| route.windows(2)) {
            if layer_of[pair[0]] + 1 == layer_of[pair[1]] {
                below[pair[0]].push(pair[1]);
                above[pair[1]].push(pair[0]);
            }
        }
        let mut laid = Self { layers, routes, above, below };
        laid.uncross();
        laid
    }

    fn uncross(&mut self) {
        let mut place = vec![0.0; self.above.len()];
        self.layers.iter().for_each(|layer| number(layer, &mut place));
        for _ in 0..SWEEPS {
            for layer in &mut self.layers {
                sort_by_neighbours(layer, &self.above, &mut place);
            }
            for layer in self.layers.iter_mut().rev() {
                sort_by_neighbours(layer, &self.below, &mut place);
            }
        }
    }
}

/// The layer of each node: its level in the graph. Nodes on a cycle all stand in the first layer.
fn levels(n_nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut parents = vec![Vec::new(); n_nodes];
    edges.iter().for_each(|(source, target)| parents[*target].push(Ordinal(*source as u32)));
    Graph::new(&parents).levels().into_iter().map(|level| level as usize).collect()
}

fn span(layer_of: &[usize], (source, target): (usize, usize)) -> usize {
    layer_of[target].saturating_sub(layer_of[source])
}

/// What an edge passes; new bends are added to the layers.
fn route(layer_of: &mut Vec<usize>, edge: (usize, usize), bends: bool) -> Vec<usize> {
    let first = layer_of[edge.0] + 1;
    let between = if bends { first..first.max(layer_of[edge.1]) } else { first..first };
    let mut route = vec![edge.0];
    for layer in between {
        route.push(layer_of.len());
        layer_of.push(layer);
    }
    route.push(edge.1);
    route
}

/// Sorts a layer by where the neighbours of each slot stand on average; one that has none keeps its place.
fn sort_by_neighbours(layer: &mut [usize], neighbours: &[Vec<usize>], place: &mut [f64]) {
    let wanted =
        |slot: usize| mean(neighbours[slot].iter().map(|other| place[*other])).unwrap_or(place[slot]);
    let mut keyed: Vec<(f64, usize)> = layer.iter().map(|slot| (wanted(*slot), *slot)).collect();
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
    layer.iter_mut().zip(keyed).for_each(|(slot, (_, sorted))| *slot = sorted);
    number(layer, place);
}

/// Layers are compared as if all were equally wide, so that narrow ones stand in the middle.
fn number(layer: &[usize], place: &mut [f64]) {
    let middle = (layer.len() as f64 - 1.0) / 2.0;
    layer.iter().enumerate().for_each(|(i, slot)| place[*slot] = i as f64 - middle);
}

/// The mean of some numbers, if there are any.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = numbers.fold((0.0, 0_usize), |(sum, n), number| (sum + number, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_that_span_layers_have_bends() {
        // 0 -> 1 -> 2 -> 3 and 0 -> 3.
        let laid = Layers::new(4, &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        assert_eq!(laid.routes[3], [0, 4, 5, 3]);
        assert_eq!(laid.layers, [vec![0], vec![1, 4], vec![2, 5], vec![3]]);
    }

    #[test]
    fn nodes_are_sorted_so_that_edges_do_not_cross() {
        let laid = Layers::new(4, &[(0, 3), (1, 2)]);
        let place = |slot: usize| laid.layers.iter().find_map(|l| l.iter().position(|s| *s == slot)).unwrap();
        assert_eq!(place(0) < place(1), place(3) < place(2));
    }

    #[test]
    fn cycles_and_empty_charts_do_no_harm() {
        assert_eq!(Layers::new(2, &[(0, 1), (1, 0)]).layers, [[0, 1]]);
        assert_eq!(Layers::new(1, &[(0, 0)]).routes, [[0, 0]]);
        assert!(Layers::new(0, &[]).layers.is_empty());
    }

    #[test]
    fn a_graph_of_many_long_edges_has_none() {
        let chain = (0..300).map(|i| (i, i + 1));
        let edges: Vec<_> = chain.chain((0..200).map(|i| (i, 300))).collect();
        assert!(Layers::new(301, &edges).routes.iter().all(|route| route.len() == 2));
    }
}
