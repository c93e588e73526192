//! Whatever is damaged in a database is found by SQL alone, and told as `core` tells it.

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tasker_core::audit::{Code, audit};
use tasker_core::decide::{Answer, Input};
use tasker_core::ids::{Fence, TaskId};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::plan::Plan;
use tasker_store::Store as _;
use tasker_store::integrity::Finding;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{plan, plan_with};
use tasker_testkit::driver::{Driver, at, success};
use tasker_testkit::postgres::Server;
use uuid::Uuid;

/// Damage to a task, and codes that must be among what is found. Steps: 0 is complete, 1 waits to be claimed, 2 waits for 1,
/// 3 is in error and will be tried again, 4 runs.
const DAMAGES: &[(&str, &[&str])] = &[
    ("UPDATE tasker.task SET active = 7 WHERE id = $1", &["active_count"]),
    ("UPDATE tasker.task SET remaining = 0 WHERE id = $1", &["remaining_count"]),
    ("UPDATE tasker.task SET ended_at = updated_at WHERE id = $1", &["ended_at"]),
    ("DELETE FROM tasker.queue WHERE task_id = $1", &["nothing_queued", "active_count", "row_missing"]),
    (
        "UPDATE tasker.task SET state = 2 WHERE id = $1",
        &["complete_with_undone", "row_of_ended_task", "ended_at", "log_state"],
    ),
    ("UPDATE tasker.task SET state = 4, ended_at = updated_at WHERE id = $1", &["row_of_ended_task", "log_state"]),
    ("UPDATE tasker.step SET waits = 0 WHERE task_id = $1 AND ordinal = 2", &["waits_count", "row_missing"]),
    ("UPDATE tasker.step SET processed_at = NULL WHERE task_id = $1 AND ordinal = 0", &["processed_at"]),
    (
        "UPDATE tasker.step SET attempts = 9 WHERE task_id = $1 AND ordinal = 0",
        &["attempts_above_limit", "attempts_count"],
    ),
    ("UPDATE tasker.step SET retry_limit = 0 WHERE task_id = $1 AND ordinal = 4", &["attempts_above_limit"]),
    ("UPDATE tasker.step SET retryable = false WHERE task_id = $1 AND ordinal = 3", &["row_unwanted"]),
    ("DELETE FROM tasker.queue WHERE task_id = $1 AND ordinal = 4", &["row_missing", "active_count"]),
    (
        "INSERT INTO tasker.queue SELECT task_id, 2, priority, handler_id, arrival, 0, run_at, NULL
         FROM tasker.queue WHERE task_id = $1 AND ordinal = 1",
        &["row_unwanted", "active_count"],
    ),
    ("UPDATE tasker.queue SET fence = 5 WHERE task_id = $1 AND ordinal = 1", &["row_fence"]),
    ("UPDATE tasker.queue SET worker = $1 WHERE task_id = $1 AND ordinal = 1", &["row_claim"]),
    ("UPDATE tasker.queue SET worker = NULL WHERE task_id = $1 AND ordinal = 4", &["row_claim"]),
    ("UPDATE tasker.queue SET priority = 9 WHERE task_id = $1 AND ordinal = 1", &["row_priority"]),
    ("UPDATE tasker.step SET state = 4 WHERE task_id = $1 AND ordinal = 2", &["log_state"]),
    ("UPDATE tasker.step SET state = 2 WHERE task_id = $1 AND ordinal = 1", &["log_state", "remaining_count", "waits_count"]),
    ("UPDATE tasker.step SET fence = 9 WHERE task_id = $1 AND ordinal = 4", &["fence_count", "row_fence"]),
    ("DELETE FROM tasker.step WHERE task_id = $1 AND ordinal = 2", &["step_missing", "log_unknown_step"]),
    ("DELETE FROM tasker.step WHERE task_id = $1 AND ordinal = 0", &["step_missing", "waits_count"]),
    ("UPDATE tasker.step SET ordinal = 99 WHERE task_id = $1 AND ordinal = 2", &["step_unknown", "step_missing"]),
    ("DELETE FROM tasker.transition WHERE task_id = $1 AND seq = 4", &["log_gap", "log_length", "log_state"]),
    ("DELETE FROM tasker.transition WHERE task_id = $1", &["log_length", "log_state", "attempts_count"]),
    (
        "UPDATE tasker.transition SET at = at - interval '1 hour' WHERE task_id = $1 AND seq = 9",
        &["log_time"],
    ),
    ("UPDATE tasker.task SET updated_at = created_at - interval '1 hour' WHERE id = $1", &["log_time"]),
    (
        "UPDATE tasker.transition SET to_state = 5 WHERE task_id = $1 AND ordinal = 0 AND to_state = 2",
        &["log_illegal", "log_state"],
    ),
    ("UPDATE tasker.transition SET from_state = 3 WHERE task_id = $1 AND ordinal = 4 AND to_state = 1", &["log_chain"]),
    (
        "INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, from_state, to_state, actor)
         SELECT task_id, (SELECT max(seq) + 1 FROM tasker.transition WHERE task_id = $1), xid, at, epoch, 0, 2, 2, actor
         FROM tasker.transition WHERE task_id = $1 AND seq = 1",
        &["completed_twice", "log_illegal", "log_length"],
    ),
    (
        "INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, from_state, to_state, actor)
         SELECT task_id, (SELECT max(seq) + 1 FROM tasker.transition WHERE task_id = $1), xid, at, epoch, 40, NULL, 0, actor
         FROM tasker.transition WHERE task_id = $1 AND seq = 1",
        &["log_unknown_step"],
    ),
];

