//! Looking for broken invariants. The looking is done by `tasker.check_invariants`, which anybody may call; here it is
//! called for few tasks at a time, so that no statement takes long, each time as they are at one moment.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::audit::Code;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::integrity::{CheckPart, CheckPosition, CheckScope, Checked, Finding};
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Query, Session};
use crate::sql;

/// Most steps of several tasks that are looked at together.
const STEPS: i64 = 20_000;

/// A task of more steps is looked at alone, however young the planner's statistics are.
const LARGE: i64 = 1_000;

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

/// Looks at a part of the tasks; before the first of all at the database itself.
pub(crate) async fn check_part(parts: &Parts, part: &CheckPart) -> Result<Checked, Trouble> {
    match (&part.scope, part.after) {
        (CheckScope::All, None) => objects(parts).await,
        (CheckScope::All, Some(after)) => {
            let mut session = parts.reads.begin(Begin::Snapshot).await?;
            let checked = range(&mut session, after, part).await;
            session.end(checked).await
        }
        (CheckScope::These(ids), _) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
            let findings = these(parts, &ids, part.findings).await?;
            Ok(Checked { tasks: ids.len() as u64, findings, next: None })
        }
        (CheckScope::Open | CheckScope::EndedWithin(_), _) => listed(parts, part).await,
    }
}

/// Functions and views that are missing. Without the one that looks, nothing else can be looked at.
async fn objects(parts: &Parts) -> Result<Checked, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::CHECK_OBJECTS).bind(FUNCTIONS).bind(VIEWS);
    let rows = session.rows(query).await;
    let names = rows.and_then(|rows| Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?));
    let names: Vec<String> = session.end(names).await?;
    let can_look = !names.iter().any(|name| name.contains("tasker.check_invariants"));
    let missing = |name: &String| {
        Finding::new(Code::ObjectMissing, None, None, format!("{name} is missing from the database"))
    };
    let findings = names.iter().map(missing).collect();
    Ok(Checked { tasks: 0, findings, next: can_look.then_some(CheckPosition([0; 3])) })
}

/// The tasks with ids in a range, and rows with such ids that belong to no task.
async fn range(session: &mut Session, after: CheckPosition, part: &CheckPart) -> Result<Checked, Trouble> {
    let after = (after.0[0] > 0).then(|| Uuid::from_u128(after.0[0]));
    let query = session.query(sql::CHECK_PAGE).bind(after).bind(large(part.tasks)).bind(STEPS);
    let (last, tasks): (Option<Uuid>, u64) = match session.row(query).await? {
        Some(row) => (row.try_get(0)?, rows::count(&row, 1)?),
        None => (None, 0),
    };
    // Tasks younger than the statistics look like none at all, and the planner would compare all their entries with all.
    session.script("SET LOCAL enable_nestloop = off".into()).await?;
    let query = session.query(sql::CHECK_RANGE).bind(after).bind(last).bind(large(part.findings));
    let findings = session.rows(query).await?.iter().map(finding).collect::<Result<_, _>>()?;
    Ok(Checked { tasks, findings, next: last.map(|last| CheckPosition([last.as_u128(), 0, 0])) })
}

/// A task of a list: its place in it, and how large it is.
struct Listed {
    id: Uuid,
    position: CheckPosition,
    steps: i64,
}

/// The next tasks of a list, as many as can be looked at together.
async fn listed(parts: &Parts, part: &CheckPart) -> Result<Checked, Trouble> {
    let listed = list(parts, part).await?;
    let n = n_together(&listed);
    let Some(last) = n.checked_sub(1) else { return Ok(Checked::default()) };
    let ids: Vec<Uuid> = listed[..n].iter().map(|task| task.id).collect();
    let findings = if listed[last].steps > LARGE {
        alone(parts, ids[0], part.findings).await?
    } else {
        these(parts, &ids, part.findings).await?
    };
    let is_last = n == listed.len() && n < part.tasks;
    Ok(Checked { tasks: n as u64, findings, next: (!is_last).then_some(listed[last].position) })
}

