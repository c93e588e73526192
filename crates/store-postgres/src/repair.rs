//! Mending what `core` says can be mended: a task under its lock, or rows that belong to no task.

use std::collections::BTreeSet;

use sqlx::Row;
use tasker_core::audit::Code;
use tasker_core::decide::QueueChange;
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::repair::{Repair, repair};
use tasker_core::time::Timestamp;
use tasker_store::integrity::{MOST_ORPHANS, RepairRequest, Repaired};
use uuid::Uuid;

use crate::Parts;
use crate::columns::small;
use crate::error::Trouble;
use crate::load::{self, Moment};
use crate::rows::{self, StoredTask};
use crate::save::{self, Decided};
use crate::session::{Begin, Session};
use crate::sql;
use crate::whole::Whole;

/// What belongs to no task: its code, and the statement that deletes it.
const ORPHANS: &[(Code, &str)] = &[
    (Code::OrphanStep, sql::ORPHAN_STEPS),
    (Code::OrphanQueueRow, sql::ORPHAN_QUEUE),
    (Code::OrphanLogEntry, sql::ORPHAN_LOG),
    (Code::OrphanInput, sql::ORPHAN_INPUTS),
];

/// Mends, or says what it would mend.
pub(crate) async fn mend(parts: &Parts, request: &RepairRequest) -> Result<Repaired, Trouble> {
    let Some(task) = request.task else { return of_none(parts, None, request.dry_run).await };
    let mut session = parts.hot.begin(Begin::Write).await?;
    let mended = of_task(parts, &mut session, task, request.dry_run).await;
    match session.end(mended).await? {
        Mending::NoTask => of_none(parts, Some(task), request.dry_run).await,
        Mending::Done { repaired, is_due } => {
            if is_due {
                parts.hints.tell(&parts.hot).await;
            }
            Ok(repaired)
        }
    }
}

/// What came of looking at a task.
enum Mending {
    NoTask,
    Done {
        repaired: Repaired,
        /// Whether a step became due.
        is_due: bool,
    },
}

async fn of_task(
    parts: &Parts,
    session: &mut Session,
    id: TaskId,
    dry_run: bool,
) -> Result<Mending, Trouble> {
    let read = match locked(parts, session, id).await {
        Ok(Some((moment, task))) => Whole::read(parts, session, task).await.map(|whole| (moment, whole)),
        Ok(None) => return Ok(Mending::NoTask),
        Err(trouble) => Err(trouble),
    };
    let (moment, whole) = match read {
        Err(trouble) if trouble.is_about_data() => {
            let repaired = Repaired::unreadable(id, Code::TaskUnreadable, trouble.to_string());
            return Ok(Mending::Done { repaired, is_due: false });
        }
        read => read?,
    };
    let live = live(session, &whole).await?;
    let repair = repair(&whole.rows.stored(&whole.plan, &live), moment.now);
    let repaired = Repaired::of_task(id, &repair);
    let is_due = !dry_run && leaves_work(&repair, moment.now);
    if !dry_run {
        write(session, &moment, whole, repair).await?;
    }
    Ok(Mending::Done { repaired, is_due })
}

async fn locked(
    parts: &Parts,
    session: &mut Session,
    id: TaskId,
) -> Result<Option<(Moment, StoredTask)>, Trouble> {
    let (moment, mut locked) = load::lock(session, &BTreeSet::from([id]), parts.clock.as_ref()).await?;
    Ok(locked.tasks.remove(&id).map(|task| (moment, task)))
}

/// Those holders of rows that are not known to be gone.
async fn live(session: &mut Session, whole: &Whole) -> Result<BTreeSet<WorkerId>, Trouble> {
    let holders: Vec<Uuid> = whole.rows.holders().iter().map(|worker| worker.0).collect();
    if holders.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = session.query(sql::REPAIR_LIVE).bind(holders);
    let live = session.rows(query).await?;
    Ok(live.iter().map(|row| row.try_get(0).map(WorkerId)).collect::<Result<_, _>>()?)
}

/// Whether a step became due that nobody claimed yet.
fn leaves_work(repair: &Repair, now: Timestamp) -> bool {
    repair
        .change
        .queue
        .iter()
        .any(|change| matches!(change, QueueChange::Insert(row) if row.worker.is_none() && row.run_at <= now))
}

async fn write(session: &mut Session, moment: &Moment, whole: Whole, repair: Repair) -> Result<(), Trouble> {
    if !repair.cleared.is_empty() {
        let steps: Vec<i32> = repair.cleared.iter().map(|step| small(step.0)).collect();
        let query = session.query(sql::REPAIR_CLEAR).bind(whole.task.id.0).bind(steps);
        session.execute(query).await?;
    }
    let Whole { task, plan, .. } = whole;
    let decided =
        Decided { task, plan, change: repair.change, with_inputs: BTreeSet::new(), n_logged_first: 0 };
    save::changes(session, moment, &[decided]).await
}

/// Deletes rows that belong to no task, or to one that is not there.
async fn of_none(parts: &Parts, task: Option<TaskId>, dry_run: bool) -> Result<Repaired, Trouble> {
    let mut session = parts.reads.begin(Begin::Write).await?;
    let repaired = orphans(&mut session, task, dry_run).await;
    session.end(repaired).await
}

async fn orphans(session: &mut Session, task: Option<TaskId>, dry_run: bool) -> Result<Repaired, Trouble> {
    let mut repaired = Repaired::default();
    for (code, statement) in ORPHANS {
        let query = session.query(statement).bind(task.map(|id| id.0)).bind(MOST_ORPHANS).bind(dry_run);
        let n = session.row(query).await?.map(|row| rows::count(&row, 0)).transpose()?;
        repaired.delete_orphans(*code, task, n.unwrap_or(0));
    }
    Ok(repaired)
}
