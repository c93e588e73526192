//! A claim with everything that its handler needs.

use std::sync::Arc;

use rusqlite::OptionalExtension;
use tasker_core::decide::{StepChange, TaskChange};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::Claim;
use tasker_core::time::Timestamp;
use tasker_store::write::{MAX_INPUT_BYTES, Results, Work};

use crate::caches::Revision;
use crate::error::Trouble;
use crate::rows::step_key;
use crate::save::Decided;
use crate::sql;
use crate::writer::Writing;

/// The work of all claims. The decisions have been written.
pub(crate) fn of_all(writing: &mut Writing<'_>, all: &[Decided]) -> Result<Vec<Work>, Trouble> {
    let mut work = Vec::new();
    for decided in all {
        for claim in &decided.change.claims {
            work.push(of_decided(writing, decided, claim)?);
        }
    }
    Ok(work)
}

fn of_decided(writing: &mut Writing<'_>, decided: &Decided, claim: &Claim) -> Result<Work, Trouble> {
    let claimed = Claimed {
        seq: decided.task.seq,
        id: decided.task.id,
        created_at: decided.task.created_at,
        revision: &decided.revision,
        has_inputs: decided.with_inputs.contains(&claim.ordinal)
            || step_of(&decided.change, claim.ordinal).is_some_and(|step| step.inputs.is_some()),
    };
    claimed.work(writing, claim.clone(), Some(&decided.change))
}

fn step_of(change: &TaskChange, ordinal: Ordinal) -> Option<&StepChange> {
    let at = change.steps.binary_search_by_key(&ordinal, |step| step.record.ordinal).ok()?;
    change.steps.get(at)
}

/// The task of a claim.
pub(crate) struct Claimed<'a> {
    pub(crate) seq: i64,
    pub(crate) id: TaskId,
    pub(crate) created_at: Timestamp,
    pub(crate) revision: &'a Arc<Revision>,
    /// Whether the step may have inputs of its own.
    pub(crate) has_inputs: bool,
}

impl Claimed<'_> {
    /// Reads what is not in `fresh`, the change of the same transaction.
    pub(crate) fn work(
        &self,
        writing: &mut Writing<'_>,
        claim: Claim,
        fresh: Option<&TaskChange>,
    ) -> Result<Work, Trouble> {
        let context = writing.contexts.get(writing.connection, self.seq, self.id, self.created_at)?;
        let inputs =
            if self.has_inputs { self.stored(writing, sql::STEP_INPUTS, claim.ordinal)? } else { None };
        let results = self.results(writing, claim.ordinal, fresh)?;
        Ok(Work {
            claim,
            plan: self.revision.plan.clone(),
            context: context.context,
            correlation_id: context.correlation_id,
            inputs,
            results,
        })
    }

    fn results(
        &self,
        writing: &Writing<'_>,
        step: Ordinal,
        fresh: Option<&TaskChange>,
    ) -> Result<Results, Trouble> {
        let reads = &self.revision.plan.reads[step.index()];
        let mut results = Vec::with_capacity(reads.len());
        let mut bytes = 0;
        for &read in reads {
            let known = fresh.and_then(|change| step_of(change, read)).and_then(|step| step.results.clone());
            let result = match known {
                Some(result) => Some(result),
                None => self.stored(writing, sql::STEP_RESULTS, read)?,
            };
            bytes += result.as_ref().map_or(0, Payload::len);
            if bytes > MAX_INPUT_BYTES {
                return Ok(Results::TooLarge);
            }
            results.push((read, result));
        }
        Ok(Results::Loaded(results))
    }

    fn stored(
        &self,
        writing: &Writing<'_>,
        statement: &str,
        step: Ordinal,
    ) -> Result<Option<Payload>, Trouble> {
        let mut statement = writing.connection.prepare_cached(statement)?;
        let row = statement.query_row([step_key(self.seq, step)], |row| crate::rows::maybe_payload(row, 0));
        Ok(row.optional()?.flatten())
    }
}
