//! The history of a task or of one of its steps, page by page.

use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_store::read::{Cursor, LogEntry, LogQuery};

use crate::engine::Engine;
use crate::error::UseCaseError;

/// Entries of the task that a page looks at for those of a step, at most.
const BUDGET: usize = 5_000;

/// A page of the history, oldest first.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryPage {
    /// What happened.
    pub entries: Vec<LogEntry>,
    /// Where to go on; `None` at the end. A page of a step with fewer entries than asked for may have more after it.
    pub next: Option<Cursor>,
}

impl Engine {
    /// What happened to a task after a position, or to one step of it; nothing if there is no such task or step.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn history(
        &self,
        task: TaskId,
        step: Option<&StepName>,
        after: Cursor,
        limit: usize,
    ) -> Result<HistoryPage, UseCaseError> {
        let most = if step.is_some() { BUDGET } else { limit.saturating_add(1) };
        let mut entries = self.parts.store.log(LogQuery { task: Some(task), after, limit: most }).await?;
        let budget_end = entries.last().filter(|_| entries.len() >= most).map(|entry| entry.cursor);
        if let Some(step) = step {
            entries.retain(|entry| entry.step.as_ref() == Some(step));
        }
        let is_cut = entries.len() > limit;
        entries.truncate(limit);
        let next = if is_cut { entries.last().map(|entry| entry.cursor) } else { budget_end };
        Ok(HistoryPage { entries, next })
    }
}
