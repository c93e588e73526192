//! Looking for broken invariants: those of `core` task by task, and what other databases leave to foreign keys.

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use tasker_core::audit::Code;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::integrity::{CheckPart, CheckPosition, CheckScope, Checked, Finding};
use uuid::Uuid;

use crate::error::Trouble;
use crate::rows::{key_range, split_key};
use crate::sql;
use crate::threads::Reader;
use crate::whole::Whole;

/// What belongs to no task: its code, the statement that finds it, and what it is.
pub(crate) const ORPHANS: &[(Code, &str, &str)] = &[
    (Code::OrphanStep, sql::CHECK_ORPHAN_STEPS, "step"),
    (Code::OrphanQueueRow, sql::CHECK_ORPHAN_QUEUE, "queue"),
    (Code::OrphanLogEntry, sql::CHECK_ORPHAN_LOG, "transition"),
    (Code::OrphanInput, sql::CHECK_ORPHAN_INPUTS, "task_input"),
];

/// Looks at a part of the tasks; before the first of all at the file itself.
pub(crate) fn check_part(reader: &mut Reader, part: &CheckPart, now: Timestamp) -> Result<Checked, Trouble> {
    let mut findings = Findings { found: Vec::new(), limit: part.findings };
    if part.scope == CheckScope::All && part.after.is_none() {
        reader.snapshot(|reader| file(&reader.connection, &mut findings))?;
        reader.snapshot(|reader| orphans(&reader.connection, &mut findings))?;
        let next = Some(CheckPosition([0; 3]));
        return Ok(Checked { tasks: 0, findings: findings.found, next });
    }
    reader.snapshot(|reader| {
        let tasks = places(&reader.connection, part, now)?;
        for task in &tasks {
            look(reader, task, &mut findings)?;
        }
        let is_last = matches!(part.scope, CheckScope::These(_)) || tasks.len() < part.tasks;
        let next = tasks.last().filter(|_| !is_last).map(|task| task.position(&part.scope));
        Ok(Checked { tasks: tasks.len() as u64, findings: findings.found, next })
    })
}

struct Findings {
    found: Vec<Finding>,
    limit: usize,
}

impl Findings {
    fn left(&self) -> usize {
        self.limit - self.found.len()
    }

    fn add(&mut self, finding: Finding) {
        if self.left() > 0 {
            self.found.push(finding);
        }
    }
}

/// What SQLite itself finds.
fn file(connection: &Connection, findings: &mut Findings) -> Result<(), Trouble> {
    let mut lines = Vec::new();
    connection.pragma_query(None, "integrity_check", |row| {
        lines.push(row.get::<_, String>(0)?);
        Ok(())
    })?;
    for line in lines.into_iter().filter(|line| line != "ok") {
        let message = format!("SQLite's integrity check says: {line}");
        findings.add(Finding::new(Code::FileDamaged, None, None, message));
    }
    Ok(())
}

fn orphans(connection: &Connection, findings: &mut Findings) -> Result<(), Trouble> {
    for (code, statement, table) in ORPHANS {
        let mut statement = connection.prepare_cached(statement)?;
        for key in statement.query_map([findings.left() as i64], |row| row.get::<_, i64>(0))? {
            let message = format!("row {} of table {table} belongs to no task", key?);
            findings.add(Finding::new(*code, None, None, message));
        }
    }
    Ok(())
}

/// A task that is looked at, and its place in the order of each scope. None of it is believed.
struct Place {
    seq: i64,
    id: Vec<u8>,
    state: i64,
    revision_id: i64,
    ended_at: Option<i64>,
}

