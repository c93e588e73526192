//! What is told of many tasks together, counted by the server.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::survey::spread::BUCKET_ENDS;
use tasker_core::survey::{
    Executions, FailureCount, LongStep, LongTask, MOST_FAILURES, Population, Spread, Stage, Standing,
    StepTally, Tallies, Traffic,
};
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::list::KnownRevision;
use tasker_store::survey::{PATIENCE, Scope, SurveyStore};
use uuid::Uuid;

use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Query, Session};
use crate::{Parts, PostgresStore, Trying as _, lists, sql};

#[async_trait]
impl SurveyStore for PostgresStore {
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError> {
        let survey = Survey::begin(&self.parts, scope).await.trying("counting tasks")?;
        survey.standing(since).await.trying("counting tasks")
    }

    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError> {
        let survey = Survey::begin(&self.parts, scope).await.trying("counting what came and went")?;
        survey.traffic(since).await.trying("counting what came and went")
    }

    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError> {
        let survey = Survey::begin(&self.parts, scope).await.trying("counting new tasks")?;
        survey.population(since).await.trying("counting new tasks")
    }

    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError> {
        let survey = Survey::begin(&self.parts, scope).await.trying("counting steps")?;
        survey.step_tallies(since, self.parts.given_time()).await.trying("counting steps")
    }

    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError> {
        let survey = Survey::begin(&self.parts, scope).await.trying("counting failures")?;
        survey.failures(since).await.trying("counting failures")
    }

    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError> {
        const TRYING: &str = "looking for tasks that take long";
        let survey = Survey::begin(&self.parts, scope).await.trying(TRYING)?;
        survey.long_tasks(since, self.parts.given_time(), stage, limit).await.trying(TRYING)
    }

    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError> {
        const TRYING: &str = "looking for steps that took long";
        let survey = Survey::begin(&self.parts, scope).await.trying(TRYING)?;
        survey.long_steps(since, limit).await.trying(TRYING)
    }
}

/// One look at the tasks of a scope, in a transaction of its own.
struct Survey {
    session: Session,
    /// The revisions of the scope.
    known: Vec<KnownRevision<Uuid>>,
    /// Their ids, unless it is of all tasks.
    ids: Option<Vec<Uuid>>,
}

impl Survey {
    async fn begin(parts: &Parts, scope: &Scope) -> Result<Self, Trouble> {
        let mut session = parts.reads.begin(Begin::Snapshot).await?;
        let known = prepare(&mut session, scope).await;
        match known {
            Ok(known) => {
                let ids = (!scope.is_everything()).then(|| known.iter().map(|of| of.id).collect());
                Ok(Self { session, known, ids })
            }
            Err(trouble) => session.end(Err(trouble)).await,
        }
    }

    async fn standing(mut self, since: Timestamp) -> Result<Standing, Trouble> {
        let counted = self.count_standing(since).await;
        self.session.end(counted).await
    }

    async fn count_standing(&mut self, since: Timestamp) -> Result<Standing, Trouble> {
        let query = self.query(sql::SURVEY_STANDING, since);
        let row = one(self.session.rows(query).await?)?;
        let query = self.session.query(sql::SURVEY_USED);
        let used = self.session.rows(query).await?;
        let used = used.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<Uuid>, _>>()?;
        let kinds = self.kinds(&used);
        let namespaces: BTreeSet<&Namespace> = kinds.iter().map(|(namespace, _)| *namespace).collect();
        Ok(Standing {
            active: rows::count(&row, 0)?,
            namespaces: namespaces.len() as u64,
            task_types: kinds.len() as u64,
            complete: rows::count(&row, 1)?,
            in_error: rows::count(&row, 2)?,
        })
    }

    async fn traffic(mut self, since: Timestamp) -> Result<Traffic, Trouble> {
        let counted = self.count_traffic(since).await;
        self.session.end(counted).await
    }

    async fn count_traffic(&mut self, since: Timestamp) -> Result<Traffic, Trouble> {
        let query = self.query(sql::SURVEY_TRAFFIC, since).bind(bucket_ends());
        let tasks = one(self.session.rows(query).await?)?;
        let query = self.query(sql::SURVEY_EXECUTIONS, since);
        let steps = one(self.session.rows(query).await?)?;
        Ok(Traffic {
            created: rows::count(&tasks, 0)?,
            in_error: rows::count(&tasks, 1)?,
            complete: spread(&tasks, 2)?,
            steps: Executions {
                count: rows::count(&steps, 0)?,
                run: rows::count(&steps, 1)?,
                queued: rows::count(&steps, 2)?,
            },
        })
    }

    async fn population(mut self, since: Timestamp) -> Result<Population, Trouble> {
        let query = self.query(sql::SURVEY_POPULATION, since).bind(bucket_ends());
        let rows = self.session.rows(query).await;
        let counted = rows.and_then(one).and_then(|row| {
            let used: Option<Vec<Uuid>> = row.try_get(8)?;
            Ok(Population {
                tasks: rows::count(&row, 0)?,
                task_types: self.kinds(&used.into_iter().flatten().collect()).len() as u64,
                in_error: rows::count(&row, 1)?,
                complete: spread(&row, 2)?,
            })
        });
        self.session.end(counted).await
    }

