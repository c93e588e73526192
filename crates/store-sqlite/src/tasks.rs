//! Reading tasks: one, its steps, and pages of many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::{Annotation, StepDetail, TaskInput};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::read::{QueueDepth, TaskDetail, TaskFilter, TaskPage, TaskRow};
use uuid::Uuid;

use crate::error::Trouble;
use crate::load;
use crate::rows::{self, key_range};
use crate::sql;
use crate::threads::Reader;

/// Ids read at once from one list of the index.
const CHUNK: usize = 128;

/// One task without its steps.
pub(crate) fn task(reader: &mut Reader, id: TaskId) -> Result<Option<TaskDetail>, Trouble> {
    reader.snapshot(|reader| {
        let Some(stored) = load::task(&reader.connection, id)? else { return Ok(None) };
        let revision = reader.revisions.get(&reader.connection, stored.revision_id)?;
        Ok(Some(TaskDetail {
            record: stored.record(revision.plan.digest),
            input: input(&reader.connection, stored.seq)?,
            plan: revision.plan.clone(),
            annotations: annotations(&reader.connection, stored.seq)?,
        }))
    })
}

/// The steps of a task, in document order.
pub(crate) fn steps(reader: &mut Reader, id: TaskId) -> Result<Vec<StepDetail>, Trouble> {
    reader.snapshot(|reader| match load::task(&reader.connection, id)? {
        Some(stored) => steps_of(&reader.connection, stored.seq),
        None => Ok(Vec::new()),
    })
}

/// The steps of a task, by its number in this file.
pub(crate) fn steps_of(connection: &Connection, seq: i64) -> Result<Vec<StepDetail>, Trouble> {
    let mut statement = connection.prepare_cached(sql::STEP_DETAILS)?;
    let (first, last) = key_range(seq);
    Ok(statement.query_map([first, last], rows::step_detail)?.collect::<Result<_, _>>()?)
}

/// The result of a step that is done.
pub(crate) fn result(reader: &Reader, id: TaskId, step: Ordinal) -> Result<Option<Payload>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::STEP_RESULT_DONE)?;
    let row = statement.query_row(params![bytes(&id), step.0], |row| rows::maybe_payload(row, 0));
    Ok(row.optional()?.flatten())
}

/// The state of a task.
pub(crate) fn state(reader: &Reader, id: TaskId) -> Result<Option<TaskState>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::TASK_STATE)?;
    Ok(statement.query_row([bytes(&id)], |row| rows::task_state(row, 0)).optional()?)
}

