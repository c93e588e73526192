//! Tests of the decisions: the table of `engine.md` 2 row by row, the acceptance scenarios, and laws that hold for
//! random tasks.

mod attempts;
mod laws;
mod operators;
mod scenarios;
mod table;
mod table_operators;
mod turns;
mod versions;

use crate::decide::{Answer, TaskChange};
use crate::driver::Driver;

/// Counters and steps, then the log entries after `seq`.
fn story(driver: &Driver, seq: u64) -> String {
    format!("{}\n---\n{}", driver.picture(), driver.log_after(seq))
}

/// Nothing is to be written.
fn is_nothing(change: &TaskChange) -> bool {
    let TaskChange { task, steps, queue, log, claims, annotations, edit } = change;
    task.is_none()
        && steps.is_empty()
        && queue.is_empty()
        && log.is_empty()
        && claims.is_empty()
        && annotations.is_empty()
        && edit.is_none()
}

/// The code of a refusal, which must have written nothing.
fn refused(driver: &Driver, answer: Answer) -> &'static str {
    assert!(is_nothing(&driver.change), "{:#?}", driver.change);
    match answer {
        Answer::Refused(rejection) => rejection.code,
        other => panic!("{other:?} is no refusal"),
    }
}