    async fn step_tallies(self, since: Timestamp, now: Option<At>) -> Result<Tallies, Trouble> {
        let query = self.query(sql::SURVEY_STEP_TALLIES, since).bind(now);
        let tallies = self.all(query, |row| {
            let tally = StepTally {
                executed: rows::count(row, 1)?,
                retried: rows::count(row, 2)?,
                recovered: rows::count(row, 3)?,
                pending: rows::count(row, 4)?,
                waited: rows::count(row, 5)?,
                blocked: rows::count(row, 6)?,
            };
            Ok((rows::name(row, 0)?, tally))
        });
        Ok(Tallies(tallies.await?.into_iter().collect()))
    }

    async fn failures(self, since: Timestamp) -> Result<Vec<FailureCount>, Trouble> {
        let query = self.query(sql::SURVEY_FAILURES, since).bind(most(MOST_FAILURES));
        let failure = |row: &PgRow| {
            Ok(FailureCount { code: row.try_get(0)?, class: row.try_get(1)?, count: rows::count(row, 2)? })
        };
        self.all(query, failure).await
    }

    async fn long_tasks(
        self,
        since: Timestamp,
        now: Option<At>,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, Trouble> {
        let query = self.query(sql::SURVEY_LONG_TASKS, since);
        let query = query.bind(lists::codes(stage.states())).bind(now).bind(most(limit));
        self.all(query, long_task).await
    }

    async fn long_steps(self, since: Timestamp, limit: usize) -> Result<Vec<LongStep>, Trouble> {
        let query = self.query(sql::SURVEY_LONG_STEPS, since).bind(most(limit));
        self.all(query, long_step).await
    }

    /// A statement with the parameters that all of them have: since when, and which revisions.
    fn query(&self, statement: &'static str, since: Timestamp) -> Query {
        self.session.query(statement).bind(At(since)).bind(self.ids.clone())
    }

    async fn all<T>(
        mut self,
        query: Query,
        read: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, Trouble> {
        let rows = self.session.rows(query).await;
        let values = rows.and_then(|rows| Ok(rows.iter().map(read).collect::<Result<_, _>>()?));
        self.session.end(values).await
    }

    /// Namespaces and names of the definitions of these revisions, as far as they belong to the scope.
    fn kinds(&self, used: &HashSet<Uuid>) -> BTreeSet<(&Namespace, &DefinitionName)> {
        let used = self.known.iter().filter(|of| used.contains(&of.id));
        used.map(|of| (&of.namespace, &of.name)).collect()
    }
}

/// Bounds the statements of a transaction in time, and finds the revisions of a scope.
async fn prepare(session: &mut Session, scope: &Scope) -> Result<Vec<KnownRevision<Uuid>>, Trouble> {
    let bound: Arc<str> = format!("SET LOCAL statement_timeout = {}", PATIENCE.as_millis()).into();
    session.script(bound).await?;
    let (namespace, name) = (scope.namespace.as_ref(), scope.name.as_ref());
    let mut known = lists::revisions_of(session, namespace, name, scope.version.as_ref()).await?;
    known.retain(|of| scope.holds(&of.namespace, &of.name, &of.version));
    Ok(known)
}

fn one(rows: Vec<PgRow>) -> Result<PgRow, Trouble> {
    rows.into_iter().next().ok_or_else(|| Trouble::Corrupt("counts were answered without a row".into()))
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// In microseconds.
fn bucket_ends() -> Vec<i64> {
    BUCKET_ENDS.iter().map(|end| i64::try_from(end * 1_000_000).unwrap_or(i64::MAX)).collect()
}

/// Six columns: how many, together, the longest, percentiles, less than the end of each bucket.
fn spread(row: &PgRow, first: usize) -> Result<Spread, sqlx::Error> {
    let count = rows::count(row, first)?;
    let percentiles: Option<Vec<i64>> = row.try_get(first + 3)?;
    let percentile = |place: usize| {
        let span = percentiles.as_ref().and_then(|all| all.get(place)).copied();
        span.and_then(|span| u64::try_from(span).ok()).unwrap_or(0)
    };
    let (brief, middling) = (rows::count(row, first + 4)?, rows::count(row, first + 5)?);
    Ok(Spread {
        count,
        total: rows::count(row, first + 1)?,
        p50: percentile(0),
        p95: percentile(1),
        p99: percentile(2),
        longest: rows::count(row, first + 2)?,
        buckets: [brief, middling.saturating_sub(brief), count.saturating_sub(middling)],
    })
}

fn span(row: &PgRow, column: usize) -> Result<Duration, sqlx::Error> {
    rows::count(row, column).map(Duration::from_micros)
}

fn long_task(row: &PgRow) -> Result<LongTask, sqlx::Error> {
    Ok(LongTask {
        task_id: TaskId(row.try_get(0)?),
        namespace: rows::name(row, 1)?,
        name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        state: rows::task_state(row, 4)?,
        span: span(row, 5)?,
        steps: rows::count(row, 6)?,
        done: rows::count(row, 7)?,
        in_error: rows::count(row, 8)?,
        created_at: rows::instant(row, 9)?,
        ended_at: rows::maybe_instant(row, 10)?,
        initiator: row.try_get(11)?,
        source_system: row.try_get(12)?,
    })
}

fn long_step(row: &PgRow) -> Result<LongStep, sqlx::Error> {
    Ok(LongStep {
        task_id: TaskId(row.try_get(0)?),
        step: rows::name(row, 1)?,
        ordinal: rows::ordinal(row, 2)?,
        namespace: rows::name(row, 3)?,
        name: rows::name(row, 4)?,
        version: rows::name(row, 5)?,
        span: span(row, 6)?,
        queued: span(row, 7)?,
        attempts: rows::natural(row, 8)?,
        retryable: row.try_get(9)?,
        created_at: rows::instant(row, 10)?,
        completed_at: rows::instant(row, 11)?,
    })
}
