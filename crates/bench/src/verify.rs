//! Whether the work was done right, however fast: every task complete, every step run exactly once, the database sound.

use tasker_core::state::TaskState;
use tasker_store::Store;
use tasker_store::read::TaskFilter;

use crate::error::BenchError;

/// Findings that are named.
const MOST_FINDINGS: usize = 10;

/// What must be found in a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expected {
    /// Tasks that completed.
    pub(crate) complete: u64,
    /// Tasks that have not begun.
    pub(crate) waiting: u64,
}

/// Handlers that were called, and should have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Calls {
    /// Executions.
    pub(crate) executions: u64,
    /// Those of them that failed as they should.
    pub(crate) failures: u64,
    /// Steps.
    pub(crate) steps: u64,
}

/// Compares.
///
/// # Errors
/// [`BenchError::Wrong`] with everything that is wrong.
pub(crate) async fn verify(
    store: &dyn Store,
    expected: Expected,
    calls: Option<Calls>,
) -> Result<(), BenchError> {
    let mut wrong = Vec::new();
    let complete = count(store, vec![TaskState::Complete]).await?;
    let all = count(store, Vec::new()).await?;
    if complete != expected.complete || all != expected.complete + expected.waiting {
        let should = expected.complete + expected.waiting;
        wrong.push(format!(
            "{complete} of {all} tasks are complete, but it should be {} of {should}",
            expected.complete
        ));
    }
    if let Some(Calls { executions, failures, steps }) = calls.filter(|calls| calls.are_wrong()) {
        wrong.push(format!(
            "{steps} steps, {failures} of which failed once, were executed {executions} times"
        ));
    }
    let findings = store.check(MOST_FINDINGS).await?;
    wrong.extend(findings.into_iter().map(|finding| format!("{}: {}", finding.code, finding.message)));
    if wrong.is_empty() { Ok(()) } else { Err(BenchError::Wrong(wrong)) }
}

impl Calls {
    /// Nothing died, so no step may have run but once, and once more for each failure.
    fn are_wrong(&self) -> bool {
        self.executions != self.steps + self.failures
    }
}

async fn count(store: &dyn Store, states: Vec<TaskState>) -> Result<u64, BenchError> {
    let filter = TaskFilter { states, limit: 1, count_all: true, ..TaskFilter::default() };
    Ok(store.tasks(filter).await?.total.unwrap_or(0))
}
