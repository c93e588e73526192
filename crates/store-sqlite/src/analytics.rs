//! What is told of all tasks together: counts, how it went lately, what took longest.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Row, params};
use tasker_core::ids::Ordinal;
use tasker_core::names::Namespace;
use tasker_core::state::StepState;
use tasker_core::survey::figures::seconds;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{
    AnalyticsMetrics, Census, NamespaceCounts, SCORE_SPAN, SlowStep, SlowTask, SlowestQuery, Tally,
    VitalSigns,
};

use crate::error::Trouble;
use crate::rows;
use crate::sql;
use crate::threads::Reader;

/// Tasks and steps in each state, by namespace. `connections` is how many this store holds.
pub(crate) fn census(reader: &mut Reader, now: Timestamp, connections: u64) -> Result<Census, Trouble> {
    reader.snapshot(|reader| {
        let mut found: BTreeMap<Namespace, NamespaceCounts> = BTreeMap::new();
        let mut of = |name: Namespace, count: &dyn Fn(&mut NamespaceCounts)| {
            count(found.entry(name.clone()).or_insert_with(|| NamespaceCounts::none(name)));
        };
        let mut tasks = reader.connection.prepare_cached(sql::CENSUS_TASKS)?;
        let read = |row: &Row<'_>| Ok((rows::name(row, 0)?, rows::task_state(row, 1)?, rows::count(row, 2)?));
        for row in tasks.query_map([], read)? {
            let (name, state, n) = row?;
            of(name, &|counts| counts.tasks[usize::from(state.code())] = n);
        }
        let mut steps = reader.connection.prepare_cached(sql::CENSUS_STEPS)?;
        for row in steps.query_map([now.as_micros()], |row| Ok((rows::name(row, 0)?, nine(row)?)))? {
            let (name, [states @ .., retryable, exhausted, waiting]) = row?;
            of(name, &|counts| {
                counts.steps = states;
                (counts.retryable_errors, counts.exhausted_retries, counts.in_backoff) =
                    (retryable, exhausted, waiting);
            });
        }
        Ok(Census {
            namespaces: found.into_values().collect(),
            active_connections: connections,
            max_connections: connections,
        })
    })
}

fn nine(row: &Row<'_>) -> rusqlite::Result<[u64; 9]> {
    let mut counts = [0; 9];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = rows::count(row, place + 1)?;
    }
    Ok(counts)
}

/// What says whether all goes well.
pub(crate) fn vital_signs(reader: &mut Reader, since: Timestamp) -> Result<VitalSigns, Trouble> {
    let since = [since.as_micros()];
    reader.snapshot(|reader| {
        let connection = &reader.connection;
        let (ended_tasks, failed_tasks) =
            connection.prepare_cached(sql::VITAL_TASKS)?.query_row(since, two)?;
        let (executed_steps, failed_steps) =
            connection.prepare_cached(sql::VITAL_STEPS)?.query_row(since, two)?;
        let mut stuck = connection.prepare_cached(sql::VITAL_STUCK)?;
        let stuck_tasks = stuck.query_row([], |row| rows::count(row, 0))?;
        Ok(VitalSigns {
            ended_tasks,
            failed_tasks,
            executed_steps,
            failed_steps,
            stuck_tasks,
            connections: None,
        })
    })
}

/// How it went since an instant.
pub(crate) fn analytics(
    reader: &mut Reader,
    since: Timestamp,
    now: Timestamp,
) -> Result<AnalyticsMetrics, Trouble> {
    let tally = reader.snapshot(|reader| {
        let connection = &reader.connection;
        let hour_ago = now.minus(SCORE_SPAN).as_micros();
        let mut tasks = connection.prepare_cached(sql::ANALYTICS_TASKS)?;
        let tally = tasks.query_row([since.as_micros(), hour_ago], tally_of_tasks)?;
        let mut types = connection.prepare_cached(sql::ANALYTICS_TYPES)?;
        let (namespaces, task_types) = types.query_row([], two)?;
        let mut steps = connection.prepare_cached(sql::ANALYTICS_STEPS)?;
        let (steps, step_micros) = steps.query_row([since.as_micros()], two)?;
        Ok(Tally { namespaces, task_types, steps, step_micros, ..tally })
    })?;
    Ok(tally.metrics(since, now))
}

fn tally_of_tasks(row: &Row<'_>) -> rusqlite::Result<Tally> {
    Ok(Tally {
        active_tasks: rows::count(row, 0)?,
        lately_complete: rows::count(row, 1)?,
        lately_in_error: rows::count(row, 2)?,
        created: rows::count(row, 3)?,
        complete: rows::count(row, 4)?,
        in_error: rows::count(row, 5)?,
        task_micros: rows::count(row, 6)?,
        ..Tally::default()
    })
}

fn two(row: &Row<'_>) -> rusqlite::Result<(u64, u64)> {
    Ok((rows::count(row, 0)?, rows::count(row, 1)?))
}

/// The tasks that took longest.
pub(crate) fn slowest_tasks(reader: &Reader, query: &SlowestQuery) -> Result<Vec<SlowTask>, Trouble> {
    slowest(reader, sql::SLOWEST_TASKS, query, slow_task)
}

/// The steps that took longest.
pub(crate) fn slowest_steps(reader: &Reader, query: &SlowestQuery) -> Result<Vec<SlowStep>, Trouble> {
    slowest(reader, sql::SLOWEST_STEPS, query, slow_step)
}

fn slowest<T>(
    reader: &Reader,
    statement: &'static str,
    query: &SlowestQuery,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Trouble> {
    let mut statement = reader.connection.prepare_cached(statement)?;
    let params = params![
        query.since.as_micros(),
        query.namespace.as_ref().map(ToString::to_string),
        query.name.as_ref().map(ToString::to_string),
        query.version.as_ref().map(ToString::to_string),
        query.rows() as i64
    ];
    Ok(statement.query_map(params, read)?.collect::<Result<_, _>>()?)
}

fn slow_task(row: &Row<'_>) -> rusqlite::Result<SlowTask> {
    let (created_at, completed_at) = (rows::instant(row, 7)?, rows::instant(row, 8)?);
    Ok(SlowTask {
        task_id: rows::task_id(row, 0)?,
        task_name: rows::name(row, 1)?,
        namespace_name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        duration_seconds: seconds(completed_at.since(created_at)),
        step_count: rows::count(row, 4)?,
        completed_steps: rows::count(row, 5)?,
        error_steps: rows::count(row, 6)?,
        created_at,
        completed_at,
        initiator: row.get(9)?,
        source_system: row.get(10)?,
    })
}

fn slow_step(row: &Row<'_>) -> rusqlite::Result<SlowStep> {
    Ok(SlowStep {
        task_id: rows::task_id(row, 0)?,
        step_name: rows::name(row, 1)?,
        ordinal: Ordinal(row.get(2)?),
        task_name: rows::name(row, 3)?,
        namespace_name: rows::name(row, 4)?,
        version: rows::name(row, 5)?,
        duration_seconds: seconds(Duration::from_micros(rows::count(row, 6)?)),
        attempts: row.get(7)?,
        created_at: rows::instant(row, 8)?,
        completed_at: rows::instant(row, 9)?,
        retryable: row.get(10)?,
        step_status: StepState::Complete,
    })
}
