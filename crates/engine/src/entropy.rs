//! Where ids and chance come from. Everything else that an engine does follows from what it is told, so a test that
//! brings its own source can repeat a run to the byte.

use uuid::Uuid;

/// A source of ids and of chance.
pub trait Entropy: Send + Sync + 'static {
    /// A new id, later than those before it: of a task, or of a worker.
    fn id(&self) -> Uuid;

    /// A number from 0 to 1 that differs between nodes and moments.
    fn fraction(&self) -> f64;
}

/// Ids of the time and chance of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn fraction(&self) -> f64 {
        f64::from(Uuid::new_v4().into_bytes()[0]) / 255.0
    }
}
