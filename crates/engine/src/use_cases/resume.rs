//! Telling the workers of a task.

use tasker_core::decide::{RefusedChange, Rejection};
use tasker_store::read::TaskDetail;

use crate::engine::Engine;
use crate::error::UseCaseError;

impl Engine {
    /// Tells the workers that an open task may have something to do. Its work is never lost without this: it only spares the
    /// wait for the next look at the queue.
    ///
    /// # Errors
    /// `invalid_state_transition`: it has ended.
    pub async fn resume(&self, task: &TaskDetail) -> Result<(), UseCaseError> {
        may_resume(task)?;
        self.hint().await;
        Ok(())
    }
}

/// What [`Engine::resume`] would come to.
///
/// # Errors
/// As there.
pub fn may_resume(task: &TaskDetail) -> Result<(), UseCaseError> {
    let state = task.record.state;
    if state.is_open() {
        return Ok(());
    }
    let message = format!("task {} has ended: its state is {state}", task.record.id);
    let change = Some(RefusedChange { from: state.as_str(), to: None });
    let rejection = Rejection { change, ..Rejection::new("invalid_state_transition", message) };
    Err(UseCaseError::Refused(rejection))
}
