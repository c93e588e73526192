//! The functions and views that people read with SQL of their own hold no rule that `core` does not hold: on random tasks
//! in random states they answer what `core` computes from the rows of the store.

mod graph;
mod world;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use tasker_core::decide::{ClaimBudget, Input};
use tasker_core::execution::task_execution;
use tasker_core::graph::shapes;
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_core::readiness::{StepReadiness, step_readiness};
use tasker_core::record::{Claim, StepRecord};
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_store::write::{Claiming, FromQueue};
use tasker_testkit::definitions::{handler, plan, plan_of};
use tasker_testkit::driver::{Driver, success};
use tasker_testkit::random::{HANDLERS, Rng, random_action, random_outcome, random_plan};
use uuid::Uuid;

use crate::world::{Query, World};

const READINESS: &str = "SELECT task_id, step_name, ordinal, current_state, dependencies_satisfied, retry_eligible, \
     ready_for_execution, (extract(epoch FROM last_failure_at) * 1000000)::bigint, \
     (extract(epoch FROM next_retry_at) * 1000000)::bigint, total_parents, completed_parents, attempts, retry_limit, \
     backoff_request_seconds, (extract(epoch FROM last_attempted_at) * 1000000)::bigint \
     FROM tasker.get_step_readiness_status_batch($1, to_timestamp($2::bigint / 1000000.0))";

fn readiness_of_row(row: &PgRow) -> String {
    format!(
        "{} {} {} {} {} {} {} {:?} {:?} {} {} {} {} {:?} {:?}",
        row.get::<Uuid, _>(0),
        row.get::<&str, _>(1),
        row.get::<i32, _>(2),
        row.get::<&str, _>(3),
        row.get::<bool, _>(4),
        row.get::<bool, _>(5),
        row.get::<bool, _>(6),
        row.get::<Option<i64>, _>(7),
        row.get::<Option<i64>, _>(8),
        row.get::<i32, _>(9),
        row.get::<i32, _>(10),
        row.get::<i32, _>(11),
        row.get::<i32, _>(12),
        row.get::<Option<i32>, _>(13),
        row.get::<Option<i64>, _>(14),
    )
}

fn readiness_of_core(row: &StepReadiness) -> String {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    format!(
        "{} {} {} {} {} {} {} {:?} {:?} {} {} {} {} {:?} {:?}",
        row.task_id,
        row.step_name,
        row.ordinal,
        row.current_state,
        row.dependencies_satisfied,
        row.retry_eligible,
        row.ready_for_execution,
        micros(row.last_failure_at),
        micros(row.next_retry_at),
        row.total_parents,
        row.completed_parents,
        row.attempts,
        row.retry_limit,
        row.backoff_request_seconds,
        micros(row.last_attempted_at),
    )
}

const CONTEXT: &str = "SELECT task_id, status, total_steps, pending_steps, in_progress_steps, completed_steps, \
     failed_steps, ready_steps, execution_status, recommended_action, completion_percentage::float8, health_status \
     FROM tasker.get_task_execution_contexts_batch($1, to_timestamp($2::bigint / 1000000.0))";

fn context_of_row(row: &PgRow) -> serde_json::Value {
    serde_json::json!({
        "task_id": row.get::<Uuid, _>(0),
        "status": row.get::<&str, _>(1),
        "total_steps": row.get::<i64, _>(2),
        "pending_steps": row.get::<i64, _>(3),
        "in_progress_steps": row.get::<i64, _>(4),
        "completed_steps": row.get::<i64, _>(5),
        "failed_steps": row.get::<i64, _>(6),
        "ready_steps": row.get::<i64, _>(7),
        "execution_status": row.get::<&str, _>(8),
        "recommended_action": row.get::<&str, _>(9),
        "completion_percentage": row.get::<f64, _>(10),
        "health_status": row.get::<&str, _>(11),
    })
}

/// All functions about tasks against `core`, for these tasks in the order of their ids.
async fn agree(world: &mut World, ids: &[TaskId], seen: &mut String) {
    let now = world.d.clock.now();
    let (mut readiness, mut contexts) = (Vec::new(), Vec::new());
    for id in ids {
        let (detail, steps) = world.known(*id).await;
        let rows = step_readiness(&detail.plan, &detail.record, &steps, None, now);
        seen.push_str(&format!("{rows:?}"));
        readiness.extend(rows.iter().map(readiness_of_core));
        let context = task_execution(&detail.record, &steps, now);
        seen.push_str(&format!("{context:?}"));
        contexts.push(serde_json::to_value(context).unwrap());
    }
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = world.rows(READINESS, |q| q.bind(uuids.clone()).bind(now.as_micros())).await;
    assert_eq!(rows.iter().map(readiness_of_row).collect::<Vec<_>>(), readiness, "as of {now}");
    let rows = world.rows(CONTEXT, |q| q.bind(uuids).bind(now.as_micros())).await;
    assert_eq!(rows.iter().map(context_of_row).collect::<Vec<_>>(), contexts, "as of {now}");
}

