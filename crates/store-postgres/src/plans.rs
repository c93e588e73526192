//! Tests: every statement of the hot path uses its indexes: on empty tables without statistics, on full ones, and on
//! tables that were filled after they were analyzed last.

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tasker_testkit::postgres::Server;

use crate::options::Purpose;
use crate::sql;

/// Ended tasks, waiting rows of other handlers, and much history.
const SEED: &str = "
    INSERT INTO tasker.namespace (name, created_at) VALUES ('default', now());
    INSERT INTO tasker.definition_revision (id, digest, n_steps, deprecated, document)
        SELECT md5(i::text)::uuid, i::text::bytea, 2, false, '{}' FROM generate_series(1, 20) AS i;
    INSERT INTO tasker.definition (namespace_id, name, version, revision_id, registered_at)
        SELECT n.id, 'd' || i, '1.0.0', md5(i::text)::uuid, now() FROM tasker.namespace AS n, generate_series(1, 20) AS i;
    INSERT INTO tasker.definition_history (revision_id, definition_id) SELECT revision_id, id FROM tasker.definition;
    INSERT INTO tasker.task (id, revision_id, created_at, updated_at, ended_at, arrival, log_seq, log_xid, log_epoch,
            active, remaining, state, priority)
        SELECT md5('t' || i)::uuid, md5((i % 20 + 1)::text)::uuid, now(), now(), CASE WHEN i % 10 > 0 THEN now() END, i, 4,
            i, 1, 0, 0, CASE WHEN i % 10 > 0 THEN 2 ELSE 1 END, 5
        FROM generate_series(1, 20000) AS i;
    INSERT INTO tasker.task_input (task_id, requested_at, content, initiator, source_system, reason, tags, bypass_steps,
            context)
        SELECT id, now(), '', '', '', '', '{}', '{}', '{}' FROM tasker.task;
    INSERT INTO tasker.step (task_id, ordinal, waits, fence, settled_fence, updated_at, attempts, retry_limit,
            lease_expiries, key_generation, state, retryable)
        SELECT id, o, 0, 1, 1, now(), 1, 3, 0, 0, 2, true FROM tasker.task, generate_series(0, 1) AS o;
    INSERT INTO tasker.queue (task_id, ordinal, priority, handler_id, arrival, fence, run_at, worker)
        SELECT id, 0, 5, arrival % 7, arrival, 1, now() + interval '1 hour',
            CASE WHEN arrival % 100 = 0 THEN md5('w' || arrival % 30)::uuid END
        FROM tasker.task WHERE state = 1;
    INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, to_state, actor)
        SELECT id, s, arrival, now(), 1, 0, 'x' FROM tasker.task, generate_series(1, 4) AS s;
    INSERT INTO tasker.identity (hash, task_id) SELECT id::text, id FROM tasker.task;
    INSERT INTO tasker.annotation_type (name) VALUES ('note');
    INSERT INTO tasker.task_annotation (task_id, annotation_type_id, created_at, value)
        SELECT t.id, a.id, now(), '{}' FROM tasker.task AS t, tasker.annotation_type AS a;
";

/// The planner knows the tables as they are now, and will not hear of what happens to them.
const ANALYZE_ONCE: &str = "
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'tasker' LOOP
            EXECUTE format('ALTER TABLE tasker.%I SET (autovacuum_enabled = off)', name);
        END LOOP;
    END $$;
    ANALYZE;
";

