//! Looking for broken invariants: those of `core` task by task, and what other databases leave to foreign keys.

use rusqlite::Connection;
use tasker_core::audit::audit;
use tasker_core::ids::TaskId;
use tasker_core::record::Transition;
use tasker_store::read::{Cursor, Finding, LogQuery};

use crate::error::Trouble;
use crate::log;
use crate::rows::{self, StoredTask, split_key};
use crate::sql;
use crate::tasks;
use crate::threads::Reader;

/// Tasks looked at in one read transaction.
const PAGE: i64 = 100;

/// Everything that is wrong, as far as `limit` goes.
pub(crate) fn check(reader: &mut Reader, limit: usize) -> Result<Vec<Finding>, Trouble> {
    let mut findings = Findings { found: Vec::new(), limit };
    reader.snapshot(|reader| file(&reader.connection, &mut findings))?;
    reader.snapshot(|reader| strays(&reader.connection, &mut findings))?;
    let mut after = 0;
    while findings.left() > 0 {
        let Some(last) = reader.snapshot(|reader| page(reader, after, &mut findings))? else { break };
        after = last;
    }
    Ok(findings.found)
}

struct Findings {
    found: Vec<Finding>,
    limit: usize,
}

impl Findings {
    fn left(&self) -> usize {
        self.limit - self.found.len()
    }

    fn add(&mut self, code: &'static str, task_id: Option<TaskId>, step: Option<String>, message: String) {
        if self.left() > 0 {
            self.found.push(Finding { code, task_id, step, message });
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
        findings.add("file_damaged", None, None, format!("SQLite's integrity check says: {line}"));
    }
    Ok(())
}

/// Rows that hang on something that is not there.
fn strays(connection: &Connection, findings: &mut Findings) -> Result<(), Trouble> {
    for (code, statement, what) in [
        ("task_without_input", sql::CHECK_WITHOUT_INPUT, "the task has no row in task_input"),
        ("task_without_definition", sql::CHECK_WITHOUT_REVISION, "the task's definition revision is missing"),
    ] {
        let mut statement = connection.prepare_cached(statement)?;
        let rows = statement.query_map([findings.left() as i64], |row| rows::task_id(row, 0))?;
        for id in rows {
            findings.add(code, Some(id?), None, what.to_owned());
        }
    }
    for (code, statement, what) in [
        ("step_without_task", sql::CHECK_ORPHAN_STEPS, "step"),
        ("queue_row_without_step", sql::CHECK_ORPHAN_QUEUE, "queue"),
        ("log_without_task", sql::CHECK_ORPHAN_LOG, "transition"),
        ("input_without_task", sql::CHECK_ORPHAN_INPUTS, "task_input"),
    ] {
        let mut statement = connection.prepare_cached(statement)?;
        for key in statement.query_map([findings.left() as i64], |row| row.get::<_, i64>(0))? {
            findings.add(code, None, None, format!("row {} of table {what} hangs on nothing", key?));
        }
    }
    let mut statement = connection.prepare_cached(sql::CHECK_HANDLERS)?;
    let rows = statement
        .query_map([findings.left() as i64], |row| Ok((row.get::<_, i64>(0)?, rows::task_id(row, 1)?)))?;
    for row in rows {
        let (key, task) = row?;
        let message = "the queue row names another handler than the step's definition".to_owned();
        findings.add("queue_handler", Some(task), Some(split_key(key).1.to_string()), message);
    }
    Ok(())
}

/// Looks at the tasks after a number; the number of the last one, or `None` if there were none.
fn page(reader: &Reader, after: i64, findings: &mut Findings) -> Result<Option<i64>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::TASK_PAGE)?;
    let rows = statement.query_map([after, PAGE], rows::task)?;
    let mut last = None;
    for task in rows {
        let task = task?;
        last = Some(task.seq);
        match one(reader, &task, findings) {
            Err(trouble) if trouble.is_about_data() => {
                findings.add("task_unreadable", Some(task.id), None, trouble.to_string());
            }
            other => other?,
        }
    }
    Ok(last)
}

fn one(reader: &Reader, task: &StoredTask, findings: &mut Findings) -> Result<(), Trouble> {
    let revision = reader.revisions.get(&reader.connection, task.revision_id)?;
    let steps = tasks::steps_of(&reader.connection, task.seq)?;
    let query = LogQuery { task: Some(task.id), after: Cursor::START, limit: usize::MAX };
    let log: Vec<Transition> =
        log::entries(reader, &query)?.into_iter().map(|entry| entry.transition).collect();
    let record = task.record(revision.plan.digest);
    for finding in audit(&revision.plan, &record, &steps, &log) {
        let step = finding.step.map(|name| name.to_string());
        findings.add(finding.code, Some(task.id), step, finding.message);
    }
    Ok(())
}