async fn random_step(d: &Driver, rng: &mut Rng, tasks: &[(TaskId, Arc<Plan>)], held: &mut Vec<Claim>) {
    let Some((id, plan)) = rng.pick(tasks) else { return };
    match rng.below(10) {
        0..=3 => {
            let handlers = HANDLERS.iter().map(|name| (handler(name), 3)).collect();
            let budget = ClaimBudget { worker: d.worker, slots: 3, handlers, only_task: None };
            let applied = d.apply(Vec::new(), Some(Claiming { budget, from_queue: FromQueue::First })).await;
            held.extend(applied.work.into_iter().map(|work| work.claim));
        }
        4..=6 if !held.is_empty() => {
            let claim = held.swap_remove(rng.below(held.len()));
            let outcome = random_outcome(rng);
            d.one(claim.task, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome }).await;
        }
        7 | 8 => {
            let action = random_action(rng, plan);
            d.operate(*id, action).await;
        }
        _ => d.clock.advance(Duration::from_millis(rng.below(20_000) as u64)),
    }
}

/// What random tasks must come upon, or their agreement is not worth much.
const STATES: [&str; 14] = [
    "HasReadySteps",
    "Processing",
    "BlockedByFailures",
    "AllComplete",
    "WaitingForDependencies",
    "Recovering",
    "health_status: Blocked",
    "Healthy",
    "InBackoff",
    "RetryNotEligible",
    "blocking_reason: Some(Unknown)",
    "status: Cancelled",
    "status: ResolvedManually",
    "current_state: ResolvedManually",
];

#[tokio::test]
async fn dom_66_readiness_and_context_agree_with_core_on_random_tasks() {
    let mut world = World::new().await;
    let mut seen = String::new();
    for seed in 1..=20 {
        let mut rng = Rng::new(seed);
        let (mut tasks, mut held) = (Vec::new(), Vec::new());
        for n in 0..6 {
            let plan = random_plan(&mut rng, &format!("random_{seed}_{n}"));
            tasks.push((world.d.start(&plan).await, plan));
        }
        let ids: Vec<TaskId> = tasks.iter().map(|(id, _)| *id).collect();
        for _ in 0..25 {
            for _ in 0..4 {
                random_step(&world.d, &mut rng, &tasks, &mut held).await;
            }
            agree(&mut world, &ids, &mut seen).await;
        }
    }
    for state in STATES {
        assert!(seen.contains(state), "chance never led to {state}");
    }
    world.d.assert_sound().await;
}

#[tokio::test]
async fn dom_55_57_a_step_is_ready_from_the_microsecond_on_that_its_wait_ends() {
    let mut world = World::new().await;
    let id = world.d.start(&plan("order", &[("a", &[])])).await;
    let claim = world.d.claim_one("a").await;
    world.d.fail(&claim).await;
    let failed_at = world.d.clock.now();
    for (micros, ready) in [(0, false), (999_999, false), (1_000_000, true), (1_000_001, true)] {
        world.d.clock.set(failed_at.plus(Duration::from_micros(micros)));
        agree(&mut world, &[id], &mut String::new()).await;
        let (detail, steps) = world.known(id).await;
        let rows = step_readiness(&detail.plan, &detail.record, &steps, None, world.d.clock.now());
        assert_eq!(rows[0].ready_for_execution, ready, "{micros}");
    }
}

#[tokio::test]
async fn single_forms_and_views_tell_the_same_as_batches() {
    let mut world = World::new().await;
    let id = world.d.start(&plan_of("small", &shapes::small())).await;
    let claim = world.d.claim().await.remove(0).claim;
    world.d.succeed(&claim).await;
    let same = world
        .rows(
            "WITH batch AS MATERIALIZED (SELECT * FROM tasker.get_step_readiness_status_batch(ARRAY[$1])),
                 context AS MATERIALIZED (SELECT * FROM tasker.get_task_execution_contexts_batch(ARRAY[$1]))
             SELECT (SELECT array_agg(b) FROM batch AS b)::text =
                     (SELECT array_agg(s) FROM tasker.get_step_readiness_status($1) AS s)::text,
                 (SELECT array_agg(b) FROM batch AS b)::text =
                     (SELECT array_agg(v ORDER BY v.ordinal) FROM tasker.step_readiness_status AS v
                         WHERE v.task_id = $1)::text,
                 (SELECT array_agg(b) FROM batch AS b WHERE step_name IN ('two', 'four'))::text =
                     (SELECT array_agg(s) FROM tasker.get_step_readiness_status($1, '{four,two,nobody}') AS s)::text,
                 (SELECT c FROM context AS c)::text = (SELECT c FROM tasker.get_task_execution_context($1) AS c)::text,
                 (SELECT c FROM context AS c)::text =
                     (SELECT v FROM tasker.task_execution_context AS v WHERE v.task_id = $1)::text,
                 (SELECT array_agg(l) FROM tasker.calculate_dependency_levels($1) AS l)::text =
                     (SELECT array_agg(l) FROM tasker.calculate_dependency_levels_batch(ARRAY[$1]) AS l)::text",
            |q| q.bind(id.0),
        )
        .await;
    let same: Vec<bool> = (0..6).map(|column| same[0].get(column)).collect();
    assert_eq!(same, [true; 6]);
}

