//! Standard shapes of workflows, for tests, benches and generators.
//!
//! The small ones are those of `spec/domain.md` 12 and, under other names, of `spec/authoring.md` 5.1; the others grow
//! with a number.

use super::Graph;
use crate::ids::Ordinal;

/// Steps and who waits for whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Name of each step, in document order.
    pub names: Vec<String>,
    /// Per step: the steps it waits for, by position.
    pub parents: Vec<Vec<Ordinal>>,
}

impl Shape {
    /// A shape from the names of steps and of their parents.
    ///
    /// # Panics
    /// A parent names no step: shapes are written in code.
    pub fn new(steps: &[(&str, &[&str])]) -> Self {
        let names: Vec<String> = steps.iter().map(|(name, _)| (*name).to_owned()).collect();
        let find = |name: &str| position(&names, name).expect("a shape names only its own steps");
        let parents = steps.iter().map(|(_, parents)| parents.iter().map(|p| find(p)).collect()).collect();
        Self { parents, names }
    }

    /// The name of a step.
    pub fn name(&self, step: Ordinal) -> &str {
        &self.names[step.index()]
    }

    /// The position of a step.
    pub fn position(&self, name: &str) -> Option<Ordinal> {
        position(&self.names, name)
    }

    /// The names of each step and its parents, in document order.
    pub fn steps(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let names = |parents: &Vec<Ordinal>| parents.iter().map(|p| self.name(*p)).collect();
        self.names.iter().zip(&self.parents).map(move |(name, parents)| (name.as_str(), names(parents)))
    }

    /// The graph.
    pub fn graph(&self) -> Graph {
        Graph::new(&self.parents)
    }