/// A statement, the purpose of its connection, arguments (`null` for each if empty), and the indexes that it must use.
type Case = (&'static str, &'static str, Purpose, &'static str, &'static [&'static str]);

const HOT: &[Case] = &[
    ("lock_tasks", sql::LOCK_TASKS, Purpose::Write, "", &["task_pkey"]),
    ("lock_due", sql::LOCK_DUE, Purpose::Write, "", &["queue_pkey", "task_pkey"]),
    ("load_steps", sql::LOAD_STEPS, Purpose::Write, "", &["step_pkey", "queue_pkey"]),
    ("save_changes", sql::SAVE_CHANGES, Purpose::Write, "", &["task_pkey", "step_pkey", "queue_pkey"]),
    ("save_new", sql::SAVE_NEW, Purpose::Write, "", &[]),
    ("claim_peek", sql::CLAIM_PEEK, Purpose::Write, "", &["queue_due_idx"]),
    ("claim_next", sql::CLAIM_NEXT, Purpose::Write, "", &["queue_due_idx"]),
    ("claim_of_task", sql::CLAIM_OF_TASK, Purpose::Write, "", &["queue_pkey"]),
    ("claim_next_of_task", sql::CLAIM_NEXT_OF_TASK, Purpose::Write, "", &["queue_pkey"]),
    ("work_payloads", sql::WORK_PAYLOADS, Purpose::Write, "", &["task_input_pkey", "step_pkey"]),
    (
        "submit_look",
        sql::SUBMIT_LOOK,
        Purpose::Write,
        "",
        &["task_input_pkey", "definition_namespace_id_name_version_key"],
    ),
    ("submit_identities", sql::SUBMIT_IDENTITIES, Purpose::Write, "", &["pg_database_datname_index"]),
    ("submit_duplicates", sql::SUBMIT_DUPLICATES, Purpose::Write, "", &["identity_pkey"]),
    ("lock_probe", sql::LOCK_PROBE, Purpose::Write, "", &["task_pkey"]),
    ("plans", sql::PLANS, Purpose::Write, "", &["definition_revision_pkey"]),
    ("work_bytes", sql::WORK_BYTES, Purpose::Write, "", &["step_pkey"]),
    (
        "heartbeat",
        sql::HEARTBEAT,
        Purpose::Pulse,
        "",
        &["queue_worker_idx", "queue_pkey", "worker_pkey", "task_pkey"],
    ),
    ("worker_claims", sql::WORKER_CLAIMS, Purpose::Pulse, "", &["queue_pkey", "step_pkey", "task_pkey"]),
];

/// On tables that are filled and known to the planner.
const READS: &[Case] = &[
    (
        "log_all",
        sql::LOG_ALL,
        Purpose::Read,
        "1, 19000, 76000, 100",
        &["transition_epoch_xid_n_idx", "task_pkey"],
    ),
    ("log_of_task", sql::LOG_OF_TASK, Purpose::Read, "md5('t7')::uuid, 0, 0, 0, 100", &["transition_pkey"]),
    ("task_steps", sql::TASK_STEPS, Purpose::Read, "array[md5('t7')::uuid]", &["step_pkey"]),
    ("task_state", sql::TASK_STATE, Purpose::Read, "md5('t7')::uuid", &["task_pkey"]),
    (
        "task_details",
        sql::TASK_DETAILS,
        Purpose::Read,
        "array[md5('t7')::uuid]",
        &["task_pkey", "task_input_pkey"],
    ),
    ("list_newest", sql::LIST_NEWEST, Purpose::Read, "md5('t7')::uuid, 51", &["task_pkey"]),
    ("list_oldest", sql::LIST_OLDEST, Purpose::Read, "md5('t7')::uuid, 51", &["task_pkey"]),
    (
        "list_newest_of",
        sql::LIST_NEWEST_OF,
        Purpose::Read,
        "md5('t7')::uuid, 51, '{1}', array[md5('3')::uuid]",
        &["task_state_revision_id_idx"],
    ),
    (
        "list_oldest_of",
        sql::LIST_OLDEST_OF,
        Purpose::Read,
        "md5('t7')::uuid, 51, '{1}', array[md5('3')::uuid]",
        &["task_state_revision_id_idx"],
    ),
    (
        "list_requested_up",
        sql::LIST_REQUESTED_UP,
        Purpose::Read,
        "now(), md5('t7')::uuid, now() + interval '1 day', 51",
        &["task_input_requested_at_idx"],
    ),
    (
        "list_requested_down",
        sql::LIST_REQUESTED_DOWN,
        Purpose::Read,
        "now(), md5('t7')::uuid, now() - interval '1 day', 51",
        &["task_input_requested_at_idx"],
    ),
    (
        "list_created_up",
        sql::LIST_CREATED_UP,
        Purpose::Read,
        "now(), md5('t7')::uuid, now() + interval '1 day', 51",
        &["task_created_at_idx"],
    ),
    (
        "list_created_down",
        sql::LIST_CREATED_DOWN,
        Purpose::Read,
        "now(), md5('t7')::uuid, now() - interval '1 day', 51",
        &["task_created_at_idx"],
    ),
    (
        "list_creator_up",
        sql::LIST_CREATOR_UP,
        Purpose::Read,
        "'', md5('t7')::uuid, 'x', 51",
        &["task_input_created_by_idx"],
    ),
    (
        "list_creator_down",
        sql::LIST_CREATOR_DOWN,
        Purpose::Read,
        "'x', md5('t7')::uuid, '', 51",
        &["task_input_created_by_idx"],
    ),
    (
        "list_initiator_up",
        sql::LIST_INITIATOR_UP,
        Purpose::Read,
        "'', md5('t7')::uuid, 'x', 51",
        &["task_input_initiator_idx"],
    ),
    (
        "list_initiator_down",
        sql::LIST_INITIATOR_DOWN,
        Purpose::Read,
        "'x', md5('t7')::uuid, '', 51",
        &["task_input_initiator_idx"],
    ),
    (
        "list_source_up",
        sql::LIST_SOURCE_UP,
        Purpose::Read,
        "'', md5('t7')::uuid, 'x', 51",
        &["task_input_source_system_idx"],
    ),
    (
        "list_source_down",
        sql::LIST_SOURCE_DOWN,
        Purpose::Read,
        "'x', md5('t7')::uuid, '', 51",
        &["task_input_source_system_idx"],
    ),
    (
        "list_correlation_up",
        sql::LIST_CORRELATION_UP,
        Purpose::Read,
        "'', md5('t7')::uuid, 'x', 51",
        &["task_input_correlation_id_idx"],
    ),
    (
        "list_correlation_down",
        sql::LIST_CORRELATION_DOWN,
        Purpose::Read,
        "'x', md5('t7')::uuid, '', 51",
        &["task_input_correlation_id_idx"],
    ),
    (
        "list_rows",
        sql::LIST_ROWS,
        Purpose::Read,
        "null, null, 'x', 'x', 'x', 'x', 5, '{x}', '{x}', '{x}', '{x}', now(), now(), now(), now(), now(), now(), \
            now(), now(), '{}', 'x', '{x}', array[md5('t7')::uuid, md5('t8')::uuid]",
        &["task_pkey", "task_input_pkey", "task_annotation_task_id_id_idx"],
    ),
    (
        "check_open",
        sql::CHECK_OPEN,
        Purpose::Read,
        "1, md5('3')::uuid, md5('t7')::uuid, 50",
        &["task_state_revision_id_idx"],
    ),
    (
        "check_ended",
        sql::CHECK_ENDED,
        Purpose::Read,
        "now(), 7, 50, 3600000000, null",
        &["task_ended_at_idx"],
    ),
    ("log_end", sql::LOG_END, Purpose::Read, "100", &["transition_epoch_xid_n_idx"]),
    ("log_end_of_task", sql::LOG_END_OF_TASK, Purpose::Read, "md5('t7')::uuid, 2", &["transition_pkey"]),
    ("prune_find", sql::PRUNE_FIND, Purpose::Read, "3600000000, null, 0, 101", &["task_ended_at_idx"]),
    (
        "prune_delete",
        sql::PRUNE_DELETE,
        Purpose::Read,
        "array[md5('t7')::uuid, md5('t8')::uuid]",
        &[
            "step_pkey",
            "task_input_pkey",
            "identity_task_id_idx",
            "task_annotation_task_id_id_idx",
            "transition_pkey",
            "task_pkey",
        ],
    ),
];

async fn script(connection: &mut PgConnection, sql: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn check(connection: &mut PgConnection, (name, text, purpose, arguments, indexes): Case) {
    script(connection, "RESET ALL".into()).await;
    for (setting, value) in purpose.settings() {
        script(connection, format!("SET {setting} = '{value}'")).await;
    }
    script(connection, format!("PREPARE {name} AS {text}")).await;
    let n = (1..).take_while(|n| text.contains(&format!("${n}"))).count();
    let arguments = if arguments.is_empty() { vec!["null"; n].join(", ") } else { arguments.to_owned() };
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE {name} ({arguments})");
    let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await;
    let plan = plan.unwrap_or_else(|error| panic!("{name}: {error}"));
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for index in indexes {
        assert!(plan.split_whitespace().any(|word| word == *index), "{name} does not use {index}:\n{plan}");
    }
    assert!(purpose == Purpose::Read || !plan.contains("Gather"), "{name} starts other processes:\n{plan}");
    // Tables of a few rows may be read as a whole.
    let is_small = |line: &&str| {
        ["on log_state", "on log_reader", "on namespace", "on definition", "on worker", "on annotation_type"]
            .iter()
            .any(|t| line.contains(t))
    };
    let scanned: Vec<&str> =
        plan.lines().filter(|line| line.contains("Seq Scan")).filter(|line| !is_small(line)).collect();
    assert!(scanned.is_empty(), "{name} reads whole tables:\n{plan}");
}

#[tokio::test]
async fn hot_statements_use_their_indexes_on_empty_tables() {
    let database = Server::for_tests().database().await;
    let mut connection = database.connect().await;
    for case in HOT {
        check(&mut connection, *case).await;
    }
}

#[tokio::test]
async fn hot_statements_and_reads_use_their_indexes_on_full_tables() {
    let database = Server::for_tests().database().await;
    let mut connection = database.connect().await;
    script(&mut connection, SEED.into()).await;
    script(&mut connection, "ANALYZE".into()).await;
    for case in HOT.iter().chain(READS) {
        check(&mut connection, *case).await;
    }
}

#[tokio::test]
async fn hot_statements_and_reads_use_their_indexes_on_tables_whose_statistics_are_stale() {
    let database = Server::for_tests().database().await;
    let mut connection = database.connect().await;
    script(&mut connection, ANALYZE_ONCE.into()).await;
    script(&mut connection, SEED.into()).await;
    for case in HOT.iter().chain(READS) {
        check(&mut connection, *case).await;
    }
}
