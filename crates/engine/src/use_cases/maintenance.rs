//! Looking after a database.

use tasker_store::integrity::Finding;
use tasker_store::read::SchemaStatus;
use tasker_store::write::{Prune, Pruned};

use crate::engine::Engine;
use crate::error::UseCaseError;

impl Engine {
    /// Looks for broken invariants, at most `limit`.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn check(&self, limit: usize) -> Result<Vec<Finding>, UseCaseError> {
        Ok(self.parts.store.check(limit).await?)
    }

    /// Deletes tasks that ended long ago, one small batch.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn prune(&self, request: Prune) -> Result<Pruned, UseCaseError> {
        Ok(self.parts.store.prune(request).await?)
    }

    /// The schema of the database.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn schema(&self) -> Result<SchemaStatus, UseCaseError> {
        Ok(self.parts.store.schema().await?)
    }
}
