//! Calls about what happened.

use tasker_wire::TransitionList;

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// A page of what happened to a task and its steps, oldest first: at most `limit` changes (1 to 100), after the
    /// `next_cursor` of the page before.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `INVALID_PARAMETER`.
    pub async fn task_transitions(
        &self,
        task: impl ToString,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<TransitionList, Error> {
        self.transitions(&["tasks", &task.to_string(), "transitions"], cursor, limit).await
    }

    /// A page of what happened to a step, as [`Self::task_transitions`]. One with fewer than `limit` may have more after
    /// it: `has_more` tells.
    ///
    /// # Errors
    /// As [`Self::task_transitions`], and `STEP_NOT_FOUND`.
    pub async fn step_transitions(
        &self,
        task: impl ToString,
        step: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<TransitionList, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step, "transitions"];
        self.transitions(&path, cursor, limit).await
    }

    async fn transitions(
        &self,
        path: &[&str],
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<TransitionList, Error> {
        let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
        let query: Vec<_> = [("limit", limit.to_string())].into_iter().chain(cursor).collect();
        self.read(self.get(path, &query)).await
    }
}
