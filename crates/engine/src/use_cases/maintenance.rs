//! Looking after a database.

use tasker_store::integrity::{CheckPart, Checked, Finding, RepairRequest, Repaired};
use tasker_store::read::SchemaStatus;
use tasker_store::write::{Prune, Pruned};

use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::integrity::Integrity;

impl Engine {
    /// Looks for broken invariants, at most `limit`.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn check(&self, limit: usize) -> Result<Vec<Finding>, UseCaseError> {
        Ok(self.parts.store.check(limit).await?)
    }

    /// Looks for broken invariants in a few tasks: the way to check everything that can be stopped and watched.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn check_part(&self, part: CheckPart) -> Result<Checked, UseCaseError> {
        Ok(self.parts.store.check_part(part).await?)
    }

    /// Mends what follows from the rest of a task, or says what that would be.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn repair(&self, request: RepairRequest) -> Result<Repaired, UseCaseError> {
        Ok(self.parts.store.repair(request).await?)
    }

    /// What the worker of this process has found so far by looking at a few tasks at a time.
    pub fn integrity(&self) -> Integrity {
        self.parts.integrity.now()
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