    fn renamed(mut self, names: &[&str]) -> Self {
        assert_eq!(self.names.len(), names.len(), "each step gets a name");
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn add(&mut self, name: String, parents: Vec<Ordinal>) -> Ordinal {
        self.names.push(name);
        self.parents.push(parents);
        last(self.names.len())
    }

    fn empty() -> Self {
        Self { names: Vec::new(), parents: Vec::new() }
    }
}

/// Six steps, one after the other.
pub fn linear() -> Shape {
    Shape::new(&[
        ("L1", &[]),
        ("L2", &["L1"]),
        ("L3", &["L2"]),
        ("L4", &["L3"]),
        ("L5", &["L4"]),
        ("L6", &["L5"]),
    ])
}

/// Two branches of two steps between a start and a merge, and an end.
pub fn diamond() -> Shape {
    Shape::new(&[
        ("S", &[]),
        ("A1", &["S"]),
        ("B1", &["S"]),
        ("A2", &["A1"]),
        ("B2", &["B1"]),
        ("M", &["A2", "B2"]),
        ("E", &["M"]),
    ])
}

/// Four roots, two of them with a second step, and a merge.
pub fn parallel_merge() -> Shape {
    Shape::new(&[
        ("U1", &[]),
        ("O1", &[]),
        ("I", &[]),
        ("P", &[]),
        ("U2", &["U1"]),
        ("O2", &["O1"]),
        ("M", &["U2", "O2", "I", "P"]),
    ])
}

/// A binary tree of three levels, and a step after all its leaves.
pub fn tree() -> Shape {
    Shape::new(&[
        ("R", &[]),
        ("A", &["R"]),
        ("B", &["R"]),
        ("A1", &["A"]),
        ("A2", &["A"]),
        ("B1", &["B"]),
        ("B2", &["B"]),
        ("Z", &["A1", "A2", "B1", "B2"]),
    ])
}

/// Two roots, a merge, a side branch, two leaves.
pub fn mixed() -> Shape {
    Shape::new(&[
        ("Au", &[]),
        ("Cf", &[]),
        ("V", &["Au"]),
        ("En", &["Cf"]),
        ("Bg", &["V", "En"]),
        ("Cr", &["Bg"]),
        ("Op", &["Bg"]),
        ("Cl", &["En"]),
        ("F", &["Cr", "Cl"]),
    ])
}

/// One step alone, and a chain of three.
pub fn small() -> Shape {
    Shape::new(&[("one", &[]), ("two", &[]), ("three", &["two"]), ("four", &["three"])])
}

/// [`linear`] as `linear_workflow_task`.
pub fn linear_workflow() -> Shape {
    linear().renamed(&[
        "initialize_data",
        "validate_input",
        "process_data",
        "transform_results",
        "validate_output",
        "finalize_workflow",
    ])
}

/// [`diamond`] as `diamond_workflow_task`.
pub fn diamond_workflow() -> Shape {
    diamond().renamed(&[
        "start_workflow",
        "branch_one_process",
        "branch_two_process",
        "branch_one_validate",
        "branch_two_validate",
        "merge_branches",
        "end_workflow",
    ])
}

/// [`parallel_merge`] as `parallel_merge_workflow_task`.
pub fn parallel_merge_workflow() -> Shape {
    parallel_merge().renamed(&[
        "fetch_user_data",
        "fetch_order_data",
        "fetch_inventory_data",
        "fetch_pricing_data",
        "process_user_data",
        "process_order_data",
        "merge_all_data",
    ])
}

/// [`tree`] as `tree_workflow_task`.
pub fn tree_workflow() -> Shape {
    tree().renamed(&[
        "root_initialization",
        "branch_a_setup",
        "branch_b_setup",
        "branch_a_task_one",
        "branch_a_task_two",
        "branch_b_task_one",
        "branch_b_task_two",
        "aggregate_results",
    ])
}

/// [`mixed`] as `mixed_workflow_task`.
pub fn mixed_workflow() -> Shape {
    mixed().renamed(&[
        "init_auth",
        "init_config",
        "validate_permissions",
        "setup_environment",
        "begin_processing",
        "process_critical_data",
        "process_optional_data",
        "cleanup_temp_files",
        "finalize_and_report",
    ])
}

/// [`small`] as the dummy workflow.
pub fn dummy_workflow() -> Shape {
    small().renamed(&["step-one", "step-two", "step-three", "step-four"])
}

/// A chain of four whose steps fail in different ways.
pub fn configurable_failure_workflow() -> Shape {
    chain(4).renamed(&["reliable_step", "flaky_step", "timeout_step", "idempotent_step"])
}

/// Two roots and a step after both.
pub fn concurrent_workflow() -> Shape {
    Shape::new(&[("step-one", &[]), ("step-two", &[]), ("step-three", &["step-one", "step-two"])])
}

/// Two fetches, then three steps in a row.
pub fn api_integration_workflow() -> Shape {
    Shape::new(&[
        ("fetch_cart", &[]),
        ("fetch_products", &[]),
        ("validate_products", &["fetch_cart", "fetch_products"]),
        ("create_order", &["validate_products"]),
        ("publish_event", &["create_order"]),
    ])
}

/// `n` steps, one after the other: `step_1` ... `step_n`.
pub fn chain(n: usize) -> Shape {
    let mut shape = Shape::empty();
    for i in 1..=n {
        let parents = if i == 1 { Vec::new() } else { vec![last(i - 1)] };
        shape.add(format!("step_{i}"), parents);
    }
    shape
}

/// `initialize_batch`, `n` steps after it, `aggregate_results` after all of them.
pub fn fan_out(n: usize) -> Shape {
    let mut shape = Shape::empty();
    let start = shape.add("initialize_batch".into(), Vec::new());
    let chunks = (1..=n).map(|i| shape.add(format!("process_chunk_{i}"), vec![start])).collect();
    shape.add("aggregate_results".into(), chunks);
    shape
}

/// `n` diamonds of two branches in a row, the end of one being the start of the next: 3n + 1 steps, 2^n paths.
pub fn diamonds(n: usize) -> Shape {
    let mut shape = Shape::empty();
    let mut joint = shape.add("joint_0".into(), Vec::new());
    for i in 1..=n {
        let left = shape.add(format!("left_{i}"), vec![joint]);
        let right = shape.add(format!("right_{i}"), vec![joint]);
        joint = shape.add(format!("joint_{i}"), vec![left, right]);
    }
    shape
}

/// `depth` layers of `width` steps, each step waiting for `parents` steps of the layer before (all, if there are no more).
pub fn layered(width: usize, depth: usize, parents: usize) -> Shape {
    let mut shape = Shape::empty();
    let mut above: Vec<Ordinal> = Vec::new();
    for layer in 1..=depth {
        let from = |i: usize| (0..parents.min(above.len())).map(|k| above[(i + k) % above.len()]).collect();
        let rows: Vec<Vec<Ordinal>> = (0..width).map(from).collect();
        above = rows
            .into_iter()
            .zip(1..)
            .map(|(row, i)| shape.add(format!("layer_{layer}_step_{i}"), row))
            .collect();
    }
    shape
}

/// `layers` layers of `width` steps, each step waiting for the whole layer before: width^layers paths.
pub fn dense(layers: usize, width: usize) -> Shape {
    layered(width, layers, width)
}

fn position(names: &[String], name: &str) -> Option<Ordinal> {
    names.iter().position(|n| n == name).map(|i| last(i + 1))
}

/// The last of `n` steps.
fn last(n: usize) -> Ordinal {
    Ordinal(u32::try_from(n - 1).expect("a shape has at most 2^32 steps"))
}

/// Any graph of 1 to `most` steps without cycles, each step waiting for up to three before it.
#[cfg(test)]
pub(crate) fn any_shape(most: usize) -> impl proptest::strategy::Strategy<Value = Shape> {
    use proptest::prelude::*;

    let rows = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..=most);
    rows.prop_map(|rows| {
        let mut shape = Shape::empty();
        for (i, row) in rows.iter().enumerate() {
            let mut parents: Vec<Ordinal> = Vec::new();
            for parent in row.iter().filter(|_| i > 0).map(|index| last(index.index(i) + 1)) {
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
            shape.add(format!("s{i}"), parents);
        }
        shape
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_steps_and_dependencies_they_are_known_for() {
        for (shape, n_steps, n_edges) in [
            (linear_workflow(), 6, 5),
            (diamond_workflow(), 7, 7),
            (parallel_merge_workflow(), 7, 6),
            (tree_workflow(), 8, 10),
            (mixed_workflow(), 9, 9),
            (dummy_workflow(), 4, 2),
            (configurable_failure_workflow(), 4, 3),
            (concurrent_workflow(), 3, 2),
            (api_integration_workflow(), 5, 4),
            (fan_out(20), 22, 40),
            (chain(5), 5, 4),
            (diamonds(25), 76, 100),
            (layered(10, 3, 2), 30, 40),
            (dense(30, 4), 120, 464),
        ] {
            let graph = shape.graph();
            assert_eq!((graph.n_steps(), graph.n_edges()), (n_steps, n_edges), "{:?}", shape.names);
        }
    }

    #[test]
    fn steps_are_given_by_name() {
        let shape = fan_out(2);
        let steps: Vec<_> = shape.steps().collect();
        assert_eq!(steps[3], ("aggregate_results", vec!["process_chunk_1", "process_chunk_2"]));
    }
}