#[tokio::test]
async fn dom_65_unknown_tasks_and_empty_lists_have_no_rows() {
    let mut world = World::new().await;
    let known = world.d.start(&plan_of("small", &shapes::small())).await;
    let count = "SELECT (SELECT count(*) FROM tasker.get_step_readiness_status($1)),
        (SELECT count(*) FROM tasker.get_task_execution_context($1)),
        (SELECT count(*) FROM tasker.calculate_dependency_levels($1)),
        (SELECT count(*) FROM tasker.get_step_readiness_status($2, '{}')),
        (SELECT count(*) FROM tasker.get_step_readiness_status_batch('{}')),
        (SELECT count(*) FROM tasker.get_task_execution_contexts_batch('{}')),
        (SELECT count(*) FROM tasker.get_step_readiness_status_batch(ARRAY[$1, $2])),
        (SELECT count(*) FROM tasker.get_task_execution_contexts_batch(ARRAY[$1, $2]))";
    let rows = world.rows(count, |q| q.bind(Uuid::nil()).bind(known.0)).await;
    let counts: Vec<i64> = (0..8).map(|column| rows[0].get(column)).collect();
    assert_eq!(counts, [0, 0, 0, 0, 0, 0, 4, 1]);
}

#[tokio::test]
async fn the_tables_of_legal_changes_and_of_queue_rows_are_those_of_core() {
    let mut world = World::new().await;
    let codes: Vec<Option<u8>> = std::iter::once(None).chain((0..6).map(Some)).collect();
    for from in &codes {
        for to in 0..6 {
            let sql = "SELECT tasker.is_legal_change(true, $1, $2), tasker.is_legal_change(false, $1, $2)";
            let rows = world.rows(sql, |q| q.bind(from.map(i16::from)).bind(i16::from(to))).await;
            let task =
                TaskState::allows(from.and_then(TaskState::from_code), TaskState::from_code(to).unwrap());
            let step =
                StepState::allows(from.and_then(StepState::from_code), StepState::from_code(to).unwrap());
            assert_eq!(
                (rows[0].get::<bool, _>(0), rows[0].get::<bool, _>(1)),
                (task, step),
                "{from:?} -> {to}"
            );
        }
    }
    for state in StepState::ALL {
        for (waits, attempts, retryable) in
            [(0, 0, true), (1, 0, true), (0, 2, true), (0, 3, true), (0, 1, false)]
        {
            let mut record =
                StepRecord::new(tasker_core::ids::Ordinal(0), waits, 3, retryable, Timestamp::default());
            (record.state, record.attempts) = (state, attempts);
            let sql = "SELECT tasker.wants_queue_row($1, $2, $3, 3, $4)";
            let bind = |q: Query| {
                q.bind(i16::from(state.code())).bind(waits as i32).bind(attempts as i32).bind(retryable)
            };
            let rows = world.rows(sql, bind).await;
            assert_eq!(rows[0].get::<bool, _>(0), record.wants_queue_row(), "{record:?}");
        }
    }
}

#[tokio::test]
async fn questions_about_one_task_read_one_task() {
    let mut world = World::new().await;
    let plan = plan_of("small", &shapes::small());
    for _ in 0..50 {
        world.d.start(&plan).await;
    }
    world.d.drive(|_, _| success("1")).await;
    world.d.start(&plan).await;
    for (question, indexes) in [
        ("SELECT * FROM tasker.get_step_readiness_status(md5('x')::uuid)", &["step_pkey", "task_pkey"][..]),
        (
            "SELECT * FROM tasker.step_readiness_status WHERE task_id = md5('x')::uuid",
            &["step_pkey", "task_pkey"],
        ),
        ("SELECT * FROM tasker.get_task_execution_context(md5('x')::uuid)", &["step_pkey", "task_pkey"]),
        (
            "SELECT * FROM tasker.task_execution_context WHERE task_id = md5('x')::uuid",
            &["step_pkey", "task_pkey"],
        ),
        ("SELECT * FROM tasker.step_dag_relationships WHERE task_id = md5('x')::uuid", &["task_pkey"]),
        ("SELECT * FROM tasker.tasks WHERE task_id = md5('x')::uuid", &["task_pkey", "task_input_pkey"]),
        ("SELECT * FROM tasker.steps WHERE task_id = md5('x')::uuid", &["step_pkey", "queue_pkey"]),
        ("SELECT * FROM tasker.transitions WHERE task_id = md5('x')::uuid", &["transition_pkey"]),
    ] {
        let plan = explain(&mut world.sql, question).await;
        for index in indexes {
            assert!(plan.contains(index), "{question} does not use {index}:\n{plan}");
        }
    }
}

async fn explain(sql: &mut PgConnection, question: &'static str) -> String {
    let script = format!("SET enable_seqscan = off; EXPLAIN (COSTS OFF) {question}");
    let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).fetch_all(sql).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}
