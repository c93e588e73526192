//! What is told of many tasks together. Rows of tasks and steps are counted as they are read: nothing travels.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use tasker_core::ids::Ordinal;
use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::state::TaskState;
use tasker_core::survey::{
    Executions, FailureCount, Glance, LongStep, LongTask, MOST_FAILURES, Population, Spans, Spread, Stage,
    Standing, Steps, Tallies, Traffic,
};
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::list::KnownRevision;
use tasker_store::survey::{PATIENCE, Scope, SurveyStore};

use crate::SqliteStore;
use crate::error::Trouble;
use crate::lists;
use crate::rows;
use crate::sql;
use crate::threads::Reader;

/// After how many of SQLite's instructions it is looked whether the time is over.
const INSTRUCTIONS: i32 = 10_000;

#[async_trait]
impl SurveyStore for SqliteStore {
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError> {
        self.survey("counting tasks", scope, move |survey| survey.standing(since)).await
    }

    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError> {
        self.survey("counting what came and went", scope, move |survey| survey.traffic(since)).await
    }

    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError> {
        self.survey("counting new tasks", scope, move |survey| survey.population(since)).await
    }

    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError> {
        let now = (self.clock)();
        self.survey("counting steps", scope, move |survey| survey.step_tallies(since, now)).await
    }

    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError> {
        self.survey("counting failures", scope, move |survey| survey.failures(since)).await
    }

    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError> {
        let now = (self.clock)();
        let job = move |survey: &Survey<'_>| survey.long_tasks(since, now, stage, limit);
        self.survey("looking for tasks that take long", scope, job).await
    }

    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError> {
        let job = move |survey: &Survey<'_>| survey.long_steps(since, limit);
        self.survey("looking for steps that took long", scope, job).await
    }
}

impl SqliteStore {
    async fn survey<T: Send + 'static>(
        &self,
        trying: &'static str,
        scope: &Scope,
        count: impl FnOnce(&Survey<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let scope = scope.clone();
        let job = move |reader: &mut Reader| {
            reader.snapshot(|reader| {
                within(&reader.connection, PATIENCE, || count(&Survey::new(reader, &scope)?))
            })
        };
        self.threads.read(trying, job).await
    }
}

/// Gives up what takes longer.
fn within<T>(
    connection: &Connection,
    patience: Duration,
    work: impl FnOnce() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let begun = Instant::now();
    connection.progress_handler(INSTRUCTIONS, Some(move || begun.elapsed() > patience))?;
    let answer = work();
    connection.progress_handler(0, None::<fn() -> bool>)?;
    answer
}

/// One look at the tasks of a scope.
struct Survey<'a> {
    reader: &'a Reader,
    /// The revisions of the scope.
    known: Vec<KnownRevision<i64>>,
    /// Their numbers as JSON, unless it is of all tasks.
    ids: Option<String>,
}

/// A task, as `survey_created` and `survey_ended` have it.
struct Seen {
    revision: i64,
    state: TaskState,
    span: Option<Duration>,
}

impl<'a> Survey<'a> {
    fn new(reader: &'a Reader, scope: &Scope) -> Result<Self, Trouble> {
        let (namespace, name) = (scope.namespace.as_ref(), scope.name.as_ref());
        let mut known = lists::revisions_of(&reader.connection, namespace, name, scope.version.as_ref())?;
        known.retain(|of| scope.holds(&of.namespace, &of.name, &of.version));
        let ids = known.iter().map(|of| of.id.to_string()).collect::<Vec<_>>().join(",");
        let ids = (!scope.is_everything()).then(|| format!("[{ids}]"));
        Ok(Self { reader, known, ids })
    }

