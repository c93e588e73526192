//! Locking tasks, and reading what a decision about them needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::decide::Needs;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::record::{QueueRow, StepRecord, TaskRecord};
use tasker_core::time::Timestamp;
use uuid::Uuid;

use crate::columns::Places;
use crate::error::Trouble;
use crate::known::StepRow;
use crate::options::Clock;
use crate::rows::{self, Stamp, StoredTask};
use crate::session::Session;
use crate::sql;

/// When a transaction happens: its time, and its place in the stream of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) epoch: i32,
    pub(crate) xid: i64,
    /// The next version of tasks that are written now.
    pub(crate) version: i64,
}

impl Moment {
    /// Reads the first three columns of a statement that locks.
    pub(crate) fn read(row: &PgRow, first: usize, clock: Option<&Clock>) -> Result<Self, Trouble> {
        let server = rows::instant(row, first)?;
        let now = clock.map_or(server, |clock| clock());
        let (epoch, xid) = (row.try_get(first + 1)?, row.try_get(first + 2)?);
        Ok(Self { now, epoch, xid, version: new_version() })
    }

    /// A transaction that has not begun.
    pub(crate) fn ahead(now: Timestamp, epoch: i32) -> Self {
        Self { now, epoch, xid: 0, version: new_version() }
    }

    /// What is left on the tasks that are written now.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { epoch: self.epoch, xid: self.xid, version: self.version }
    }
}

/// A version that no task had before. Random, not counted: the commit that brought a version may be lost in a fail-over,
/// and the number must not come again with other content.
fn new_version() -> i64 {
    i64::from_be_bytes(Uuid::new_v4().as_bytes()[8..].try_into().expect("an id has sixteen bytes"))
}

/// Tasks that this transaction has locked.
#[derive(Default)]
pub(crate) struct Locked {
    pub(crate) tasks: HashMap<TaskId, StoredTask>,
}

impl Locked {
    /// Takes in a row of a statement that locks.
    pub(crate) fn take(&mut self, row: &PgRow) -> Result<Option<TaskId>, Trouble> {
        let Some(mut task) = rows::task(row, 3)? else { return Ok(None) };
        let id = task.id;
        task.version = row.try_get(16)?;
        self.tasks.entry(id).or_insert(task);
        Ok(Some(id))
    }

    /// Notes what a task has become.
    pub(crate) fn update(&mut self, record: &TaskRecord, moment: &Moment) {
        if let Some(task) = self.tasks.get_mut(&record.id) {
            task.become_record(record, moment.stamp());
        }
    }
}

/// Locks tasks, waiting for them in the order of their ids.
///
/// # Errors
/// [`Trouble::Blocked`] if other sessions held some of them for too long; the transaction has failed then.
pub(crate) async fn lock(
    session: &mut Session,
    ids: &BTreeSet<TaskId>,
    clock: Option<&Clock>,
) -> Result<(Moment, Locked), Trouble> {
    let query = session.query(sql::LOCK_TASKS).bind(uuids(ids));
    let answer = session.rows(query).await;
    let rows = match answer {
        Err(trouble) if trouble.is_lock_timeout() => {
            // A failed transaction takes no questions.
            session.script("ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED".into()).await?;
            return Err(Trouble::Blocked(held_by_others(session, ids).await?));
        }
        other => other?,
    };
    let mut locked = Locked::default();
    for row in &rows {
        locked.take(row)?;
    }
    let first =
        rows.first().ok_or_else(|| Trouble::Corrupt("locking tasks was answered without a row".into()))?;
    Ok((Moment::read(first, 0, clock)?, locked))
}

/// Which of these tasks cannot be locked at once.
pub(crate) async fn held_by_others(
    session: &mut Session,
    ids: &BTreeSet<TaskId>,
) -> Result<Vec<TaskId>, Trouble> {
    let query = session.query(sql::LOCK_PROBE).bind(uuids(ids));
    let mut held = ids.clone();
    for row in session.rows(query).await? {
        held.remove(&TaskId(row.try_get(0)?));
    }
    Ok(held.into_iter().collect())
}

fn uuids(ids: &BTreeSet<TaskId>) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// Steps of one task, as far as they are needed.
#[derive(Default)]
pub(crate) struct LoadedSteps {
    pub(crate) steps: Vec<(StepRecord, Option<QueueRow>)>,
    /// Those with inputs of their own.
    pub(crate) with_inputs: BTreeSet<Ordinal>,
}

impl LoadedSteps {
    /// What is needed of a task of `n_steps`, out of those of its steps that are at hand, in their order; `None` if steps are
    /// missing.
    pub(crate) fn choose<'a>(
        needs: &Needs,
        n_steps: usize,
        rows: impl Iterator<Item = &'a StepRow>,
    ) -> Option<Self> {
        let mut loaded = Self::default();
        let mut n_named = 0;
        let mut wants_free = needs.first_free && !needs.all;
        for row in rows {
            let named = needs.all || needs.steps.contains(&row.record.ordinal);
            if !named {
                let is_first_free = wants_free && row.queue.is_none() && row.record.wants_queue_row();
                if !is_first_free {
                    continue;
                }
                wants_free = false;
            }
            n_named += usize::from(named);
            if row.has_inputs {
                loaded.with_inputs.insert(row.record.ordinal);
            }
            loaded.steps.push((row.record.clone(), row.queue.clone()));
        }
        let expected = if needs.all { n_steps } else { needs.steps.len() };
        (n_named == expected).then_some(loaded)
    }
}

/// What is to be read of one task.
pub(crate) struct Wanted<'a> {
    pub(crate) task: TaskId,
    pub(crate) needs: &'a Needs,
    /// All of it, although less is needed: it will be asked for again soon.
    pub(crate) whole: bool,
}

/// Reads the steps that decisions about locked tasks need, in one statement.
pub(crate) async fn steps(
    session: &mut Session,
    wanted: &[Wanted<'_>],
) -> Result<HashMap<TaskId, BTreeMap<Ordinal, StepRow>>, Trouble> {
    let mut read: HashMap<TaskId, BTreeMap<Ordinal, StepRow>> = HashMap::new();
    if wanted.is_empty() {
        return Ok(read);
    }
    let is_whole = |wanted: &&Wanted<'_>| wanted.whole || wanted.needs.all;
    let parts = || wanted.iter().filter(|wanted| !is_whole(wanted));
    let named: Places =
        parts().flat_map(|wanted| wanted.needs.steps.iter().map(|step| (wanted.task, *step))).collect();
    let whole: Vec<Uuid> = wanted.iter().filter(is_whole).map(|wanted| wanted.task.0).collect();
    let free: Vec<Uuid> =
        parts().filter(|wanted| wanted.needs.first_free).map(|wanted| wanted.task.0).collect();
    let query = named.bind(session.query(sql::LOAD_STEPS)).bind(whole).bind(free);
    for row in session.rows(query).await? {
        // A row that makes no sense is as good as missing: the fault of its task, not of the batch.
        let Ok((task, record, queue, has_inputs)) = rows::step(&row) else { continue };
        read.entry(task).or_default().insert(record.ordinal, StepRow { record, queue, has_inputs });
    }
    Ok(read)
}
