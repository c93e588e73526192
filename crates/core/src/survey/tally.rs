//! What stores count of tasks.

use super::figures::{percent, share};
use super::spread::Spread;
use super::steps::Executions;

/// How many tasks there are, and how those fared that ended lately.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Tasks that are `pending` or `in_progress`.
    pub active: u64,
    /// Namespaces of which there is a task.
    pub namespaces: u64,
    /// Names of definitions, with their namespaces, of which there is a task.
    pub task_types: u64,
    /// Complete tasks among those that ended lately.
    pub complete: u64,
    /// Tasks in error among those that ended lately.
    pub in_error: u64,
}

impl Standing {
    /// Of the tasks that ended lately by themselves: the share of complete ones, 0 to 1, three decimals. `None` if none did.
    pub fn health_score(&self) -> Option<f64> {
        let judged = self.complete + self.in_error;
        (judged > 0).then(|| share(self.complete, judged, 1_000) / 1_000.0)
    }
}

/// What came and went since an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Tasks created since then.
    pub created: u64,
    /// Tasks that are in error since then.
    pub in_error: u64,
    /// Tasks that are complete since then: from creation to completion.
    pub complete: Spread,
    /// Steps that are complete since then.
    pub steps: Executions,
}

impl Traffic {
    /// Completed tasks in percent of created ones, two decimals: above 100 if more went than came.
    pub fn completion_rate(&self) -> f64 {
        percent(self.complete.count, self.created, 2)
    }

    /// Tasks that failed in percent of created ones, two decimals.
    pub fn error_rate(&self) -> f64 {
        percent(self.in_error, self.created, 2)
    }
}

/// The tasks created in a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Population {
    /// How many they are.
    pub tasks: u64,
    /// Names of their definitions, with namespaces.
    pub task_types: u64,
    /// Those in error.
    pub in_error: u64,
    /// Those that are complete: from creation to completion.
    pub complete: Spread,
}

impl Population {
    /// Those in error in percent, one decimal.
    pub fn error_rate(&self) -> f64 {
        percent(self.in_error, self.tasks, 1)
    }
}

/// A kind of failure, and how many executions failed so. The commonest come first, equally common ones by code and class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureCount {
    /// Stable code.
    pub code: String,
    /// Kind of error.
    pub class: String,
    /// Executions.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_ended_there_is_no_health_score() {
        assert_eq!(Standing::default().health_score(), None);
        let ended = |complete, in_error| Standing { complete, in_error, ..Standing::default() };
        assert_eq!(ended(2, 1).health_score(), Some(0.667));
        assert_eq!(ended(0, 1).health_score(), Some(0.0));
    }

    #[test]
    fn rates_are_of_what_was_created() {
        let complete = Spread { count: 3, ..Spread::default() };
        let traffic = Traffic { created: 2, in_error: 1, complete, ..Traffic::default() };
        assert_eq!((traffic.completion_rate(), traffic.error_rate()), (150.0, 50.0));
        let nothing = Traffic::default();
        assert_eq!((nothing.completion_rate(), nothing.error_rate()), (0.0, 0.0));
        let population = Population { tasks: 3, in_error: 1, ..Population::default() };
        assert_eq!((population.error_rate(), Population::default().error_rate()), (33.3, 0.0));
    }
}
