//! Writing what was decided: one statement for all tasks of a batch, whatever happened to them.

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tasker_core::decide::TaskChange;
use tasker_core::ids::{Digest, TaskId};
use tasker_core::plan::Plan;
use tasker_core::record::TaskInput;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use crate::columns::{Inputs, Log, Queue, Steps, Tasks};
use crate::error::Trouble;
use crate::load::Moment;
use crate::rows::{self, At, Stamp, StoredTask};
use crate::session::{Query, Session};
use crate::sql;
use crate::transaction::Statements;

/// What was decided for one task.
pub(crate) struct Decided {
    /// The row as it was.
    pub(crate) task: StoredTask,
    pub(crate) plan: Arc<Plan>,
    pub(crate) change: TaskChange,
    /// Steps that had inputs of their own before.
    pub(crate) with_inputs: std::collections::BTreeSet<tasker_core::ids::Ordinal>,
    /// So many of its log entries come before the others of all tasks.
    pub(crate) n_logged_first: usize,
}

impl Decided {
    /// Whether there is more to write than the hot tables.
    pub(crate) fn has_extras(&self) -> bool {
        self.change.edit.is_some() || !self.change.annotations.is_empty()
    }

    /// When the task was accepted.
    pub(crate) fn created_at(&self) -> Timestamp {
        self.task.record(Digest([0; 32])).created_at
    }

    /// When anything of the task last changed, now that this is decided.
    pub(crate) fn updated_at(&self) -> Timestamp {
        let before = || self.task.record(Digest([0; 32])).updated_at;
        self.change.task.as_ref().map_or_else(before, |task| task.updated_at)
    }
}

/// What a statement that writes changes relies on, if nobody has locked the tasks before.
pub(crate) struct Reliance {
    /// The time of the decisions, if it was not told by the clock of a test.
    pub(crate) now: Option<Timestamp>,
}

/// What came of writing changes.
pub(crate) enum Written {
    /// They were written.
    By {
        /// The transaction.
        xid: i64,
        /// Its time.
        now: Timestamp,
    },
    /// Nothing was, since something else is the case than was relied on.
    Not {
        /// The tasks that are as they were known.
        unchanged: HashSet<TaskId>,
    },
}

/// Writes changes of locked tasks.
pub(crate) async fn changes(session: &mut Session, moment: &Moment, all: &[Decided]) -> Result<(), Trouble> {
    if all.iter().all(|decided| decided.change.task.is_none()) {
        // Nothing changes without its task.
        return Ok(());
    }
    let query = statement(session, moment.stamp(), all, None);
    match written(&session.rows(query).await?)? {
        Written::By { .. } => {}
        Written::Not { .. } => return Err(Trouble::Late("the stream of the log began anew meanwhile")),
    }
    annotations(session, all).await?;
    edits(session, all).await
}

/// The statement that writes changes; [`written`] reads its answer.
pub(crate) fn statement(
    session: &Session,
    stamp: Stamp,
    all: &[Decided],
    relies: Option<&Reliance>,
) -> Query {
    let epoch = stamp.epoch;
    let (mut tasks, mut steps, mut queue, mut log) =
        (Tasks::default(), Steps::default(), Queue::default(), Log::default());
    for decided in all {
        let task = &decided.task;
        let row = Row { id: task.id, arrival: task.arrival, xid: task.log_xid_in(epoch) };
        collect(row, &decided.plan, &decided.change, (&mut tasks, &mut steps, &mut queue));
    }
    for half in [0, 1] {
        for decided in all {
            let (first, rest) = decided.change.log.split_at(decided.n_logged_first);
            let entries = [first, rest][half];
            log.extend(decided.task.id, decided.task.log_xid_in(epoch), entries);
        }
    }
    let known = || all.iter().filter(|_| relies.is_some()).map(|decided| &decided.task);
    let ids: Vec<Uuid> = known().map(|task| task.id.0).collect();
    let versions: Vec<i64> = known().map(|task| task.version).collect();
    let query = Tasks::bind(&tasks, session.query(sql::SAVE_CHANGES)).bind(ids).bind(versions).bind(epoch);
    let query = query.bind(relies.and_then(|relies| relies.now).map(At));
    let query = Queue::bind_new(&queue, queue.bind_old(Steps::bind(&steps, query)));
    Log::bind(&log, query).bind(stamp.version)
}

