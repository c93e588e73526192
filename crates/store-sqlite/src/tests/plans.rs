//! How statements are run: by which index, and never over the whole of a big table.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::{OpenOptions, SqliteStore, sql};

/// Tables that grow with the number of tasks.
const BIG: &[&str] = &[
    "task",
    "task_input",
    "step",
    "queue",
    "transition",
    "identity",
    "task_annotation",
    "t",
    "i",
    "s",
    "q",
    "x",
    "a",
];

/// Statements that are meant to visit a whole table: counts, checks, gauges.
const VISITORS: &[&str] = &["census_steps", "census_tasks", "count_all", "count_matching", "queue_depths"];

fn database(directory: &tempfile::TempDir) -> (PathBuf, Connection) {
    let path = directory.path().join("tasker.db");
    drop(SqliteStore::open(&path, OpenOptions::default()).unwrap());
    let connection = Connection::open(&path).unwrap();
    crate::functions::register(&connection).unwrap();
    (path, connection)
}

fn plan_of(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let n = explain.parameter_count();
    let nothing = rusqlite::params_from_iter((0..n).map(|_| rusqlite::types::Null));
    explain.query_map(nothing, |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The table that a line of a plan scans from end to end.
fn scanned(line: &str) -> Option<&str> {
    line.strip_prefix("SCAN ")?.split(' ').next()
}

#[test]
fn no_statement_scans_a_big_table() {
    let directory = tempfile::tempdir().unwrap();
    let (_, connection) = database(&directory);
    for (name, statement) in
        sql::ALL.iter().filter(|(name, _)| !name.starts_with("check_") && !VISITORS.contains(name))
    {
        for line in plan_of(&connection, statement) {
            // Claimed rows are as few as steps run at once.
            let bounded = line.contains("INDEX queue_held");
            let table = scanned(&line).filter(|table| BIG.contains(table) && !bounded);
            assert_eq!(table, None, "{name}: {line}");
        }
    }
}

#[test]
fn hot_statements_use_their_index() {
    let directory = tempfile::tempdir().unwrap();
    let (_, connection) = database(&directory);
    for (statement, expected) in [
        (sql::TASK_BY_ID, "SEARCH task USING INDEX sqlite_autoindex_task_1 (id=?)"),
        (sql::CENSUS_STEPS, "SEARCH t USING COVERING INDEX task_by_state (state=? AND revision_id=?)"),
        (sql::CENSUS_STEPS, "SEARCH s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::STEP_ONE, "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::STEP_RANGE, "SEARCH s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::STEP_FREE, "SEARCH s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::CLAIM_CLASS, "SEARCH queue USING INDEX queue_due (handler_id=? AND priority>?)"),
        (
            sql::CLAIM_DUE,
            "SEARCH q USING INDEX queue_due (handler_id=? AND priority=? AND run_at>? AND run_at<?)",
        ),
        (sql::CLAIM_OF_TASK, "SEARCH queue USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::SURVEY_OPEN, "SEARCH t USING COVERING INDEX task_by_state (state=?)"),
        (sql::SURVEY_CREATED, "SEARCH t USING INDEX task_by_creation (created_at>?)"),
        (sql::SURVEY_ENDED, "SEARCH t USING INDEX task_by_end (ended_at>?)"),
        (sql::SURVEY_STEPS_CREATED, "SEARCH t USING INDEX task_by_creation (created_at>?)"),
        (sql::SURVEY_STEPS_CHANGED, "SEARCH t USING INDEX task_by_end (ended_at>?)"),
        (sql::SURVEY_FAILURES, "SEARCH t USING INDEX task_by_creation (created_at>?)"),
        (sql::SURVEY_LONG_TASKS, "SEARCH t USING INDEX task_by_creation (created_at>?)"),
        (sql::SURVEY_LONG_STEPS, "SEARCH t USING INDEX task_by_creation (created_at>?)"),
        (sql::VITAL_TASKS, "SEARCH task USING INDEX task_by_end (ended_at>?)"),
        (sql::WORKER_CLAIMS, "SEARCH q USING INDEX queue_held (worker_id=?)"),
        (sql::LOG_ALL, "SEARCH x USING INTEGER PRIMARY KEY (rowid>?)"),
        (sql::LOG_OF_TASK, "SEARCH x USING INDEX transition_by_task (task_seq=?)"),
        (sql::LIST_NEWEST, "SEARCH task USING COVERING INDEX sqlite_autoindex_task_1 (id<?)"),
        (sql::LIST_OLDEST, "SEARCH task USING COVERING INDEX sqlite_autoindex_task_1 (id>?)"),
        (
            sql::LIST_NEWEST_OF,
            "SEARCH task USING COVERING INDEX task_by_state (state=? AND revision_id=? AND id<?)",
        ),
        (
            sql::LIST_OLDEST_OF,
            "SEARCH task USING COVERING INDEX task_by_state (state=? AND revision_id=? AND id>?)",
        ),
        (
            sql::LIST_REQUESTED_UP,
            "SEARCH task_input USING COVERING INDEX task_input_by_request ((requested_at,task_id)>(?,?) AND requested_at<?)",
        ),
        (
            sql::LIST_REQUESTED_DOWN,
            "SEARCH task_input USING COVERING INDEX task_input_by_request (requested_at>? AND (requested_at,task_id)<(?,?))",
        ),
        (
            sql::LIST_CREATED_UP,
            "SEARCH task USING COVERING INDEX task_by_creation ((created_at,id)>(?,?) AND created_at<?)",
        ),
        (
            sql::LIST_CREATED_DOWN,
            "SEARCH task USING COVERING INDEX task_by_creation (created_at>? AND (created_at,id)<(?,?))",
        ),
        (
            sql::LIST_INITIATOR_UP,
            "SEARCH task_input USING COVERING INDEX task_input_by_initiator ((initiator,task_id)>(?,?) AND initiator<?)",
        ),
        (
            sql::LIST_INITIATOR_DOWN,
            "SEARCH task_input USING COVERING INDEX task_input_by_initiator (initiator>? AND (initiator,task_id)<(?,?))",
        ),
        (
            sql::LIST_SOURCE_UP,
            "SEARCH task_input USING COVERING INDEX task_input_by_system ((source_system,task_id)>(?,?) AND source_system<?)",
        ),
        (
            sql::LIST_SOURCE_DOWN,
            "SEARCH task_input USING COVERING INDEX task_input_by_system (source_system>? AND (source_system,task_id)<(?,?))",
        ),
        (
            sql::LIST_CORRELATION_UP,
            "SEARCH task_input USING COVERING INDEX task_input_by_correlation ((correlation_id,task_id)>(?,?) AND correlation_id<?)",
        ),
        (
            sql::LIST_CORRELATION_DOWN,
            "SEARCH task_input USING COVERING INDEX task_input_by_correlation (correlation_id>? AND (correlation_id,task_id)<(?,?))",
        ),
        (
            sql::LIST_CREATOR_UP,
            "SEARCH task_input USING COVERING INDEX task_input_by_creator ((created_by,task_id)>(?,?) AND created_by<?)",
        ),
        (
            sql::LIST_CREATOR_DOWN,
            "SEARCH task_input USING COVERING INDEX task_input_by_creator (created_by>? AND (created_by,task_id)<(?,?))",
        ),
        (sql::LIST_MATCHES, "SEARCH t USING INDEX sqlite_autoindex_task_1 (id=?)"),
        (sql::LIST_MATCHES, "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::LIST_MATCHES, "SEARCH a USING INDEX task_annotation_by_task (task_seq=?)"),
        (sql::COUNT_KIND, "SEARCH task USING COVERING INDEX task_by_state (state=? AND revision_id=?)"),
        (
            sql::CHECK_OPEN,
            "SEARCH task USING INDEX task_by_state ((state,revision_id,id)>(?,?,?) AND state<?)",
        ),
        (sql::CHECK_ENDED, "SEARCH task USING INDEX task_by_end (ended_at>?)"),
        (sql::CHECK_LOG, "SEARCH transition USING INDEX transition_by_task (task_seq=?)"),
        (sql::CHECK_STRAYS, "SEARCH q USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::CHECK_HANDLERS, "SEARCH q USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::PRUNE_FIND, "SEARCH t USING INDEX task_by_end (ended_at<?)"),
        (sql::PRUNE_STEPS, "SEARCH step USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql::PRUNE_LOG, "SEARCH transition USING INDEX transition_by_task (task_seq=?)"),
    ] {
        let plan = plan_of(&connection, statement);
        assert!(plan.iter().any(|line| line == expected), "{statement}\n{plan:#?}");
    }
}

#[test]
fn hot_statements_do_not_sort() {
    let directory = tempfile::tempdir().unwrap();
    let (_, connection) = database(&directory);
    for statement in [
        sql::STEP_RANGE,
        sql::STEP_FREE,
        sql::CLAIM_CLASS,
        sql::CLAIM_DUE,
        sql::LOG_ALL,
        sql::LOG_OF_TASK,
        sql::LIST_NEWEST,
        sql::LIST_OLDEST,
        sql::LIST_NEWEST_OF,
        sql::LIST_OLDEST_OF,
        sql::LIST_REQUESTED_UP,
        sql::LIST_REQUESTED_DOWN,
        sql::LIST_CREATED_UP,
        sql::LIST_CREATED_DOWN,
        sql::LIST_INITIATOR_UP,
        sql::LIST_INITIATOR_DOWN,
        sql::LIST_SOURCE_UP,
        sql::LIST_SOURCE_DOWN,
        sql::LIST_CORRELATION_UP,
        sql::LIST_CORRELATION_DOWN,
        sql::LIST_CREATOR_UP,
        sql::LIST_CREATOR_DOWN,
        sql::CHECK_OPEN,
        sql::CHECK_ENDED,
    ] {
        let plan = plan_of(&connection, statement);
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{statement}\n{plan:#?}");
    }
}

#[test]
fn every_statement_says_what_it_is_for_and_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let (_, connection) = database(&directory);
    for (name, statement) in sql::ALL {
        assert!(statement.starts_with("-- "), "{name}");
        connection.prepare(statement).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
