//! What changes tasks.

use reqwest::Method;
use serde::Serialize;
use tasker_wire::request::{
    CancelTaskRequest, ResolveTaskRequest, ResumeTaskRequest, RetryTaskRequest, UpdateTaskRequest,
};
use tasker_wire::{TaskDocument, TaskReply};

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Changes the reason or the labels of a task, which may have ended.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `PRECONDITION_FAILED`.
    pub async fn update_task(
        &self,
        id: impl ToString,
        request: &UpdateTaskRequest,
    ) -> Result<TaskDocument, Error> {
        self.task_change(Method::PATCH, &["tasks", &id.to_string()], request).await
    }

    /// Cancels a task.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `INVALID_STATE_TRANSITION`, `PRECONDITION_FAILED`.
    pub async fn cancel_task(
        &self,
        id: impl ToString,
        request: &CancelTaskRequest,
    ) -> Result<TaskDocument, Error> {
        self.task_change(Method::POST, &["tasks", &id.to_string(), "cancel"], request).await
    }

    /// Tries failed steps of a failed task again.
    ///
    /// # Errors
    /// As [`Self::cancel_task`], and `STEP_NOT_FOUND`, `RETRY_LIMIT_REACHED`.
    pub async fn retry_task(
        &self,
        id: impl ToString,
        request: &RetryTaskRequest,
    ) -> Result<TaskDocument, Error> {
        self.task_change(Method::POST, &["tasks", &id.to_string(), "retry"], request).await
    }

    /// Tells the workers that an open task may have something to do. Its work is never lost without this.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `INVALID_STATE_TRANSITION`: it has ended.
    pub async fn resume_task(&self, id: impl ToString) -> Result<TaskDocument, Error> {
        self.task_change(Method::POST, &["tasks", &id.to_string(), "resume"], &ResumeTaskRequest {}).await
    }

    /// Declares a failed task done.
    ///
    /// # Errors
    /// As [`Self::cancel_task`].
    pub async fn resolve_task(
        &self,
        id: impl ToString,
        request: &ResolveTaskRequest,
    ) -> Result<TaskDocument, Error> {
        self.task_change(Method::POST, &["tasks", &id.to_string(), "resolve"], request).await
    }

    async fn task_change(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<TaskDocument, Error> {
        let reply: TaskReply = self.read(self.change(method, path, body)?).await?;
        Ok(reply.task)
    }
}
