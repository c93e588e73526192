//! Pages of tasks.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, params, params_from_iter};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::list::{
    Between, Column, Direction, Found, Group, KnownRevision, Leg, Line, Position, SortKey, TaskFilter,
    TaskPage, TaskRow, Walk, Way,
};

use crate::error::Trouble;
use crate::rows;
use crate::sql;
use crate::tasks::bytes;
use crate::threads::Reader;

/// A page of tasks.
pub(crate) fn page(reader: &mut Reader, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    reader.snapshot(|reader| {
        let connection = &reader.connection;
        let revisions = revisions(connection, filter)?;
        let total = if filter.count_all { Some(count(connection, filter, &revisions)?) } else { None };
        let mut walk = Walk::new(filter, revisions);
        while let Some(leg) = walk.leg() {
            let found = search(connection, filter, &leg)?;
            walk.note(found);
        }
        Ok(walk.page(total))
    })
}

/// The revisions of the definitions that a filter wants, if it needs them.
fn revisions(connection: &Connection, filter: &TaskFilter) -> Result<Vec<KnownRevision<i64>>, Trouble> {
    if !filter.needs_revisions() {
        return Ok(Vec::new());
    }
    let (namespace, name) = (filter.namespace.as_ref(), filter.name.as_ref());
    let mut known = revisions_of(connection, namespace, name, filter.version.as_ref())?;
    known.retain(|of| filter.wants_definition(&of.namespace, &of.name, &of.version));
    Ok(known)
}

/// The revisions of the definitions that are named so.
pub(crate) fn revisions_of(
    connection: &Connection,
    namespace: Option<&Namespace>,
    name: Option<&DefinitionName>,
    version: Option<&Version>,
) -> Result<Vec<KnownRevision<i64>>, Trouble> {
    let mut statement = connection.prepare_cached(sql::REVISION_MATCH)?;
    let params = params![
        namespace.map(Namespace::as_str),
        name.map(DefinitionName::as_str),
        version.map(ToString::to_string)
    ];
    let known = statement.query_map(params, |row| {
        Ok(KnownRevision {
            id: row.get(0)?,
            namespace: rows::name(row, 1)?,
            name: rows::name(row, 2)?,
            version: rows::name(row, 3)?,
        })
    })?;
    Ok(known.collect::<Result<_, _>>()?)
}

/// Reads the next ids of a group, and of those that pass the filter the rows.
fn search(connection: &Connection, filter: &TaskFilter, leg: &Leg<'_, i64>) -> Result<Found, Trouble> {
    let is_checked = filter.looks_at_tasks() || leg.group.checked().is_some();
    let mut values = is_checked.then(|| values(filter));
    let places = candidates(connection, leg)?;
    let at_end = places.len() < leg.chunk;
    let mut found = Found { rows: Vec::new(), looked_at: 0, last: None };
    for place in places {
        if found.rows.len() == leg.wanted {
            return Ok(found);
        }
        let passes = match &mut values {
            Some(values) => passes(connection, leg.group, values, place.id)?,
            None => true,
        };
        if passes {
            let mut statement = connection.prepare_cached(sql::LIST_ROW)?;
            found.rows.push(statement.query_row([bytes(&place.id)], list_row)?);
        }
        (found.looked_at, found.last) = (found.looked_at + 1, Some(place));
    }
    found.last = found.last.filter(|_| !at_end);
    Ok(found)
}

/// The next places of a group.
fn candidates(connection: &Connection, leg: &Leg<'_, i64>) -> Result<Vec<Position>, Trouble> {
    let limit = i64::try_from(leg.chunk).unwrap_or(i64::MAX);
    let after = bytes(&leg.after.id);
    let ids = match (&leg.group.way, &leg.group.kinds) {
        (Way::Along(line), _) => return along(connection, leg, line, limit),
        (Way::Merged, Some(kinds)) => {
            let sql = leg.direction.pick(sql::LIST_OLDEST_OF, sql::LIST_NEWEST_OF);
            let mut merged = Vec::new();
            for state in &kinds.states {
                for revision in &kinds.revisions {
                    merged.extend(ids(connection, sql, params![after, limit, state.code(), revision])?);
                }
            }
            merged.sort_unstable();
            if leg.direction == Direction::Desc {
                merged.reverse();
            }
            merged.truncate(leg.chunk);
            merged
        }
        (Way::Merged | Way::All, _) => {
            let sql = leg.direction.pick(sql::LIST_OLDEST, sql::LIST_NEWEST);
            ids(connection, sql, params![after, limit])?
        }
    };
    Ok(ids.into_iter().map(|id| Position { key: SortKey::Nothing, id }).collect())
}

fn ids(connection: &Connection, statement: &str, params: impl Params) -> Result<Vec<TaskId>, Trouble> {
    let mut statement = connection.prepare_cached(statement)?;
    Ok(statement.query_map(params, |row| rows::task_id(row, 0))?.collect::<Result<_, _>>()?)
}

