//! Looking for broken invariants: every task is loaded and handed to `core`, page by page, each page as it is at one
//! moment; and rows that belong to nothing are looked for.

use std::collections::HashMap;

use sqlx::Row;
use tasker_core::audit;
use tasker_core::ids::TaskId;
use tasker_core::record::{StepDetail, Transition};
use tasker_store::read::Finding;
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::rows::{self, StoredTask};
use crate::session::{Begin, Session};
use crate::sql;

/// Tasks of a page.
const PAGE: i64 = 200;

/// Broken invariants, at most so many.
pub(crate) async fn check(parts: &Parts, limit: usize) -> Result<Vec<Finding>, Trouble> {
    let mut findings = Vec::new();
    let mut after = None;
    while findings.len() < limit {
        let mut session = parts.reads.begin(Begin::Snapshot).await?;
        let page = page(parts, &mut session, after).await;
        let (last, found) = session.end(page).await?;
        findings.extend(found);
        after = last;
        if after.is_none() {
            break;
        }
    }
    if findings.len() < limit {
        let mut session = parts.reads.begin(Begin::Snapshot).await?;
        let orphans = orphans(&mut session, limit).await;
        findings.extend(session.end(orphans).await?);
    }
    findings.truncate(limit);
    Ok(findings)
}

/// The findings of one page, and its last task; `None` if it was the last page.
async fn page(
    parts: &Parts,
    session: &mut Session,
    after: Option<Uuid>,
) -> Result<(Option<Uuid>, Vec<Finding>), Trouble> {
    let query = session.query(sql::CHECK_TASKS).bind(after).bind(PAGE);
    let rows = session.rows(query).await?;
    let tasks = rows.iter().map(|row| rows::task(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let tasks: Vec<StoredTask> = tasks.into_iter().flatten().collect();
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.id.0).collect();
    parts.plans.learn(session, tasks.iter().map(|task| task.revision_id)).await?;
    let mut steps = steps(session, &ids).await?;
    let mut logs = logs(session, &ids).await?;
    let mut findings = Vec::new();
    for task in &tasks {
        let (steps, log) =
            (steps.remove(&task.id).unwrap_or_default(), logs.remove(&task.id).unwrap_or_default());
        findings.extend(audit(parts, task, &steps, &log));
    }
    let is_full = ids.len() as i64 == PAGE;
    Ok((ids.last().copied().filter(|_| is_full), findings))
}

fn audit(parts: &Parts, task: &StoredTask, steps: &[StepDetail], log: &[Transition]) -> Vec<Finding> {
    let Some(plan) = parts.plans.known(task.revision_id) else {
        let message = format!("definition revision {} is missing or cannot be read", task.revision_id);
        return vec![Finding { code: "revision_missing", task_id: Some(task.id), step: None, message }];
    };
    let found = audit::audit(&plan, &task.record(plan.digest), steps, log);
    let finding = |finding: audit::Finding| Finding {
        code: finding.code,
        task_id: Some(task.id),
        step: finding.step.map(|step| step.to_string()),
        message: finding.message,
    };
    found.into_iter().map(finding).collect()
}

async fn steps(session: &mut Session, ids: &[Uuid]) -> Result<HashMap<TaskId, Vec<StepDetail>>, Trouble> {
    let query = session.query(sql::CHECK_STEPS).bind(ids.to_vec());
    let mut steps: HashMap<TaskId, Vec<StepDetail>> = HashMap::new();
    for row in session.rows(query).await? {
        let (task, record, queue, _) = rows::step(&row)?;
        let detail = StepDetail { record, inputs: None, results: None, error: None, queue };
        steps.entry(task).or_default().push(detail);
    }
    Ok(steps)
}

async fn logs(session: &mut Session, ids: &[Uuid]) -> Result<HashMap<TaskId, Vec<Transition>>, Trouble> {
    let query = session.query(sql::CHECK_LOG).bind(ids.to_vec());
    let mut logs: HashMap<TaskId, Vec<Transition>> = HashMap::new();
    for row in session.rows(query).await? {
        logs.entry(TaskId(row.try_get(0)?)).or_default().push(rows::transition(&row, 1)?);
    }
    Ok(logs)
}

/// Kinds of rows that belong to nothing, and what is wrong with them.
const ORPHANS: &[(&str, &str)] = &[
    ("orphan_step", "a step belongs to no task"),
    ("orphan_queue_row", "a queue row belongs to no step"),
    ("orphan_log_entry", "a log entry belongs to no task"),
    ("orphan_input", "a request belongs to no task"),
    ("input_missing", "the task has no request"),
    ("row_handler", "the queue row names another handler than the definition"),
];

async fn orphans(session: &mut Session, limit: usize) -> Result<Vec<Finding>, Trouble> {
    let query = session.query(sql::CHECK_ORPHANS).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut findings = Vec::new();
    for row in session.rows(query).await? {
        let kind: &str = row.try_get(0)?;
        let known = ORPHANS.iter().find(|(code, _)| *code == kind);
        let (code, message) =
            *known.ok_or_else(|| Trouble::Corrupt(format!("{kind:?} is no kind of finding")))?;
        let step = row.try_get::<Option<i32>, _>(2)?.map(|ordinal| ordinal.to_string());
        findings.push(Finding {
            code,
            task_id: Some(TaskId(row.try_get(1)?)),
            step,
            message: message.into(),
        });
    }
    Ok(findings)
}