/// What is scheduled and running, per handler.
pub(crate) fn queue(reader: &Reader, now: Timestamp) -> Result<Vec<QueueDepth>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::QUEUE_DEPTHS)?;
    let rows = statement.query_map([now.as_micros()], |row| {
        Ok(QueueDepth {
            handler: rows::name(row, 0)?,
            due: rows::count(row, 1)?,
            later: rows::count(row, 2)?,
            running: rows::count(row, 3)?,
            next_due_at: rows::maybe_instant(row, 4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A page of tasks, newest first.
pub(crate) fn list(reader: &mut Reader, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    reader.snapshot(|reader| {
        let connection = &reader.connection;
        let sources = sources(connection, filter)?;
        let found = search(connection, filter, &sources, filter.after, filter.limit.saturating_add(1))?;
        let has_more = found.len() > filter.limit;
        let mut tasks = Vec::with_capacity(found.len());
        for id in found.into_iter().take(filter.limit) {
            tasks.push(connection.prepare_cached(sql::LIST_ROW)?.query_row([bytes(&id)], list_row)?);
        }
        let total = if filter.count_all { Some(count(connection, filter, &sources)?) } else { None };
        Ok(TaskPage { tasks, has_more, total })
    })
}

/// A list of ids in one index.
enum Source {
    All,
    Kind { state: TaskState, revision_id: i64 },
}

/// The lists that together hold all tasks of a filter's states and definitions.
fn sources(connection: &Connection, filter: &TaskFilter) -> Result<Vec<Source>, Trouble> {
    let any_definition = filter.namespace.is_none() && filter.name.is_none() && filter.version.is_none();
    if any_definition && filter.states.is_empty() {
        return Ok(vec![Source::All]);
    }
    let mut statement = connection.prepare_cached(sql::REVISION_MATCH)?;
    let params = params![
        filter.namespace.as_ref().map(|namespace| namespace.as_str()),
        filter.name.as_ref().map(|name| name.as_str()),
        filter.version.as_ref().map(ToString::to_string)
    ];
    let revisions = statement.query_map(params, |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    let mut states = if filter.states.is_empty() { TaskState::ALL.to_vec() } else { filter.states.clone() };
    states.sort();
    states.dedup();
    let of_revision = |&revision_id: &i64| {
        states.iter().map(move |&state| Source::Kind { state, revision_id }).collect::<Vec<_>>()
    };
    Ok(revisions.iter().flat_map(of_revision).collect())
}

/// The newest ids of all sources, merged, that pass the filters which no index helps.
fn search(
    connection: &Connection,
    filter: &TaskFilter,
    sources: &[Source],
    after: Option<TaskId>,
    limit: usize,
) -> Result<Vec<TaskId>, Trouble> {
    let chunk = if needs_match(filter) { limit.max(CHUNK) } else { limit };
    let before = after.map_or_else(Vec::new, |id| bytes(&id).to_vec());
    let mut lists: Vec<List<'_>> = sources.iter().map(|source| List::new(source, &before, chunk)).collect();
    let mut heads = BinaryHeap::new();
    for (at, list) in lists.iter_mut().enumerate() {
        heads.extend(list.next(connection)?.map(|id| (id, Reverse(at))));
    }
    let mut found = Vec::new();
    while found.len() < limit
        && let Some((id, Reverse(at))) = heads.pop()
    {
        heads.extend(lists[at].next(connection)?.map(|id| (id, Reverse(at))));
        if !needs_match(filter) || matches(connection, filter, id)? {
            found.push(id);
        }
    }
    Ok(found)
}

/// A source that is read chunk by chunk.
struct List<'a> {
    source: &'a Source,
    read: std::vec::IntoIter<TaskId>,
    /// The last id that was read; empty before the first.
    last: Vec<u8>,
    chunk: usize,
    at_end: bool,
}

impl<'a> List<'a> {
    fn new(source: &'a Source, before: &[u8], chunk: usize) -> Self {
        Self { source, read: Vec::new().into_iter(), last: before.to_vec(), chunk, at_end: false }
    }

    fn next(&mut self, connection: &Connection) -> Result<Option<TaskId>, Trouble> {
        if let Some(id) = self.read.next() {
            return Ok(Some(id));
        }
        if self.at_end {
            return Ok(None);
        }
        let ids = self.read_on(connection)?;
        self.at_end = ids.len() < self.chunk;
        if let Some(last) = ids.last() {
            self.last = bytes(last).to_vec();
        }
        self.read = ids.into_iter();
        Ok(self.read.next())
    }

    fn read_on(&self, connection: &Connection) -> Result<Vec<TaskId>, Trouble> {
        // Longer than any id that begins with the same bytes: stands after all of them.
        let before = if self.last.is_empty() { [0xff; 17].as_slice() } else { self.last.as_slice() };
        let limit = i64::try_from(self.chunk).unwrap_or(i64::MAX);
        let read = |row: &rusqlite::Row<'_>| rows::task_id(row, 0);
        match *self.source {
            Source::All => {
                let mut statement = connection.prepare_cached(sql::LIST_ALL)?;
                Ok(statement.query_map(params![before, limit], read)?.collect::<Result<_, _>>()?)
            }
            Source::Kind { state, revision_id } => {
                let mut statement = connection.prepare_cached(sql::LIST_KIND)?;
                let params = params![state.code(), revision_id, before, limit];
                Ok(statement.query_map(params, read)?.collect::<Result<_, _>>()?)
            }
        }
    }
}

fn needs_match(filter: &TaskFilter) -> bool {
    filter.tag.is_some() || filter.annotation.is_some() || filter.created_after.is_some()
}

fn matches(connection: &Connection, filter: &TaskFilter, id: TaskId) -> Result<bool, Trouble> {
    let (kind, key, value) = match &filter.annotation {
        Some((kind, key, value)) => (Some(kind), Some(key), Some(value)),
        None => (None, None, None),
    };
    let created_after = filter.created_after.map(Timestamp::as_micros);
    let mut statement = connection.prepare_cached(sql::LIST_MATCHES)?;
    let params = params![bytes(&id), created_after, filter.tag, kind, key, value];
    Ok(statement.query_row(params, |row| row.get(0))?)
}

fn count(connection: &Connection, filter: &TaskFilter, sources: &[Source]) -> Result<u64, Trouble> {
    if needs_match(filter) {
        return Ok(search(connection, filter, sources, None, usize::MAX)?.len() as u64);
    }
    let mut total = 0;
    for source in sources {
        total += match *source {
            Source::All => {
                connection.prepare_cached(sql::COUNT_ALL)?.query_row([], |row| rows::count(row, 0))?
            }
            Source::Kind { state, revision_id } => connection
                .prepare_cached(sql::COUNT_KIND)?
                .query_row(params![state.code(), revision_id], |row| rows::count(row, 0))?,
        };
    }
    Ok(total)
}

fn list_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        task_id: rows::task_id(row, 0)?,
        namespace: rows::name(row, 1)?,
        name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        status: rows::task_state(row, 4)?,
        total_steps: row.get(5)?,
        remaining_steps: row.get(6)?,
        priority: row.get(7)?,
        initiator: row.get(8)?,
        source_system: row.get(9)?,
        reason: row.get(10)?,
        tags: rows::json(row, 11)?,
        created_at: rows::instant(row, 12)?,
        updated_at: rows::instant(row, 13)?,
        completed_at: rows::maybe_instant(row, 14)?,
    })
}

fn input(connection: &Connection, seq: i64) -> Result<TaskInput, Trouble> {
    let mut statement = connection.prepare_cached(sql::INPUT_SELECT)?;
    let input = statement.query_row([seq], |row| {
        Ok(TaskInput {
            initiator: row.get(0)?,
            source_system: row.get(1)?,
            reason: row.get(2)?,
            tags: rows::json(row, 3)?,
            bypass_steps: rows::json(row, 4)?,
            requested_at: rows::instant(row, 5)?,
            correlation_id: row.get(6)?,
            identity: row.get(7)?,
            content: tasker_core::ids::Digest(row.get(8)?),
            context: rows::payload(row, 9)?,
        })
    });
    input.optional()?.ok_or_else(|| Trouble::Corrupt("the input of a task is missing".into()))
}

fn annotations(connection: &Connection, seq: i64) -> Result<Vec<Annotation>, Trouble> {
    let mut statement = connection.prepare_cached(sql::ANNOTATIONS_OF_TASK)?;
    let rows = statement
        .query_map([seq], |row| Ok(Annotation { kind: row.get(0)?, value: rows::payload(row, 1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn bytes(id: &TaskId) -> &[u8] {
    Uuid::as_bytes(&id.0)
}
