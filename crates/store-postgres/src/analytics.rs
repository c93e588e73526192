//! What is told of all tasks together, by the functions that everybody may call.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::state::StepState;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{
    AnalyticsMetrics, Census, Connections, HealthCounts, NamespaceCounts, SlowStep, SlowTask, SlowestQuery,
    VitalSigns,
};

use crate::Parts;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Query};
use crate::sql;

/// Tasks and steps in each state.
pub(crate) async fn health_counts(parts: &Parts) -> Result<HealthCounts, Trouble> {
    let now = parts.given_time();
    let counts = read(parts, sql::HEALTH_COUNTS, |query| query.bind(now), counts).await?;
    counts.into_iter().next().ok_or_else(|| no_row("the counts"))
}

/// Tasks and steps in each state, by namespace.
pub(crate) async fn census(parts: &Parts) -> Result<Census, Trouble> {
    let now = parts.given_time();
    let namespaces = read(parts, sql::CENSUS, |query| query.bind(now), namespace_counts).await?;
    let connections = |row: &PgRow| Ok((rows::count(row, 0)?, rows::count(row, 1)?));
    let connections = read(parts, sql::CENSUS_CONNECTIONS, |query| query, connections).await?;
    let connections = connections.into_iter().next().ok_or_else(|| no_row("the connections"))?;
    let (active_connections, max_connections) = connections;
    Ok(Census { namespaces, active_connections, max_connections })
}

/// What says whether all goes well.
pub(crate) async fn vital_signs(parts: &Parts, since: Timestamp) -> Result<VitalSigns, Trouble> {
    let signs = read(parts, sql::VITAL_SIGNS, |query| query.bind(At(since)), signs).await?;
    signs.into_iter().next().ok_or_else(|| no_row("the vital signs"))
}

/// How it went since an instant.
pub(crate) async fn analytics(parts: &Parts, since: Timestamp) -> Result<AnalyticsMetrics, Trouble> {
    let now = parts.given_time();
    let metrics = read(parts, sql::ANALYTICS, |query| query.bind(At(since)).bind(now), metrics).await?;
    metrics.into_iter().next().ok_or_else(|| no_row("the metrics"))
}

/// The tasks that took longest.
pub(crate) async fn slowest_tasks(parts: &Parts, wanted: &SlowestQuery) -> Result<Vec<SlowTask>, Trouble> {
    read(parts, sql::SLOWEST_TASKS, |query| bind(query, wanted), slow_task).await
}

/// The steps that took longest.
pub(crate) async fn slowest_steps(parts: &Parts, wanted: &SlowestQuery) -> Result<Vec<SlowStep>, Trouble> {
    read(parts, sql::SLOWEST_STEPS, |query| bind(query, wanted), slow_step).await
}

async fn read<T>(
    parts: &Parts,
    statement: &'static str,
    bind: impl FnOnce(Query) -> Query,
    row: fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = bind(session.query(statement));
    let rows = session.rows(query).await;
    let values = rows.and_then(|rows| Ok(rows.iter().map(row).collect::<Result<_, _>>()?));
    session.end(values).await
}

fn bind(query: Query, wanted: &SlowestQuery) -> Query {
    let limit = i32::try_from(wanted.rows()).unwrap_or(i32::MAX);
    query
        .bind(At(wanted.since))
        .bind(limit)
        .bind(wanted.namespace.as_ref().map(ToString::to_string))
        .bind(wanted.name.as_ref().map(ToString::to_string))
        .bind(wanted.version.as_ref().map(ToString::to_string))
}

fn no_row(what: &str) -> Trouble {
    Trouble::Corrupt(format!("{what} were answered without a row"))
}

