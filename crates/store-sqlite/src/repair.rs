//! Mending what `core` says can be mended: a task under the write lock, or rows that belong to no task.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension;
use tasker_core::audit::Code;
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::repair::{Repair, repair};
use tasker_store::integrity::{RepairRequest, Repaired};

use crate::check::ORPHANS;
use crate::error::Trouble;
use crate::rows::step_key;
use crate::save::{self, Decided};
use crate::sql;
use crate::whole::Whole;
use crate::writer::{Writer, Writing};

/// Most rows of one kind that are deleted in one transaction.
const MOST_ORPHANS: i64 = 10_000;

/// Mends, or says what it would mend.
pub(crate) fn mend(writer: &mut Writer, request: &RepairRequest) -> Result<Repaired, Trouble> {
    writer.transaction(|writing| match request.task {
        Some(task) => of_task(writing, task, request.dry_run),
        None => of_none(writing, request.dry_run),
    })
}

fn of_task(writing: &mut Writing<'_>, id: TaskId, dry_run: bool) -> Result<Repaired, Trouble> {
    let mut seq = writing.connection.prepare_cached(sql::CHECK_ONE)?;
    let seq: Option<i64> = seq.query_row([id.0.as_bytes().as_slice()], |row| row.get(0)).optional()?;
    let Some(seq) = seq else { return Ok(Repaired::default()) };
    let whole = match Whole::read(writing.connection, writing.revisions, seq) {
        Err(trouble) if trouble.is_about_data() => {
            return Ok(Repaired::unreadable(id, Code::TaskUnreadable, trouble.to_string()));
        }
        whole => whole?,
    };
    let live = live(writing, whole.holders())?;
    let repair = repair(&whole.stored(&live), writing.now);
    let repaired = Repaired::of_task(id, &repair);
    if !dry_run {
        write(writing, whole, repair)?;
    }
    Ok(repaired)
}

/// Those workers that are not known to be gone.
fn live(writing: &Writing<'_>, workers: BTreeSet<WorkerId>) -> Result<BTreeSet<WorkerId>, Trouble> {
    let mut gone = writing.connection.prepare_cached(sql::WORKER_SELECT)?;
    let mut live = BTreeSet::new();
    for worker in workers {
        let is_gone = gone.query_row([worker.0.as_bytes().as_slice()], |row| row.get(0)).optional()?;
        if is_gone == Some(false) {
            live.insert(worker);
        }
    }
    Ok(live)
}

fn write(writing: &mut Writing<'_>, whole: Whole, repair: Repair) -> Result<(), Trouble> {
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

fn of_none(writing: &Writing<'_>, dry_run: bool) -> Result<Repaired, Trouble> {
    let mut repaired = Repaired::default();
    for (code, statement, _) in ORPHANS {
        let mut find = writing.connection.prepare_cached(statement)?;
        let keys = find.query_map([MOST_ORPHANS], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        repaired.delete_orphans(*code, None, keys.len() as u64);
        if !dry_run {
            let mut delete = writing.connection.prepare_cached(deletion(*code))?;
            keys.iter().try_for_each(|key| delete.execute([key]).map(drop))?;
        }
    }
    Ok(repaired)
}

fn deletion(code: Code) -> &'static str {
    match code {
        Code::OrphanStep => sql::ORPHAN_STEP_DELETE,
        Code::OrphanLogEntry => sql::ORPHAN_LOG_DELETE,
        Code::OrphanInput => sql::PRUNE_INPUT,
        _ => sql::QUEUE_DELETE,
    }
}
