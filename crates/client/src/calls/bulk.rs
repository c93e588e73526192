//! Calls about many tasks at once. Each part has an answer of its own.

use reqwest::Method;
use tasker_wire::request::{BulkActionRequest, BulkCreateRequest};
use tasker_wire::{BulkActed, BulkCreated};

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Asks for 1 to 100 tasks under an idempotency key, 1 to 128 visible ASCII characters: the same requests under the
    /// same key make the same tasks, however often they are sent.
    ///
    /// # Errors
    /// [`Error`]; `VALIDATION_FAILED`. What is wrong with single requests stands in the answer.
    pub async fn create_tasks(&self, request: &BulkCreateRequest, key: &str) -> Result<BulkCreated, Error> {
        let ask = self.change(Method::POST, &["tasks", "bulk"], request)?.keyed(key.to_owned());
        self.read(ask).await
    }

    /// Does the same to 1 to 500 tasks.
    ///
    /// # Errors
    /// [`Error`]; `VALIDATION_FAILED`. What is wrong with single tasks stands in the answer.
    pub async fn act_on_tasks(&self, request: &BulkActionRequest) -> Result<BulkActed, Error> {
        self.read(self.change(Method::POST, &["tasks", "bulk_actions"], request)?).await
    }
}
