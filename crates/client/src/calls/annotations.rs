//! Calls about what is noted about tasks.

use reqwest::Method;
use tasker_wire::request::CreateAnnotationRequest;
use tasker_wire::{AnnotationDocument, AnnotationList, AnnotationReply, AnnotationTypeList};

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// A page of what is noted about a task, oldest first: at most `limit` (1 to 100) after `offset` of them.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `INVALID_PARAMETER`.
    pub async fn annotations(
        &self,
        task: impl ToString,
        limit: usize,
        offset: usize,
    ) -> Result<AnnotationList, Error> {
        let query = [("limit", limit.to_string()), ("offset", offset.to_string())];
        self.read(self.get(&["tasks", &task.to_string(), "annotations"], &query)).await
    }

    /// The types of annotations there are.
    ///
    /// # Errors
    /// [`Error`]; `AUTHORIZATION_FAILED` for who is limited to some namespaces.
    pub async fn annotation_types(&self) -> Result<AnnotationTypeList, Error> {
        self.read(self.get(&["annotation_types"], &[])).await
    }

    /// Adds to what is noted about a task.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `VALIDATION_FAILED`.
    pub async fn annotate(
        &self,
        task: impl ToString,
        request: &CreateAnnotationRequest,
    ) -> Result<AnnotationDocument, Error> {
        let path = ["tasks", &task.to_string(), "annotations"];
        let reply: AnnotationReply = self.read(self.change(Method::POST, &path, request)?).await?;
        Ok(reply.annotation)
    }
}
