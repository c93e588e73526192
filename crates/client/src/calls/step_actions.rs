//! What changes steps.

use reqwest::Method;
use serde::Serialize;
use tasker_wire::request::{CancelStepRequest, ResolveStepRequest, RetryStepRequest, UpdateStepRequest};
use tasker_wire::{StepDocument, StepReply};

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Changes a step that is not done.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `STEP_NOT_FOUND`, `INVALID_STATE_TRANSITION`, `PRECONDITION_FAILED`.
    pub async fn update_step(
        &self,
        task: impl ToString,
        step: &str,
        request: &UpdateStepRequest,
    ) -> Result<StepDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step];
        self.step_change(Method::PATCH, &path, request).await
    }

    /// Cancels a step.
    ///
    /// # Errors
    /// As [`Self::update_step`].
    pub async fn cancel_step(
        &self,
        task: impl ToString,
        step: &str,
        request: &CancelStepRequest,
    ) -> Result<StepDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step, "cancel"];
        self.step_change(Method::POST, &path, request).await
    }

    /// Tries a failed step again.
    ///
    /// # Errors
    /// As [`Self::update_step`], and `RETRY_LIMIT_REACHED`.
    pub async fn retry_step(
        &self,
        task: impl ToString,
        step: &str,
        request: &RetryStepRequest,
    ) -> Result<StepDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step, "retry"];
        self.step_change(Method::POST, &path, request).await
    }

    /// Declares a step done.
    ///
    /// # Errors
    /// As [`Self::update_step`].
    pub async fn resolve_step(
        &self,
        task: impl ToString,
        step: &str,
        request: &ResolveStepRequest,
    ) -> Result<StepDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step, "resolve"];
        self.step_change(Method::POST, &path, request).await
    }

    async fn step_change(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<StepDocument, Error> {
        let reply: StepReply = self.read(self.change(method, path, body)?).await?;
        Ok(reply.step)
    }
}
