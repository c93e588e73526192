//! The shape of a definition: who waits for whom.
//!
//! Everything here is iterative, so that long chains cannot overflow a stack, and linear in steps and dependencies
//! unless it says otherwise.

pub mod analysis;
mod cycles;
pub mod document;
mod kin;
mod levels;
mod paths;
mod reach;
mod redundancy;
pub mod shapes;

pub use kin::Siblings;
pub use paths::PathCount;
pub use reach::Reach;

use crate::ids::Ordinal;

/// The dependencies between steps, both ways, as two flat lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graph {
    parents: Adjacency,
    children: Adjacency,
}

impl Graph {
    /// Builds the graph from each step's parents, by position. Positions must lie within the list.
    pub fn new(parents: &[Vec<Ordinal>]) -> Self {
        let mut children = vec![Vec::new(); parents.len()];
        for (child, list) in parents.iter().enumerate() {
            for parent in list {
                children[parent.index()].push(ordinal(child));
            }
        }
        Self { parents: Adjacency::new(parents), children: Adjacency::new(&children) }
    }

    /// How many steps there are.
    pub fn n_steps(&self) -> usize {
        self.parents.starts.len() - 1
    }

    /// How many dependencies there are.
    pub fn n_edges(&self) -> usize {
        self.parents.list.len()
    }

    /// All steps, in document order.
    pub fn steps(&self) -> impl Iterator<Item = Ordinal> + use<> {
        (0..self.n_steps()).map(ordinal)
    }

    /// The steps that must be done before this one may run, as the definition lists them.
    pub fn parents(&self, step: Ordinal) -> &[Ordinal] {
        self.parents.of(step)
    }

    /// The steps that wait for this one, in document order.
    pub fn children(&self, step: Ordinal) -> &[Ordinal] {
        self.children.of(step)
    }
}

/// One direction of the graph: the neighbours of step `i` are `list[starts[i]..starts[i + 1]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Adjacency {
    starts: Vec<u32>,
    list: Vec<Ordinal>,
}

impl Adjacency {
    fn new(lists: &[Vec<Ordinal>]) -> Self {
        let mut starts = Vec::with_capacity(lists.len() + 1);
        let mut list = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        starts.push(0);
        for neighbours in lists {
            list.extend_from_slice(neighbours);
            starts.push(list.len() as u32);
        }
        Self { starts, list }
    }

    fn of(&self, step: Ordinal) -> &[Ordinal] {
        &self.list[self.starts[step.index()] as usize..self.starts[step.index() + 1] as usize]
    }
}

fn ordinal(index: usize) -> Ordinal {
    Ordinal(u32::try_from(index).expect("a definition has at most 20,000 steps"))
}