/// Reads the answer of the statement that writes changes.
pub(crate) fn written(rows: &[PgRow]) -> Result<Written, Trouble> {
    let row = rows.first().ok_or_else(|| Trouble::Corrupt("writing was answered without a row".into()))?;
    if row.try_get(0)? {
        return Ok(Written::By { xid: row.try_get(1)?, now: rows::instant(row, 2)? });
    }
    let unchanged: Vec<Uuid> = row.try_get(3)?;
    Ok(Written::Not { unchanged: unchanged.into_iter().map(TaskId).collect() })
}

/// A new task.
pub(crate) struct New<'a> {
    pub(crate) id: TaskId,
    /// Its number in the order of acceptance.
    pub(crate) arrival: i64,
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a TaskInput,
    pub(crate) change: &'a TaskChange,
}

/// Writes new tasks; what is left on them.
pub(crate) async fn new_tasks(
    session: &mut impl Statements,
    moment: &Moment,
    all: &[New<'_>],
) -> Result<Stamp, Trouble> {
    let (mut tasks, mut steps, mut queue, mut log) =
        (Tasks::default(), Steps::default(), Queue::default(), Log::default());
    let mut inputs = Inputs::default();
    for new in all {
        let row = Row { id: new.id, arrival: new.arrival, xid: 0 };
        collect(row, new.plan, new.change, (&mut tasks, &mut steps, &mut queue));
        log.extend(new.id, 0, &new.change.log);
        inputs.push(new.id, new.input);
    }
    let query = tasks.bind(session.query(sql::SAVE_NEW)).bind(moment.epoch);
    let query = Steps::bind(&steps, inputs.bind(tasks.bind_fixed(query)));
    let version = moment.stamp().version;
    let query = Log::bind(&log, Queue::bind_new(&queue, query)).bind(version);
    let rows = session.rows(query).await?;
    let row = rows.first().ok_or_else(|| Trouble::Corrupt("writing was answered without a row".into()))?;
    Ok(Stamp { epoch: row.try_get(0)?, xid: row.try_get(1)?, version })
}

/// What all rows of a task have in common.
#[derive(Clone, Copy)]
struct Row {
    id: TaskId,
    arrival: i64,
    /// The place of its new entries in the stream.
    xid: i64,
}

fn collect(
    Row { id, arrival, xid }: Row,
    plan: &Plan,
    change: &TaskChange,
    (tasks, steps, queue): (&mut Tasks, &mut Steps, &mut Queue),
) {
    if let Some(task) = &change.task {
        tasks.push(task, xid, arrival);
    }
    change.steps.iter().for_each(|step| steps.push(id, step));
    change.queue.iter().for_each(|row| queue.push(id, arrival, plan, row));
}

/// Annotations are rare.
async fn annotations(session: &mut Session, all: &[Decided]) -> Result<(), Trouble> {
    let (mut tasks, mut kinds, mut at, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for decided in all {
        for annotation in &decided.change.annotations {
            tasks.push(decided.task.id.0);
            kinds.push(annotation.kind.clone());
            at.push(At(decided.updated_at()));
            values.push(annotation.value.as_str().to_owned());
        }
    }
    if tasks.is_empty() {
        return Ok(());
    }
    let types = session.query(sql::SAVE_ANNOTATION_TYPES).bind(&kinds);
    session.execute(types).await?;
    let query = session.query(sql::SAVE_ANNOTATIONS).bind(tasks).bind(kinds).bind(at).bind(values);
    session.execute(query).await?;
    Ok(())
}

/// Edits are rarer still.
async fn edits(session: &mut Session, all: &[Decided]) -> Result<(), Trouble> {
    for decided in all {
        if let Some(edit) = &decided.change.edit {
            let query =
                session.query(sql::SAVE_EDIT).bind(decided.task.id.0).bind(&edit.reason).bind(&edit.tags);
            session.execute(query).await?;
        }
    }
    Ok(())
}