fn counts(row: &PgRow) -> Result<HealthCounts, sqlx::Error> {
    Ok(HealthCounts {
        total_tasks: rows::count(row, 0)?,
        pending_tasks: rows::count(row, 1)?,
        in_progress_tasks: rows::count(row, 2)?,
        complete_tasks: rows::count(row, 3)?,
        error_tasks: rows::count(row, 4)?,
        cancelled_tasks: rows::count(row, 5)?,
        total_steps: rows::count(row, 6)?,
        pending_steps: rows::count(row, 7)?,
        in_progress_steps: rows::count(row, 8)?,
        complete_steps: rows::count(row, 9)?,
        error_steps: rows::count(row, 10)?,
        retryable_error_steps: rows::count(row, 11)?,
        exhausted_retry_steps: rows::count(row, 12)?,
        in_backoff_steps: rows::count(row, 13)?,
        active_connections: rows::count(row, 14)?,
        max_connections: rows::count(row, 15)?,
        resolved_manually_tasks: rows::count(row, 16)?,
        cancelled_steps: rows::count(row, 17)?,
        resolved_manually_steps: rows::count(row, 18)?,
    })
}

fn namespace_counts(row: &PgRow) -> Result<NamespaceCounts, sqlx::Error> {
    let six = |first: usize| {
        let mut counts = [0; 6];
        for (place, count) in counts.iter_mut().enumerate() {
            *count = rows::count(row, first + place)?;
        }
        Ok::<_, sqlx::Error>(counts)
    };
    Ok(NamespaceCounts {
        namespace: rows::name(row, 0)?,
        tasks: six(1)?,
        steps: six(7)?,
        retryable_errors: rows::count(row, 13)?,
        exhausted_retries: rows::count(row, 14)?,
        in_backoff: rows::count(row, 15)?,
    })
}

fn signs(row: &PgRow) -> Result<VitalSigns, sqlx::Error> {
    Ok(VitalSigns {
        ended_tasks: rows::count(row, 0)?,
        failed_tasks: rows::count(row, 1)?,
        executed_steps: rows::count(row, 2)?,
        failed_steps: rows::count(row, 3)?,
        stuck_tasks: rows::count(row, 4)?,
        connections: Some(Connections { used: rows::count(row, 5)?, max: rows::count(row, 6)? }),
    })
}

fn metrics(row: &PgRow) -> Result<AnalyticsMetrics, sqlx::Error> {
    Ok(AnalyticsMetrics {
        active_tasks_count: rows::count(row, 0)?,
        total_namespaces_count: rows::count(row, 1)?,
        unique_task_types_count: rows::count(row, 2)?,
        system_health_score: row.try_get(3)?,
        task_throughput: rows::count(row, 4)?,
        completion_count: rows::count(row, 5)?,
        error_count: rows::count(row, 6)?,
        completion_rate: row.try_get(7)?,
        error_rate: row.try_get(8)?,
        avg_task_duration: row.try_get(9)?,
        avg_step_duration: row.try_get(10)?,
        step_throughput: rows::count(row, 11)?,
        analysis_period_start: rows::instant(row, 12)?,
        calculated_at: rows::instant(row, 13)?,
    })
}

fn slow_task(row: &PgRow) -> Result<SlowTask, sqlx::Error> {
    Ok(SlowTask {
        task_id: TaskId(row.try_get(0)?),
        task_name: rows::name(row, 1)?,
        namespace_name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        duration_seconds: row.try_get(4)?,
        step_count: rows::count(row, 5)?,
        completed_steps: rows::count(row, 6)?,
        error_steps: rows::count(row, 7)?,
        created_at: rows::instant(row, 8)?,
        completed_at: rows::instant(row, 9)?,
        initiator: row.try_get(10)?,
        source_system: row.try_get(11)?,
    })
}

fn slow_step(row: &PgRow) -> Result<SlowStep, sqlx::Error> {
    Ok(SlowStep {
        task_id: TaskId(row.try_get(0)?),
        step_name: rows::name(row, 1)?,
        ordinal: rows::ordinal(row, 2)?,
        task_name: rows::name(row, 3)?,
        namespace_name: rows::name(row, 4)?,
        version: rows::name(row, 5)?,
        duration_seconds: row.try_get(6)?,
        attempts: rows::natural(row, 7)?,
        created_at: rows::instant(row, 8)?,
        completed_at: rows::instant(row, 9)?,
        retryable: row.try_get(10)?,
        step_status: StepState::Complete,
    })
}
