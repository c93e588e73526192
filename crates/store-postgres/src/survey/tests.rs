//! How surveys are run: by which index, and for how long.

use std::error::Error as _;

use sqlx::{AssertSqlSafe, Row as _};
use tasker_testkit::clock::TestClock;
use tasker_testkit::postgres::Server;

use super::*;

/// Ten thousand tasks of the last day, one in a hundred of them open, each with a step that failed once.
const A_DAY: &str = "
    INSERT INTO tasker.task (id, revision_id, created_at, updated_at, ended_at, arrival, log_seq, log_xid, log_epoch, active,
        remaining, state, priority)
    SELECT gen_random_uuid(), gen_random_uuid(), at, at, CASE WHEN i % 100 > 0 THEN at END, i, 1, 1, 1, 0, 0,
        CASE WHEN i % 100 > 0 THEN 2 ELSE 1 END, 0
    FROM generate_series(1, 10000) AS i, LATERAL (SELECT now() - i * interval '8 seconds' AS at) AS t;
    INSERT INTO tasker.step (task_id, ordinal, waits, fence, settled_fence, updated_at, started_at, processed_at, attempts,
        retry_limit, lease_expiries, key_generation, state, retryable)
    SELECT id, 0, 0, 2, 2, created_at, created_at, created_at, 2, 3, 0, 0, 2, true FROM tasker.task;
    INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, to_state, actor)
    SELECT id, 1, 1, created_at, 1, 0, 3, 'somebody' FROM tasker.task;
    ANALYZE";

#[tokio::test]
async fn surveys_find_their_tasks_by_the_time_of_creation_or_end() {
    let database = Server::for_tests().database().await;
    let mut connection = database.connect().await;
    sqlx::raw_sql(A_DAY).execute(&mut connection).await.unwrap();
    const CREATED: &str = "task_created_at_idx";
    const ENDED: &str = "task_ended_at_idx";
    for (statement, arguments, indexes) in [
        (sql::SURVEY_STANDING, "", &[ENDED][..]),
        (sql::SURVEY_TRAFFIC, ", '{1,2}'", &[CREATED, ENDED]),
        (sql::SURVEY_POPULATION, ", '{1,2}'", &[CREATED]),
        (sql::SURVEY_EXECUTIONS, "", &["task_state_revision_id_idx", ENDED]),
        (sql::SURVEY_STEP_TALLIES, ", NULL", &[CREATED]),
        (sql::SURVEY_FAILURES, ", 5", &[CREATED]),
        (sql::SURVEY_LONG_TASKS, ", '{2,3}', NULL, 5", &[CREATED]),
        (sql::SURVEY_LONG_STEPS, ", 5", &[CREATED]),
    ] {
        let prepare = format!("DEALLOCATE ALL; PREPARE survey AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE survey(now() - interval '5 minutes', NULL{arguments})");
        let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        assert!(indexes.iter().all(|index| plan.contains(index)), "{statement}{plan}");
    }
}

#[tokio::test]
async fn a_part_that_takes_too_long_is_given_up_and_the_others_are_not() {
    let database = Server::for_tests().database().await;
    let store = database.store(&TestClock::default()).await;
    let mut other = database.connect().await;
    let lock = "BEGIN; LOCK TABLE tasker.step IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let all = Scope::default();
    let (steps, tasks) = tokio::join!(
        store.step_tallies(&all, Timestamp::default()),
        store.population(&all, Timestamp::default())
    );
    assert_eq!(tasks.unwrap(), Population::default());
    let error = steps.unwrap_err();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(
        matches!(error, StoreError::Unavailable { .. }) && cause.contains("statement timeout"),
        "{cause}"
    );
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.step_tallies(&all, Timestamp::default()).await.unwrap(), Tallies::default());
}