fn places(connection: &Connection, part: &CheckPart, now: Timestamp) -> Result<Vec<Place>, Trouble> {
    let [first, second, third] = part.after.unwrap_or(CheckPosition([0; 3])).0;
    let number = |number: u128| i64::try_from(number).unwrap_or(i64::MAX);
    let limit = i64::try_from(part.tasks).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(match part.scope {
        CheckScope::All => sql::CHECK_ALL,
        CheckScope::Open => sql::CHECK_OPEN,
        CheckScope::EndedWithin(_) => sql::CHECK_ENDED,
        CheckScope::These(_) => sql::CHECK_ONE,
    })?;
    let rows = match &part.scope {
        CheckScope::These(ids) => return these(statement, ids),
        CheckScope::All => statement.query_map([number(first), limit], place)?,
        CheckScope::Open => {
            let id = Uuid::from_u128(third);
            let after = params![number(first), number(second), id.as_bytes().as_slice(), limit];
            statement.query_map(after, place)?
        }
        CheckScope::EndedWithin(span) => {
            let begin = (now.minus(*span).as_micros(), i64::MAX);
            let after = part.after.map_or(begin, |_| (number(first), number(second)));
            statement.query_map([after.0, after.1, limit], place)?
        }
    };
    Ok(rows.collect::<Result<_, _>>()?)
}

fn these(mut statement: CachedStatement<'_>, ids: &[TaskId]) -> Result<Vec<Place>, Trouble> {
    let mut places = Vec::with_capacity(ids.len());
    for id in ids {
        places.extend(statement.query_row([id.0.as_bytes().as_slice()], place).optional()?);
    }
    Ok(places)
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        seq: row.get(0)?,
        id: row.get(1)?,
        state: row.get(2)?,
        revision_id: row.get(3)?,
        ended_at: row.get(4)?,
    })
}

impl Place {
    fn position(&self, scope: &CheckScope) -> CheckPosition {
        let number = |number: i64| u128::try_from(number).unwrap_or(0);
        let id = self.task_id().map_or(0, |id| id.0.as_u128());
        CheckPosition(match scope {
            CheckScope::Open => [number(self.state), number(self.revision_id), id],
            CheckScope::EndedWithin(_) => [number(self.ended_at.unwrap_or(0)), number(self.seq), 0],
            CheckScope::All | CheckScope::These(_) => [number(self.seq), 0, 0],
        })
    }

    fn task_id(&self) -> Option<TaskId> {
        Uuid::from_slice(&self.id).ok().map(TaskId)
    }
}

fn look(reader: &Reader, place: &Place, findings: &mut Findings) -> Result<(), Trouble> {
    let id = place.task_id();
    let connection = &reader.connection;
    let mut parts = connection.prepare_cached(sql::CHECK_PARTS)?;
    let (has_input, has_revision): (bool, bool) =
        parts.query_row([place.seq, place.revision_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !has_input {
        findings.add(Finding::new(Code::InputMissing, id, None, "the task has no request"));
    }
    if !has_revision {
        let message = format!("definition revision {} is missing", place.revision_id);
        findings.add(Finding::new(Code::RevisionMissing, id, None, message));
        return Ok(());
    }
    match Whole::read(connection, &reader.revisions, place.seq) {
        Ok(whole) => {
            let found = whole.rows.stored(&whole.revision.plan, &BTreeSet::new()).findings();
            found.into_iter().for_each(|finding| findings.add(Finding::of_task(whole.task.id, finding)));
        }
        Err(trouble) if trouble.is_about_data() => unreadable(reader, place, &trouble, findings)?,
        Err(trouble) => return Err(trouble),
    }
    Ok(())
}

/// Why a task cannot be read: states that do not exist, else whatever the trouble says.
fn unreadable(
    reader: &Reader,
    place: &Place,
    trouble: &Trouble,
    findings: &mut Findings,
) -> Result<(), Trouble> {
    let (first, last) = key_range(place.seq);
    let mut statement = reader.connection.prepare_cached(sql::CHECK_STATES)?;
    let rows = statement.query_map([place.seq, first, last], |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
    })?;
    let unknown = rows.collect::<Result<Vec<_>, _>>()?;
    let plan = reader.revisions.get(&reader.connection, place.revision_id).ok().map(|r| r.plan.clone());
    for (key, state) in &unknown {
        let step = key.map(|key| split_key(key).1);
        let name = step.and_then(|step| plan.as_ref()?.definition.steps.get(step.index()));
        let what = if step.is_some() { "step" } else { "task" };
        let message = format!("{state} is no state of a {what}");
        let name = name.map(|step| step.name.to_string());
        findings.add(Finding::new(Code::StateUnknown, place.task_id(), name, message));
    }
    if unknown.is_empty() {
        findings.add(Finding::new(Code::TaskUnreadable, place.task_id(), None, trouble.to_string()));
    }
    Ok(())
}