/// The next places along an index.
fn along(
    connection: &Connection,
    leg: &Leg<'_, i64>,
    line: &Line,
    limit: i64,
) -> Result<Vec<Position>, Trouble> {
    let mut statement = connection.prepare_cached(statement(line.column, leg.direction))?;
    let (from, to) = (value(&leg.after.key), value(line.end(leg.direction)));
    let places = statement.query_map(params![from, bytes(&leg.after.id), to, limit], |row| {
        let key = if line.column.is_time() {
            SortKey::Time(rows::instant(row, 1)?)
        } else {
            SortKey::Text(row.get(1)?)
        };
        Ok(Position { key, id: rows::task_id(row, 0)? })
    })?;
    Ok(places.collect::<Result<_, _>>()?)
}

fn statement(column: Column, direction: Direction) -> &'static str {
    let (up, down) = match column {
        Column::RequestedAt => (sql::LIST_REQUESTED_UP, sql::LIST_REQUESTED_DOWN),
        Column::CreatedAt => (sql::LIST_CREATED_UP, sql::LIST_CREATED_DOWN),
        Column::Initiator => (sql::LIST_INITIATOR_UP, sql::LIST_INITIATOR_DOWN),
        Column::SourceSystem => (sql::LIST_SOURCE_UP, sql::LIST_SOURCE_DOWN),
        Column::CorrelationId => (sql::LIST_CORRELATION_UP, sql::LIST_CORRELATION_DOWN),
        Column::CreatedBy => (sql::LIST_CREATOR_UP, sql::LIST_CREATOR_DOWN),
    };
    direction.pick(up, down)
}

/// A value of a line.
fn value(key: &SortKey) -> Value {
    match key {
        SortKey::Time(at) => Value::from(at.as_micros()),
        SortKey::Text(text) => Value::from(text.clone()),
        _ => Value::Null,
    }
}

/// Whether a task passes. The first of the values becomes its id.
fn passes(
    connection: &Connection,
    group: &Group<i64>,
    values: &mut [Value],
    id: TaskId,
) -> Result<bool, Trouble> {
    values[0] = Value::Blob(bytes(&id).to_vec());
    let mut statement = connection.prepare_cached(sql::LIST_MATCHES)?;
    let kind = |row: &rusqlite::Row<'_>| Ok((rows::task_state(row, 0)?, row.get(1)?));
    let kind: Option<(TaskState, i64)> = statement.query_row(params_from_iter(&*values), kind).optional()?;
    Ok(kind.is_some_and(|(state, revision)| {
        group.checked().is_none_or(|of| of.states.contains(&state) && of.revisions.contains(&revision))
    }))
}

/// What the conditions on a task compare with, from parameter 1 on, which is not set.
fn values(filter: &TaskFilter) -> Vec<Value> {
    let text = |text: &Option<String>| Value::from(text.clone());
    let json = |list: serde_json::Value| Value::from(list.to_string());
    let mut values = vec![
        Value::Null,
        text(&filter.initiator),
        text(&filter.source_system),
        text(&filter.reason),
        text(&filter.correlation_id),
        Value::from(filter.priority.map(i64::from)),
        json(serde_json::json!(filter.tags)),
        json(serde_json::json!(filter.annotations)),
    ];
    for Between { from, before } in [filter.created, filter.requested, filter.updated, filter.ended] {
        values.extend([from, before].map(|at| Value::from(at.map(Timestamp::as_micros))));
    }
    values.push(Value::from(filter.context.as_ref().map(|context| context.as_str().to_owned())));
    values.push(Value::from(filter.own.as_ref().map(|own| own.created_by.clone())));
    values.push(json(serde_json::json!(filter.own.as_ref().map(|own| &own.everything_in))));
    values
}

/// How many tasks pass a filter.
fn count(
    connection: &Connection,
    filter: &TaskFilter,
    revisions: &[KnownRevision<i64>],
) -> Result<u64, Trouble> {
    if filter.looks_at_tasks() {
        return count_matching(connection, filter, revisions);
    }
    if filter.is_of_all() {
        let mut statement = connection.prepare_cached(sql::COUNT_ALL)?;
        return Ok(statement.query_row([], |row| rows::count(row, 0))?);
    }
    let mut total = 0;
    let mut statement = connection.prepare_cached(sql::COUNT_KIND)?;
    for state in filter.wanted_states() {
        for revision in revisions {
            total += statement.query_row(params![state.code(), revision.id], |row| rows::count(row, 0))?;
        }
    }
    Ok(total)
}

/// How many tasks pass a filter that looks at each of them.
fn count_matching(
    connection: &Connection,
    filter: &TaskFilter,
    revisions: &[KnownRevision<i64>],
) -> Result<u64, Trouble> {
    let mut values = values(filter);
    if filter.is_of_all() {
        values.push(Value::Null);
    } else {
        let states: Vec<u8> = filter.wanted_states().into_iter().map(TaskState::code).collect();
        let revisions: Vec<i64> = revisions.iter().map(|of| of.id).collect();
        values[0] = Value::from(serde_json::json!(states).to_string());
        values.push(Value::from(serde_json::json!(revisions).to_string()));
    }
    let mut statement = connection.prepare_cached(sql::COUNT_MATCHING)?;
    Ok(statement.query_row(params_from_iter(values), |row| rows::count(row, 0))?)
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
        requested_at: rows::instant(row, 12)?,
        created_at: rows::instant(row, 13)?,
        updated_at: rows::instant(row, 14)?,
        completed_at: rows::maybe_instant(row, 15)?,
    })
}
