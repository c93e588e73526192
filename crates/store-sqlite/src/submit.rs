//! Accepting tasks.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::decide::{self, ClaimBudget, NewTask, Rejection, Rules, Submission};
use tasker_core::ids::{Digest, TaskId};
use tasker_core::record::{TaskInput, TaskRecord};
use tasker_core::time::Timestamp;
use tasker_store::write::{SubmitAnswer, SubmitBatch, Submitted};

use crate::apply::logged;
use crate::caches::Context;
use crate::definitions::{Standing, standing};
use crate::error::Trouble;
use crate::recent::KnownTask;
use crate::rows::{self, StoredTask};
use crate::save::{self, Decided, json_text};
use crate::sql;
use crate::work;
use crate::writer::Writing;

/// Decides and writes a batch.
pub(crate) fn submit(writing: &mut Writing<'_>, batch: &SubmitBatch) -> Result<Submitted, Trouble> {
    let mut run = Run { rules: &batch.rules, budget: batch.budget.clone(), standings: HashMap::new() };
    let mut new = Vec::new();
    let mut answers = Vec::with_capacity(batch.submissions.len());
    for submission in &batch.submissions {
        answers.push(run.one(writing, submission, &mut new)?);
    }
    if batch.is_withheld(&answers) {
        return Err(Trouble::Withheld(answers));
    }
    save::new_tasks(writing.connection, &new)?;
    let work = work::of_all(writing, &new)?;
    Ok(Submitted { answers, work, logged: logged(&new), now: writing.now })
}

/// One batch under way. The task rows are inserted one by one, so that each submission sees those before it; the rest
/// follows together.
struct Run<'a> {
    rules: &'a Rules,
    budget: Option<ClaimBudget>,
    /// What was found out about definitions in this transaction.
    standings: HashMap<(Digest, bool), Standing>,
}

impl Run<'_> {
    fn one(
        &mut self,
        writing: &mut Writing<'_>,
        submission: &Submission,
        new: &mut Vec<Decided>,
    ) -> Result<SubmitAnswer, Trouble> {
        if let Some(content) = stored_content(writing.connection, submission.id)? {
            let same = content == submission.content;
            return Ok(if same { SubmitAnswer::AlreadyAccepted } else { SubmitAnswer::IdConflict });
        }
        let revision = match self.standing(writing, submission)? {
            Standing::Current(revision) => revision,
            Standing::NotLatest => return Ok(SubmitAnswer::NotLatest),
            Standing::Retired => {
                let what = "is retired: it takes no new tasks";
                return Ok(refused(submission, "definition_retired", what, "use another version"));
            }
            Standing::Unknown => {
                let help = "register it first: tasker definition register FILE";
                return Ok(refused(submission, "not_found", "is not registered", help));
            }
        };
        // A submission that is refused after it was decided must not keep slots.
        let mut budget = self.budget.clone();
        let decided = decide::submit(submission, self.rules, writing.now, budget.as_mut());
        let NewTask { input, change } = match decided {
            Ok(task) => task,
            Err(message) => {
                let message = format!("task {} has no identity: {message}", submission.id);
                return Ok(SubmitAnswer::Refused(Rejection::new("identity_failed", message)));
            }
        };
        if let Some(of) = duplicate_of(writing.connection, &input)? {
            return Ok(SubmitAnswer::Duplicate { of });
        }
        self.budget = budget;
        let record = change.task.clone().expect("a new task always has its row");
        let state = record.state;
        let task = insert(writing.connection, revision.id, &record, &input)?;
        if !change.claims.is_empty() {
            let context = Context { context: input.context, correlation_id: input.correlation_id };
            writing.contexts.keep(task.id, task.created_at, context);
            writing.recent.keep(KnownTask::created(task.clone(), &change));
        }
        new.push(Decided { task, revision, change, with_inputs: Default::default() });
        Ok(SubmitAnswer::Accepted { state })
    }

    fn standing(&mut self, writing: &Writing<'_>, submission: &Submission) -> Result<Standing, Trouble> {
        let key = (submission.plan.digest, submission.latest);
        if let Some(standing) = self.standings.get(&key) {
            return Ok(standing.clone());
        }
        let found = standing(writing.connection, writing.revisions, &submission.plan, submission.latest)?;
        self.standings.insert(key, found.clone());
        Ok(found)
    }
}

fn stored_content(connection: &Connection, id: TaskId) -> Result<Option<Digest>, Trouble> {
    let mut statement = connection.prepare_cached(sql::TASK_REPEAT)?;
    let id = id.0.as_bytes().as_slice();
    Ok(statement.query_row([id], |row| row.get(0).map(Digest)).optional()?)
}

fn duplicate_of(connection: &Connection, input: &TaskInput) -> Result<Option<TaskId>, Trouble> {
    let Some(hash) = &input.identity else { return Ok(None) };
    let mut statement = connection.prepare_cached(sql::IDENTITY_SELECT)?;
    Ok(statement.query_row([hash], |row| rows::task_id(row, 0)).optional()?)
}

fn insert(
    connection: &Connection,
    revision_id: i64,
    task: &TaskRecord,
    input: &TaskInput,
) -> Result<StoredTask, Trouble> {
    let mut statement = connection.prepare_cached(sql::TASK_INSERT)?;
    let seq = statement.insert(params![
        task.id.0.as_bytes().as_slice(),
        revision_id,
        task.state.code(),
        task.active,
        task.remaining,
        task.priority.get(),
        task.log_seq as i64,
        task.created_at.as_micros(),
        task.updated_at.as_micros(),
        task.ended_at.map(Timestamp::as_micros)
    ])?;
    insert_input(connection, seq, task.id, input)?;
    if let Some(hash) = &input.identity {
        connection.prepare_cached(sql::IDENTITY_INSERT)?.execute(params![hash, seq])?;
    }
    Ok(StoredTask::new(seq, revision_id, task))
}

fn insert_input(connection: &Connection, seq: i64, id: TaskId, input: &TaskInput) -> Result<(), Trouble> {
    connection.prepare_cached(sql::INPUT_INSERT)?.execute(params![
        seq,
        input.initiator,
        input.source_system,
        input.reason,
        json_text(&input.tags),
        json_text(&input.bypass_steps),
        input.requested_at.as_micros(),
        input.correlation_id,
        input.identity,
        input.content.0.as_slice(),
        input.context.as_str(),
        id.0.as_bytes().as_slice(),
        input.created_by
    ])?;
    Ok(())
}

fn refused(submission: &Submission, code: &'static str, what: &str, help: &str) -> SubmitAnswer {
    let message = format!("definition {} {what}", submission.plan.definition.full_name());
    SubmitAnswer::Refused(Rejection::new(code, message).help(help))
}