    fn standing(&self, since: Timestamp) -> Result<Standing, Trouble> {
        let connection = &self.reader.connection;
        let active =
            connection.prepare_cached(sql::SURVEY_OPEN)?.query_row([&self.ids], |row| rows::count(row, 0))?;
        let mut used = connection.prepare_cached(sql::SURVEY_USED)?;
        let used: HashSet<i64> = used.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let kinds = self.kinds(&used);
        let namespaces: BTreeSet<&Namespace> = kinds.iter().map(|(namespace, _)| *namespace).collect();
        let mut standing = Standing {
            active,
            namespaces: namespaces.len() as u64,
            task_types: kinds.len() as u64,
            ..Standing::default()
        };
        self.each(sql::SURVEY_ENDED, since, |seen| match seen.state {
            TaskState::Complete => standing.complete += 1,
            _ => standing.in_error += 1,
        })?;
        Ok(standing)
    }

    fn traffic(&self, since: Timestamp) -> Result<Traffic, Trouble> {
        let mut traffic = Traffic::default();
        self.each(sql::SURVEY_CREATED, since, |_| traffic.created += 1)?;
        let mut spans = Spans::default();
        self.each(sql::SURVEY_ENDED, since, |seen| match seen.complete() {
            Some(span) => spans.add(span),
            None => traffic.in_error += 1,
        })?;
        traffic.complete = spans.spread();
        let mut steps = Executions::default();
        self.each_task(sql::SURVEY_STEPS_CHANGED, since, |task, _| steps.add(task, since))?;
        Ok(Traffic { steps, ..traffic })
    }

    fn population(&self, since: Timestamp) -> Result<Population, Trouble> {
        let (mut tasks, mut in_error, mut spans, mut used) = (0, 0, Spans::default(), HashSet::new());
        self.each(sql::SURVEY_CREATED, since, |seen| {
            tasks += 1;
            used.insert(seen.revision);
            in_error += u64::from(seen.state == TaskState::Error);
            seen.complete().into_iter().for_each(|span| spans.add(span));
        })?;
        let complete: Spread = spans.spread();
        Ok(Population { tasks, task_types: self.kinds(&used).len() as u64, in_error, complete })
    }

    fn step_tallies(&self, since: Timestamp, now: Timestamp) -> Result<Tallies, Trouble> {
        let mut tallies = Tallies::default();
        self.each_task(sql::SURVEY_STEPS_CREATED, since, |task, state| tallies.add(task, state, now))?;
        Ok(tallies)
    }

    fn failures(&self, since: Timestamp) -> Result<Vec<FailureCount>, Trouble> {
        let mut statement = self.reader.connection.prepare_cached(sql::SURVEY_FAILURES)?;
        let rows = statement
            .query_map(params![since.as_micros(), self.ids, MOST_FAILURES as i64], |row| {
                Ok(FailureCount { code: row.get(0)?, class: row.get(1)?, count: rows::count(row, 2)? })
            })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn long_tasks(
        &self,
        since: Timestamp,
        now: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, Trouble> {
        let states = stage.states().iter().map(|state| state.code().to_string()).collect::<Vec<_>>();
        let states = format!("[{}]", states.join(","));
        let mut statement = self.reader.connection.prepare_cached(sql::SURVEY_LONG_TASKS)?;
        let params = params![since.as_micros(), self.ids, states, now.as_micros(), limit as i64];
        Ok(statement.query_map(params, long_task)?.collect::<Result<_, _>>()?)
    }

    fn long_steps(&self, since: Timestamp, limit: usize) -> Result<Vec<LongStep>, Trouble> {
        let mut statement = self.reader.connection.prepare_cached(sql::SURVEY_LONG_STEPS)?;
        let params = params![since.as_micros(), self.ids, limit as i64];
        Ok(statement.query_map(params, long_step)?.collect::<Result<_, _>>()?)
    }

    /// Namespaces and names of the definitions of these revisions, as far as they belong to the scope.
    fn kinds(&self, used: &HashSet<i64>) -> BTreeSet<(&Namespace, &DefinitionName)> {
        let used = self.known.iter().filter(|of| used.contains(&of.id));
        used.map(|of| (&of.namespace, &of.name)).collect()
    }

    /// Looks at tasks, one by one.
    fn each(
        &self,
        statement: &'static str,
        since: Timestamp,
        mut look: impl FnMut(Seen),
    ) -> Result<(), Trouble> {
        let mut statement = self.reader.connection.prepare_cached(statement)?;
        let mut found = statement.query(params![since.as_micros(), self.ids])?;
        while let Some(row) = found.next()? {
            let span: Option<i64> = row.get(2)?;
            let span = span.map(|span| Duration::from_micros(u64::try_from(span).unwrap_or(0)));
            look(Seen { revision: row.get(0)?, state: rows::task_state(row, 1)?, span });
        }
        Ok(())
    }

    /// Looks at the steps of tasks, task by task.
    fn each_task(
        &self,
        statement: &'static str,
        since: Timestamp,
        mut look: impl FnMut(&Steps<'_>, TaskState),
    ) -> Result<(), Trouble> {
        let connection = &self.reader.connection;
        let mut statement = connection.prepare_cached(statement)?;
        let mut found = statement.query(params![since.as_micros(), self.ids])?;
        let (mut task, mut steps): (Option<Head>, Vec<Glance>) = (None, Vec::new());
        let mut tell = |task: Option<Head>, steps: &[Glance]| -> Result<(), Trouble> {
            let Some(Head { revision, state, created_at, .. }) = task else { return Ok(()) };
            let revision = self.reader.revisions.get(connection, revision)?;
            look(&Steps { plan: &revision.plan, created_at, steps }, state);
            Ok(())
        };
        while let Some(row) = found.next()? {
            let head = Head::of(row)?;
            if task != Some(head) {
                tell(task.replace(head), &steps)?;
                steps.clear();
            }
            steps.push(glance(row)?);
        }
        tell(task, &steps)
    }
}

impl Seen {
    /// How long it took, if it is complete.
    fn complete(&self) -> Option<Duration> {
        self.span.filter(|_| self.state == TaskState::Complete)
    }
}

/// What the rows of one task's steps have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    seq: i64,
    revision: i64,
    state: TaskState,
    created_at: Timestamp,
}

impl Head {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            revision: row.get(1)?,
            state: rows::task_state(row, 2)?,
            created_at: rows::instant(row, 3)?,
        })
    }
}