/// Damage that `core` does not look at, because it is about more than the rows of one task.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("UPDATE tasker.queue SET handler_id = 77 WHERE task_id = $1 AND ordinal = 1", &["row_handler"]),
    ("DELETE FROM tasker.task_input WHERE task_id = $1", &["input_missing"]),
    ("UPDATE tasker.task SET revision_id = $1 WHERE id = $1", &["revision_missing"]),
    ("UPDATE tasker.task SET state = 9 WHERE id = $1", &["state_unknown"]),
    ("UPDATE tasker.step SET state = 9 WHERE task_id = $1 AND ordinal = 2", &["state_unknown"]),
    ("DELETE FROM tasker.task WHERE id = $1", &["orphan_step", "orphan_log_entry", "orphan_input"]),
    ("DELETE FROM tasker.step WHERE task_id = $1 AND ordinal = 1", &["orphan_queue_row"]),
];

struct Damaged {
    d: Driver,
    sql: PgConnection,
    database: tasker_testkit::postgres::Database,
}

impl Damaged {
    async fn new() -> Self {
        let clock = TestClock::default();
        let database = Server::for_tests().database().await;
        let store = database.store(&clock).await;
        let sql = database.connect().await;
        Self { d: Driver::new(StoreUnderTest::new(store, clock)), sql, database }
    }

    /// A task of five steps in five states.
    async fn task(&self) -> TaskId {
        let order = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[]), ("e", &[])]);
        let id = self.d.start(&order).await;
        self.execute(&order, id, "a", success("1")).await;
        self.execute(&order, id, "d", Outcome::Failure(Failure::retryable("Broken", "broken", "it broke")))
            .await;
        assert_eq!(self.claim(&order, id, "e").await, Answer::Claimed);
        id
    }

    async fn claim(&self, plan: &Plan, id: TaskId, step: &str) -> Answer {
        self.d.one(id, Input::Claim { step: at(plan, step), worker: self.d.worker }).await
    }

    async fn execute(&self, plan: &Plan, id: TaskId, step: &str, outcome: Outcome) {
        assert_eq!(self.claim(plan, id, step).await, Answer::Claimed);
        self.d.clock.advance_seconds(1);
        let fence = Fence(1);
        assert!(matches!(
            self.d.one(id, Input::Settle { step: at(plan, step), fence, outcome }).await,
            Answer::Settled { .. }
        ));
    }

    async fn damage(&mut self, sql: &'static str, id: TaskId) {
        let done = sqlx::query(sql).bind(id.0).execute(&mut self.sql).await;
        let n = done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected();
        assert!(n > 0, "{sql} damages nothing");
    }

    /// What SQL finds about a task: code and step.
    async fn found_by_sql(&mut self, id: TaskId) -> Vec<(String, Option<String>)> {
        let rows = sqlx::query("SELECT code, step_name FROM tasker.check_invariants($1, $1)").bind(id.0);
        let rows = rows.fetch_all(&mut self.sql).await.unwrap();
        sorted(rows.iter().map(|row| (row.get(0), row.get(1))))
    }

    /// What `core` finds about it, from what the store reads.
    async fn found_by_core(&self, id: TaskId) -> Vec<(String, Option<String>)> {
        let detail = self.d.store.task(id).await.unwrap().unwrap();
        let (steps, log) = (self.d.steps(id).await, self.d.log(id).await);
        let findings = audit(&detail.plan, &detail.record, &steps, &log);
        sorted(findings.into_iter().map(|f| (f.code.to_string(), f.step.map(|step| step.to_string()))))
    }
}

fn sorted(findings: impl Iterator<Item = (String, Option<String>)>) -> Vec<(String, Option<String>)> {
    let mut findings: Vec<_> = findings.collect();
    findings.sort();
    findings
}

fn assert_codes(found: &[(String, Option<String>)], expected: &[&str], damage: &str) {
    for code in expected {
        assert!(found.iter().any(|(found, _)| found == code), "{damage}: no {code} in {found:?}");
    }
}

#[tokio::test]
async fn dom_113_sql_finds_what_core_finds() {
    let mut world = Damaged::new().await;
    let sound = world.task().await;
    for (damage, expected) in DAMAGES {
        let id = world.task().await;
        assert_eq!(world.found_by_sql(id).await, [], "before {damage}");
        world.damage(damage, id).await;
        let found = world.found_by_sql(id).await;
        assert_codes(&found, expected, damage);
        assert_eq!(found, world.found_by_core(id).await, "{damage}");
    }
    assert_eq!(world.found_by_sql(sound).await, []);
}

