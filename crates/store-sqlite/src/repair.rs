//! Mending what `core` says can be mended: a task under the write lock, or rows that belong to no task.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use tasker_core::audit::Code;
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::repair::{Repair, repair};
use tasker_core::time::Timestamp;
use tasker_store::integrity::{MOST_ORPHANS, Repaired};

use crate::caches::Revisions;
use crate::check::ORPHANS;
use crate::error::Trouble;
use crate::rows::step_key;
use crate::save::{self, Decided};
use crate::sql;
use crate::threads::Reader;
use crate::whole::Whole;
use crate::writer::{Writer, Writing};

/// Says what would be mended.
pub(crate) fn dry_run(
    reader: &mut Reader,
    task: Option<TaskId>,
    now: Timestamp,
) -> Result<Repaired, Trouble> {
    reader.snapshot(|reader| Ok(Planned::of(&reader.connection, &reader.revisions, task, now)?.repaired()))
}

/// Mends.
pub(crate) fn mend(writer: &mut Writer, task: Option<TaskId>) -> Result<Repaired, Trouble> {
    writer.transaction(|writing| {
        let planned = Planned::of(writing.connection, writing.revisions, task, writing.now)?;
        let repaired = planned.repaired();
        planned.write(writing)?;
        Ok(repaired)
    })
}

/// What is to be done, of one moment.
enum Planned {
    Nothing(Repaired),
    OfTask(Box<(Whole, Repair)>),
    /// Keys of rows that belong to no task.
    Orphans(Vec<(Code, Vec<i64>)>),
}

impl Planned {
    fn of(
        connection: &Connection,
        revisions: &Revisions,
        task: Option<TaskId>,
        now: Timestamp,
    ) -> Result<Self, Trouble> {
        let Some(id) = task else { return orphans(connection).map(Self::Orphans) };
        let mut seq = connection.prepare_cached(sql::CHECK_ONE)?;
        let seq: Option<i64> = seq.query_row([id.0.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        let Some(seq) = seq else { return Ok(Self::Nothing(Repaired::default())) };
        match Whole::read(connection, revisions, seq) {
            Ok(whole) => {
                let live = live(connection, whole.rows.holders())?;
                let repair = repair(&whole.rows.stored(&whole.revision.plan, &live), now);
                Ok(Self::OfTask(Box::new((whole, repair))))
            }
            Err(trouble) if trouble.is_about_data() => {
                let repaired = Repaired::unreadable(id, Code::TaskUnreadable, trouble.to_string());
                Ok(Self::Nothing(repaired))
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn repaired(&self) -> Repaired {
        match self {
            Self::Nothing(repaired) => repaired.clone(),
            Self::OfTask(task) => {
                let (whole, repair) = &**task;
                Repaired::of_task(whole.task.id, repair)
            }
            Self::Orphans(all) => {
                let mut repaired = Repaired::default();
                all.iter().for_each(|(code, keys)| repaired.delete_orphans(*code, None, keys.len() as u64));
                repaired
            }
        }
    }

    fn write(self, writing: &mut Writing<'_>) -> Result<(), Trouble> {
        match self {
            Self::Nothing(_) => Ok(()),
            Self::OfTask(task) => write(writing, *task),
            Self::Orphans(all) => {
                all.iter().try_for_each(|(code, keys)| delete(writing.connection, *code, keys))
            }
        }
    }
}

fn orphans(connection: &Connection) -> Result<Vec<(Code, Vec<i64>)>, Trouble> {
    let mut all = Vec::with_capacity(ORPHANS.len());
    for (code, statement, _) in ORPHANS {
        let mut find = connection.prepare_cached(statement)?;
        let keys = find.query_map([MOST_ORPHANS], |row| row.get(0))?.collect::<Result<_, _>>()?;
        all.push((*code, keys));
    }
    Ok(all)
}

/// Those workers that are not known to be gone.
fn live(connection: &Connection, workers: BTreeSet<WorkerId>) -> Result<BTreeSet<WorkerId>, Trouble> {
    let mut gone = connection.prepare_cached(sql::WORKER_SELECT)?;
    let mut live = BTreeSet::new();
    for worker in workers {
        let is_gone = gone.query_row([worker.0.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        if is_gone == Some(false) {
            live.insert(worker);
        }
    }
    Ok(live)
}

fn write(writing: &mut Writing<'_>, (whole, repair): (Whole, Repair)) -> Result<(), Trouble> {
    let mut delete = writing.connection.prepare_cached(sql::QUEUE_DELETE)?;
    for step in &repair.cleared {
        delete.execute([step_key(whole.task.seq, *step)])?;
    }
    // What is remembered of the task is not what the file holds any more.
    writing.recent.take(whole.task.id);
    let Whole { task, revision, .. } = whole;
    let decided = Decided { task, revision, change: repair.change, with_inputs: BTreeSet::new() };
    save::changes(writing.connection, &[decided])
}

fn delete(connection: &Connection, code: Code, keys: &[i64]) -> Result<(), Trouble> {
    let statements: &[&str] = match code {
        Code::OrphanStep => &[sql::ORPHAN_STEP_DELETE, sql::QUEUE_DELETE],
        Code::OrphanLogEntry => &[sql::ORPHAN_LOG_DELETE],
        Code::OrphanInput => &[sql::PRUNE_INPUT],
        _ => &[sql::QUEUE_DELETE],
    };
    for statement in statements {
        let mut delete = connection.prepare_cached(statement)?;
        keys.iter().try_for_each(|key| delete.execute([key]).map(drop))?;
    }
    Ok(())
}