fn glance(row: &Row<'_>) -> rusqlite::Result<Glance> {
    Ok(Glance {
        ordinal: Ordinal(row.get(4)?),
        state: rows::step_state(row, 5)?,
        waits: row.get(6)?,
        attempts: row.get(7)?,
        started_at: rows::maybe_instant(row, 8)?,
        processed_at: rows::maybe_instant(row, 9)?,
    })
}

fn long_task(row: &Row<'_>) -> rusqlite::Result<LongTask> {
    Ok(LongTask {
        task_id: rows::task_id(row, 0)?,
        namespace: rows::name(row, 1)?,
        name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        state: rows::task_state(row, 4)?,
        span: Duration::from_micros(rows::count(row, 5)?),
        steps: rows::count(row, 6)?,
        done: rows::count(row, 7)?,
        in_error: rows::count(row, 8)?,
        created_at: rows::instant(row, 9)?,
        ended_at: rows::maybe_instant(row, 10)?,
        initiator: row.get(11)?,
        source_system: row.get(12)?,
    })
}

fn long_step(row: &Row<'_>) -> rusqlite::Result<LongStep> {
    Ok(LongStep {
        task_id: rows::task_id(row, 0)?,
        step: rows::name(row, 1)?,
        ordinal: Ordinal(row.get(2)?),
        namespace: rows::name(row, 3)?,
        name: rows::name(row, 4)?,
        version: rows::name(row, 5)?,
        span: Duration::from_micros(rows::count(row, 6)?),
        queued: Duration::from_micros(rows::count(row, 7)?),
        attempts: row.get(8)?,
        retryable: row.get(9)?,
        created_at: rows::instant(row, 10)?,
        completed_at: rows::instant(row, 11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_given_up_and_the_connection_is_good() {
        let connection = Connection::open_in_memory().unwrap();
        let count = |n: i64| {
            let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT max(i) FROM n";
            within(&connection, Duration::ZERO, || {
                Ok(connection.query_row(endless, [n], |row| row.get::<_, i64>(0))?)
            })
        };
        let error = count(1_000_000_000).unwrap_err().while_trying("counting");
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert_eq!(count(10).unwrap(), 10);
    }
}