/// A large task alone, or those before the first large one.
fn n_together(listed: &[Listed]) -> usize {
    let small = listed.iter().take_while(|task| task.steps <= LARGE);
    let mut steps = 0;
    let fitting = small.take_while(|task| {
        steps += task.steps;
        steps <= STEPS
    });
    fitting.count().max(1).min(listed.len())
}

async fn list(parts: &Parts, part: &CheckPart) -> Result<Vec<Listed>, Trouble> {
    loop {
        let mut session = parts.reads.once().await?;
        let query = list_query(parts, &session, part);
        let rows = session.rows(query).await;
        if session.was_dead(&rows) {
            continue;
        }
        let listed = rows.and_then(|rows| rows.iter().map(|row| place(row, &part.scope)).collect());
        return session.end(listed).await;
    }
}

fn list_query(parts: &Parts, session: &Session, part: &CheckPart) -> Query {
    let [first, second, third] = part.after.map_or([0; 3], |after| after.0);
    let limit = large(part.tasks);
    if let CheckScope::EndedWithin(span) = part.scope {
        let after = part.after.map(|_| At(Timestamp::from_micros(number(first))));
        let arrival = part.after.map_or(i64::MAX, |_| number(second));
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let now = parts.clock.as_ref().map(|clock| At(clock()));
        let query = session.query(sql::CHECK_ENDED).bind(after).bind(arrival).bind(limit);
        return query.bind(span).bind(now);
    }
    let state = i16::try_from(first).unwrap_or(i16::MAX);
    let (revision, id) = (Uuid::from_u128(second), Uuid::from_u128(third));
    session.query(sql::CHECK_OPEN).bind(state).bind(revision).bind(id).bind(limit)
}

fn place(row: &PgRow, scope: &CheckScope) -> Result<Listed, Trouble> {
    let id: Uuid = row.try_get(0)?;
    let position = match scope {
        CheckScope::EndedWithin(_) => {
            let ended_at = u128::try_from(rows::instant(row, 1)?.as_micros()).unwrap_or(0);
            [ended_at, u128::from(rows::count(row, 2)?), 0]
        }
        _ => [u128::from(rows::count(row, 1)?), row.try_get::<Uuid, _>(2)?.as_u128(), id.as_u128()],
    };
    Ok(Listed { id, position: CheckPosition(position), steps: row.try_get::<i32, _>(3)?.into() })
}

/// Tasks that are not large, in one statement.
async fn these(parts: &Parts, ids: &[Uuid], limit: usize) -> Result<Vec<Finding>, Trouble> {
    loop {
        let mut session = parts.reads.once().await?;
        let query = session.query(sql::CHECK_THESE).bind(ids.to_vec()).bind(large(limit));
        let rows = session.rows(query).await;
        if session.was_dead(&rows) {
            continue;
        }
        let findings = rows.and_then(|rows| rows.iter().map(finding).collect());
        return session.end(findings).await;
    }
}

/// One task, however large.
async fn alone(parts: &Parts, id: Uuid, limit: usize) -> Result<Vec<Finding>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let findings = alone_in(&mut session, id, limit).await;
    session.end(findings).await
}

async fn alone_in(session: &mut Session, id: Uuid, limit: usize) -> Result<Vec<Finding>, Trouble> {
    session.script("SET LOCAL enable_nestloop = off".into()).await?;
    let query = session.query(sql::CHECK_THESE).bind(vec![id]).bind(large(limit));
    session.rows(query).await?.iter().map(finding).collect()
}

fn finding(row: &PgRow) -> Result<Finding, Trouble> {
    let code: &str = row.try_get(0)?;
    let code =
        Code::from_name(code).ok_or_else(|| Trouble::Corrupt(format!("{code:?} is no kind of finding")))?;
    let task = row.try_get::<Option<Uuid>, _>(1)?.map(TaskId);
    Ok(Finding::new(code, task, row.try_get(2)?, row.try_get::<&str, _>(3)?))
}

fn large(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(number: u128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