#[tokio::test]
async fn rows_that_hang_on_nothing_are_found() {
    let mut world = Damaged::new().await;
    for (damage, expected) in OUTSIDE {
        let id = world.task().await;
        world.damage(damage, id).await;
        assert_codes(&world.found_by_sql(id).await, expected, damage);
    }
}

#[tokio::test]
async fn steps_that_run_one_at_a_time_have_one_row() {
    let mut world = Damaged::new().await;
    let order = plan_with("turns", &[("a", &[]), ("b", &[])], |definition| definition.concurrent = false);
    let id = world.d.start(&order).await;
    assert_eq!(world.found_by_sql(id).await, []);
    world
        .damage(
            "INSERT INTO tasker.queue SELECT task_id, 1, priority, handler_id, arrival, fence, run_at, NULL
             FROM tasker.queue WHERE task_id = $1",
            id,
        )
        .await;
    assert_codes(&world.found_by_sql(id).await, &["turns"], "a second row");
    assert_eq!(world.found_by_sql(id).await, world.found_by_core(id).await);
}

#[tokio::test]
async fn the_store_tells_what_the_function_tells() {
    let mut world = Damaged::new().await;
    let (one, two) = (world.task().await, world.task().await);
    world.d.assert_sound().await;
    world.damage("UPDATE tasker.task SET active = 7 WHERE id = $1", one).await;
    world.damage("UPDATE tasker.step SET waits = 2 WHERE task_id = $1 AND ordinal = 2", two).await;
    let expected = [
        Finding::new(Code::ActiveCount, Some(one), None, "active is 7, but should be 3"),
        Finding::new(Code::WaitsCount, Some(two), Some("c".into()), "waits is 2, but should be 1"),
    ];
    assert_eq!(world.d.store.check(100).await.unwrap(), expected);
    assert_eq!(world.d.store.check(1).await.unwrap(), expected[..1]);
}

/// The server takes statistics when it likes, and makes other plans then.
#[tokio::test]
async fn findings_come_in_one_order_whatever_the_plan_is() {
    let mut world = Damaged::new().await;
    for _ in 0..3 {
        let id = world.task().await;
        world.damage("DELETE FROM tasker.task WHERE id = $1", id).await;
    }
    let found = world.d.store.check(100).await.unwrap();
    assert!(found.iter().filter(|finding| finding.code == Code::OrphanLogEntry).count() > 20, "{found:?}");
    for kind in ["enable_hashjoin", "enable_mergejoin"] {
        let change = format!(
            "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET {kind} = off', current_database()); END$$"
        );
        sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut world.sql).await.unwrap();
        let store = world.database.store(&world.d.clock).await;
        assert_eq!(store.check(100).await.unwrap(), found, "{kind} = off");
        assert_eq!(store.check(20).await.unwrap(), found[..20], "{kind} = off");
    }
}

#[tokio::test]
async fn as_75_a_missing_function_is_named() {
    let mut world = Damaged::new().await;
    world.task().await;
    let drop = |sql: &str| sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    drop("DROP FUNCTION tasker.get_slowest_steps").execute(&mut world.sql).await.unwrap();
    let codes = |findings: Vec<Finding>| -> Vec<String> {
        findings.into_iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
    };
    let missing = "object_missing: tasker.get_slowest_steps(timestamptz,integer,text,text,text) is missing from the database";
    assert_eq!(codes(world.d.store.check(10).await.unwrap()), [missing]);
    drop("DROP FUNCTION tasker.check_invariants").execute(&mut world.sql).await.unwrap();
    assert_eq!(world.d.store.check(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn every_task_is_looked_at_range_by_range() {
    let mut world = Damaged::new().await;
    let order = plan("order", &[("a", &[])]);
    world.d.register(&order).await;
    let requests: Vec<_> = (0..2_500).map(|_| world.d.request(&order)).collect();
    let ids: Vec<TaskId> = requests.iter().map(|request| request.id).collect();
    for chunk in requests.chunks(500) {
        world.d.submit_all(chunk.to_vec(), None).await;
    }
    world.d.assert_sound().await;
    for n in [0, 999, 1000, 1001, 1999, 2499] {
        world.damage("UPDATE tasker.task SET remaining = 5 WHERE id = $1", ids[n]).await;
    }
    sqlx::query("DELETE FROM tasker.task WHERE id = $1")
        .bind(ids[2000].0)
        .execute(&mut world.sql)
        .await
        .unwrap();
    let found = world.d.store.check(1000).await.unwrap();
    let tasks: Vec<Uuid> =
        found.iter().filter(|f| f.code == Code::RemainingCount).filter_map(|f| Some(f.task_id?.0)).collect();
    let expected: Vec<Uuid> = [0, 999, 1000, 1001, 1999, 2499].iter().map(|n: &usize| ids[*n].0).collect();
    assert_eq!(tasks, expected);
    assert!(found.iter().any(|f| f.code == Code::OrphanStep && f.task_id == Some(ids[2000])), "{found:?}");
}
