//! Where everything of a chart stands on the page.

use super::layers::{Layers, mean};
use crate::diagram::flowchart::Direction;

/// Room between two nodes of a layer.
const GAP: f64 = 24.0;

/// Room between two layers: edges lead through it.
const LAYER_GAP: f64 = 56.0;

/// Room that an edge takes where it passes a layer.
const BEND: f64 = 4.0;

/// How often nodes are drawn towards those that they are connected with.
const ROUNDS: usize = 6;

/// A chart laid out, from the corner at the upper left.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Per node.
    pub(super) boxes: Vec<Rectangle>,
    /// Per edge: straight lines from the first point to the second, the third to the fourth and so on are inside of
    /// layers; curves lead from one to the next.
    pub(super) routes: Vec<Vec<Point>>,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Rectangle {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A place on the page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Lays out nodes of these widths and heights, and edges between them by number.
pub(super) fn lay_out(sizes: &[(f64, f64)], edges: &[(usize, usize)], direction: Direction) -> Layout {
    let is_upright = matches!(direction, Direction::Down | Direction::Up);
    // Along is the way that edges lead, across is the other one.
    let along_and_across: Vec<(f64, f64)> = sizes
        .iter()
        .map(|(width, height)| if is_upright { (*height, *width) } else { (*width, *height) })
        .collect();
    let layers = Layers::new(sizes.len(), edges);
    let across = across(&layers, &along_and_across);
    let (spans, length) = along(&layers, &along_and_across);
    let page = Page { direction, length };
    let breadth_of = |slot: usize| along_and_across.get(slot).map_or(BEND, |(_, across)| *across);
    let breadth = (0..across.len()).map(|slot| across[slot] + breadth_of(slot) / 2.0).fold(0.0, f64::max);
    let (width, height) = if is_upright { (breadth, length) } else { (length, breadth) };
    let rectangle = |node: usize| page.rectangle(spans[node], across[node], breadth_of(node));
    Layout {
        width,
        height,
        boxes: (0..sizes.len()).map(rectangle).collect(),
        routes: layers.routes.iter().map(|route| page.route(route, &spans, &across)).collect(),
    }
}

/// Where each slot begins and ends, along, and where the last layer ends. Nodes stand in the middle of their layer; an
/// edge passes the whole of it.
fn along(layers: &Layers, sizes: &[(f64, f64)]) -> (Vec<(f64, f64)>, f64) {
    let mut spans = vec![(0.0, 0.0); layers.above.len()];
    let (mut start, mut end) = (0.0, 0.0);
    for layer in &layers.layers {
        let lengths = layer.iter().filter_map(|slot| sizes.get(*slot)).map(|(along, _)| *along);
        end = start + lengths.fold(0.0, f64::max);
        for &slot in layer {
            let margin = sizes.get(slot).map_or(0.0, |(along, _)| (end - start - along) / 2.0);
            spans[slot] = (start + margin, end - margin);
        }
        start = end + LAYER_GAP;
    }
    (spans, end)
}

/// The middle of each slot, across: the first round stands them side by side, the others draw each one towards the
/// middle of its neighbours, as far as those beside it let it.
fn across(layers: &Layers, sizes: &[(f64, f64)]) -> Vec<f64> {
    let breadth = |slot: usize| sizes.get(slot).map_or(BEND, |(_, across)| *across);
    let mut middle = vec![0.0; layers.above.len()];
    for layer in &layers.layers {
        let wanted = vec![0.0; layer.len()];
        settle(layer, &wanted, breadth, &mut middle);
    }
    for round in 0..ROUNDS {
        let neighbours = if round % 2 == 0 { &layers.above } else { &layers.below };
        let mut draw = |layer: &Vec<usize>| {
            let towards = |slot: &usize| mean(neighbours[*slot].iter().map(|other| middle[*other]));
            let wanted: Vec<f64> = layer.iter().map(|slot| towards(slot).unwrap_or(middle[*slot])).collect();
            settle(layer, &wanted, breadth, &mut middle);
        };
        if round % 2 == 0 {
            layers.layers.iter().for_each(&mut draw)
        } else {
            layers.layers.iter().rev().for_each(&mut draw)
        }
    }
    let edge = |slot: usize| middle[slot] - breadth(slot) / 2.0;
    let first = (0..middle.len()).map(edge).fold(f64::INFINITY, f64::min);
    middle.iter().map(|place| place - first).collect()
}

/// Places the slots of a layer as near as may be to where they want to be, in order and apart: half way between the
/// leftmost and the rightmost way to do it.
fn settle(layer: &[usize], wanted: &[f64], breadth: impl Fn(usize) -> f64, middle: &mut [f64]) {
    let apart = |one: usize, other: usize| (breadth(one) + breadth(other)) / 2.0 + GAP;
    let mut from_left = wanted.to_vec();
    for i in 1..layer.len() {
        from_left[i] = from_left[i].max(from_left[i - 1] + apart(layer[i - 1], layer[i]));
    }
    let mut from_right = wanted.to_vec();
    for i in (1..layer.len()).rev() {
        from_right[i - 1] = from_right[i - 1].min(from_right[i] - apart(layer[i - 1], layer[i]));
    }
    for (i, &slot) in layer.iter().enumerate() {
        middle[slot] = (from_left[i] + from_right[i]) / 2.0;
    }
}

/// How places along and across become places on the page.
struct Page {
    direction: Direction,
    /// Of everything, along.
    length: f64,
}

impl Page {
    fn point(&self, along: f64, across: f64) -> Point {
        match self.direction {
            Direction::Down => Point { x: across, y: along },
            Direction::Up => Point { x: across, y: self.length - along },
            Direction::Right => Point { x: along, y: across },
            Direction::Left => Point { x: self.length - along, y: across },
        }
    }

    fn rectangle(&self, span: (f64, f64), middle: f64, breadth: f64) -> Rectangle {
        let one = self.point(span.0, middle - breadth / 2.0);
        let other = self.point(span.1, middle + breadth / 2.0);
        Rectangle {
            x: one.x.min(other.x),
            y: one.y.min(other.y),
            width: (one.x - other.x).abs(),
            height: (one.y - other.y).abs(),
        }
    }

    /// From the end of the source through the bends to the beginning of the target.
    fn route(&self, route: &[usize], spans: &[(f64, f64)], across: &[f64]) -> Vec<Point> {
        let both = route.iter().flat_map(|slot| {
            let (start, end) = spans[*slot];
            [self.point(start, across[*slot]), self.point(end, across[*slot])]
        });
        let mut points: Vec<Point> = both.skip(1).collect();
        points.pop();
        points
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::shapes;

    fn edges_of(shape: &shapes::Shape) -> Vec<(usize, usize)> {
        let graph = shape.graph();
        let parents = |child| graph.parents(child).iter().map(move |parent| (parent.index(), child.index()));
        graph.steps().flat_map(|child| parents(child).collect::<Vec<_>>()).collect()
    }

    fn overlap(one: &Rectangle, other: &Rectangle) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    #[test]
    fn a_chain_stands_in_a_row() {
        let sizes = [(100.0, 40.0), (60.0, 20.0)];
        let down = lay_out(&sizes, &[(0, 1)], Direction::Down);
        assert_eq!((down.width, down.height), (100.0, 40.0 + LAYER_GAP + 20.0));
        assert_eq!(down.boxes[1], Rectangle { x: 20.0, y: 40.0 + LAYER_GAP, width: 60.0, height: 20.0 });
        assert_eq!(down.routes, [[Point { x: 50.0, y: 40.0 }, Point { x: 50.0, y: 40.0 + LAYER_GAP }]]);
        let left = lay_out(&sizes, &[(0, 1)], Direction::Left);
        assert_eq!(left.boxes[1], Rectangle { x: 0.0, y: 10.0, width: 60.0, height: 20.0 });
        assert_eq!(left.boxes[0].x, 60.0 + LAYER_GAP);
    }

    #[test]
    fn nothing_has_no_size() {
        let layout = lay_out(&[], &[], Direction::Down);
        assert_eq!((layout.width, layout.height), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn nodes_stand_on_the_page_and_not_on_each_other(
            shape in shapes::any_shape(25),
            direction in prop::sample::select(Direction::ALL.to_vec()),
            width in 20.0..200.0_f64,
        ) {
            let sizes: Vec<(f64, f64)> = (0..shape.names.len()).map(|i| (width + (i % 3) as f64 * 30.0, 40.0)).collect();
            let layout = lay_out(&sizes, &edges_of(&shape), direction);
            for (i, one) in layout.boxes.iter().enumerate() {
                prop_assert!(one.x > -0.001 && one.y > -0.001, "{one:?}");
                prop_assert!(one.x + one.width < layout.width + 0.001, "{one:?} in {}", layout.width);
                prop_assert!(one.y + one.height < layout.height + 0.001, "{one:?} in {}", layout.height);
                prop_assert!(layout.boxes[..i].iter().all(|other| !overlap(one, other)));
            }
            prop_assert!(layout.routes.iter().all(|route| route.len() >= 2 && route.len() % 2 == 0));
            for point in layout.routes.iter().flatten() {
                prop_assert!((-0.001..layout.width + 0.001).contains(&point.x), "{point:?}");
                prop_assert!((-0.001..layout.height + 0.001).contains(&point.y), "{point:?}");
            }
        }
    }
}
