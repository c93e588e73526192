//! What is told of many tasks together: what stores count, and what follows from it (`spec/api.md` 7).
//!
//! Stores count: they answer with the tallies of [`tally`], [`steps`], [`spread`] and [`longest`]. Whatever is computed from these is
//! computed here, once for all stores.

pub mod advice;
pub mod figures;
pub mod longest;
pub mod spread;
pub mod steps;
pub mod tally;

pub use advice::{Advice, Recommendation, recommendations};
pub use longest::{LongStep, LongTask, Stage};
pub use spread::{Spans, Spread};
pub use steps::{Executions, Glance, StepTally, StepTotals, Steps, Tallies};
pub use tally::{FailureCount, Population, Standing, Traffic};

use std::time::Duration;

/// The spans over which trends are told: their names, and how far each looks back.
pub const TRENDS: [(&str, Duration); 3] = [
    ("last_hour", Duration::from_secs(3_600)),
    ("last_4_hours", Duration::from_secs(4 * 3_600)),
    ("last_24_hours", Duration::from_secs(24 * 3_600)),
];

/// How many kinds of failures are told, the commonest ones.
pub const MOST_FAILURES: usize = 5;

/// How it goes now and went lately. What could not be found out is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Performance {
    /// How many tasks there are, and how those fared that ended within the last hour.
    pub standing: Option<Standing>,
    /// What came and went in each span of [`TRENDS`].
    pub trends: [Option<Traffic>; 3],
}

/// What took long, failed and waits, of the tasks created in a period. What could not be found out is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bottlenecks {
    /// The tasks.
    pub population: Option<Population>,
    /// Those that took longest, of those that ended by themselves.
    pub slowest_tasks: Option<Vec<LongTask>>,
    /// Those that are under way for longest.
    pub longest_running: Option<Vec<LongTask>>,
    /// The steps whose last executions took longest.
    pub slowest_steps: Option<Vec<LongStep>>,
    /// Their steps.
    pub steps: Option<StepTotals>,
    /// Their failed executions, the commonest kinds of failures first.
    pub failures: Option<Vec<FailureCount>>,
}

impl Performance {
    /// Whether nothing could be found out.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Bottlenecks {
    /// Whether nothing could be found out.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
