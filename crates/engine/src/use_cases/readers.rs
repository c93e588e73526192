//! Readers of the log that want to go on where they stopped, and whom pruning waits for.

use tasker_core::decide::Rejection;
use tasker_store::read::{Cursor, LogReader};

use crate::engine::Engine;
use crate::error::UseCaseError;

/// Longest name of a reader.
const MAX_NAME: usize = 64;

impl Engine {
    /// The readers that were noted, by name.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn readers(&self) -> Result<Vec<LogReader>, UseCaseError> {
        Ok(self.parts.store.readers().await?)
    }

    /// Notes how far a reader has come: the last entry that it is done with. It is to be noted again at least once a day,
    /// whether or not it moved; what it has not read is kept for a week after that.
    ///
    /// # Errors
    /// `invalid_reader_name`.
    pub async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), UseCaseError> {
        check(name)?;
        Ok(self.parts.store.note_reader(name, at).await?)
    }

    /// Forgets a reader: what it has not read may be pruned.
    ///
    /// # Errors
    /// `reader_not_found`.
    pub async fn forget_reader(&self, name: &str) -> Result<(), UseCaseError> {
        if self.parts.store.forget_reader(name).await? {
            return Ok(());
        }
        Err(UseCaseError::NotFound {
            code: "reader_not_found",
            message: format!("there is no reader of the events named {name:?}"),
            help: Some("list them: tasker events readers".into()),
        })
    }
}

fn check(name: &str) -> Result<(), Rejection> {
    let is_usable = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_usable) {
        return Ok(());
    }
    Err(Rejection::new("invalid_reader_name", format!("{name:?} cannot name a reader"))
        .help(format!("use 1 to {MAX_NAME} of A-Z a-z 0-9 _ . -")))
}
