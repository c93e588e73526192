//! Looking for broken invariants. The looking is done by `tasker.check_invariants`, which anybody may call; here it is
//! called range by range, so that no statement takes long, each range as it is at one moment.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_store::read::Finding;
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::session::{Begin, Session};
use crate::sql;

/// Most tasks of a range.
const TASKS: i64 = 1000;

/// Most steps of a range of several tasks.
const STEPS: i64 = 20_000;

/// Every code there is (`docs/sql.md`).
const CODES: &[&str] = &[
    "active_count",
    "attempts_above_limit",
    "attempts_count",
    "complete_with_undone",
    "completed_twice",
    "ended_at",
    "fence_count",
    "input_missing",
    "log_chain",
    "log_gap",
    "log_illegal",
    "log_length",
    "log_state",
    "log_time",
    "log_unknown_step",
    "nothing_queued",
    "object_missing",
    "orphan_input",
    "orphan_log_entry",
    "orphan_queue_row",
    "orphan_step",
    "processed_at",
    "remaining_count",
    "revision_missing",
    "row_claim",
    "row_fence",
    "row_handler",
    "row_missing",
    "row_of_ended_task",
    "row_priority",
    "row_unwanted",
    "state_unknown",
    "step_missing",
    "step_unknown",
    "turns",
    "waits_count",
];

const FUNCTIONS: &[&str] = &[
    "tasker.get_step_readiness_status(uuid,text[],timestamptz)",
    "tasker.get_step_readiness_status_batch(uuid[],timestamptz)",
    "tasker.get_task_execution_context(uuid,timestamptz)",
    "tasker.get_task_execution_contexts_batch(uuid[],timestamptz)",
    "tasker.calculate_dependency_levels(uuid)",
    "tasker.calculate_dependency_levels_batch(uuid[])",
    "tasker.get_system_health_counts(timestamptz)",
    "tasker.get_analytics_metrics(timestamptz,timestamptz)",
    "tasker.get_slowest_tasks(timestamptz,integer,text,text,text)",
    "tasker.get_slowest_steps(timestamptz,integer,text,text,text)",
    "tasker.check_invariants(uuid,uuid)",
];

const VIEWS: &[&str] = &[
    "tasker.tasks",
    "tasker.steps",
    "tasker.scheduled_steps",
    "tasker.transitions",
    "tasker.workers",
    "tasker.step_readiness_status",
    "tasker.task_execution_context",
    "tasker.step_dag_relationships",
];

/// Broken invariants, at most so many.
pub(crate) async fn check(parts: &Parts, limit: usize) -> Result<Vec<Finding>, Trouble> {
    let mut findings = missing_objects(parts).await?;
    if findings.iter().any(|finding| finding.message.contains("tasker.check_invariants")) {
        return Ok(findings);
    }
    let mut after = None;
    while findings.len() < limit {
        let mut session = parts.reads.begin(Begin::Snapshot).await?;
        let range = range(&mut session, after, limit - findings.len()).await;
        let (last, found) = session.end(range).await?;
        findings.extend(found);
        after = last;
        if after.is_none() {
            break;
        }
    }
    findings.truncate(limit);
    Ok(findings)
}

async fn missing_objects(parts: &Parts) -> Result<Vec<Finding>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::CHECK_OBJECTS).bind(FUNCTIONS).bind(VIEWS);
    let rows = session.rows(query).await;
    let missing = rows.and_then(|rows| Ok(rows.iter().map(missing_object).collect::<Result<_, _>>()?));
    session.end(missing).await
}

fn missing_object(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let message = format!("{} is missing from the database", row.try_get::<&str, _>(0)?);
    Ok(Finding { code: "object_missing", task_id: None, step: None, message })
}

/// The findings of one range, and its last task; `None` if it was the last range.
async fn range(
    session: &mut Session,
    after: Option<Uuid>,
    limit: usize,
) -> Result<(Option<Uuid>, Vec<Finding>), Trouble> {
    let query = session.query(sql::CHECK_PAGE).bind(after).bind(TASKS).bind(STEPS);
    let last: Option<Uuid> = match session.row(query).await? {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    // Tasks younger than the statistics look like none at all, and the planner would compare all their entries with all.
    session.script("SET LOCAL enable_nestloop = off".into()).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let query = session.query(sql::CHECK_RANGE).bind(after).bind(last).bind(limit);
    let findings = session.rows(query).await?.iter().map(finding).collect::<Result<_, _>>()?;
    Ok((last, findings))
}

fn finding(row: &PgRow) -> Result<Finding, Trouble> {
    let code: &str = row.try_get(0)?;
    let known = CODES.iter().find(|known| **known == code);
    Ok(Finding {
        code: known.ok_or_else(|| Trouble::Corrupt(format!("{code:?} is no kind of finding")))?,
        task_id: row.try_get::<Option<Uuid>, _>(1)?.map(TaskId),
        step: row.try_get(2)?,
        message: row.try_get(3)?,
    })
}
