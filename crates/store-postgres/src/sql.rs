//! Every statement of the store, from its file in `sql/`. A test prepares each against a migrated database.

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("../sql/", $file, ".sql"));)*

        /// All of them, with the names of their files.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    ANALYTICS = "analytics",
    ANNOTATION_TYPES = "annotation_types",
    CHECK_ENDED = "check_ended",
    CHECK_OBJECTS = "check_objects",
    CHECK_OPEN = "check_open",
    CHECK_PAGE = "check_page",
    CHECK_RANGE = "check_range",
    CENSUS = "census",
    CENSUS_CONNECTIONS = "census_connections",
    CHECK_THESE = "check_these",
    CLAIM_NEXT = "claim_next",
    CLAIM_NEXT_OF_TASK = "claim_next_of_task",
    CLAIM_OF_TASK = "claim_of_task",
    CLAIM_PEEK = "claim_peek",
    CLOCK = "clock",
    DEFINITION_FIND = "definition_find",
    DEFINITION_LIST = "definition_list",
    DEFINITION_LOCK = "definition_lock",
    DEFINITION_NAMES = "definition_names",
    DEFINITION_RETIRE = "definition_retire",
    DEFINITION_SAVE = "definition_save",
    DEFINITION_VERSIONS = "definition_versions",
    HANDLER_INSERT = "handler_insert",
    HEALTH_COUNTS = "health_counts",
    HEARTBEAT = "heartbeat",
    KEY_CHANGE = "key_change",
    KEY_FIND = "key_find",
    KEY_INSERT = "key_insert",
    KEY_LIST = "key_list",
    LIST_COUNT = "list_count",
    LIST_COUNT_OF = "list_count_of",
    LIST_CORRELATION_DOWN = "list_correlation_down",
    LIST_CORRELATION_UP = "list_correlation_up",
    LIST_CREATED_DOWN = "list_created_down",
    LIST_CREATED_UP = "list_created_up",
    LIST_CREATOR_DOWN = "list_creator_down",
    LIST_CREATOR_UP = "list_creator_up",
    LIST_INITIATOR_DOWN = "list_initiator_down",
    LIST_INITIATOR_UP = "list_initiator_up",
    LIST_REQUESTED_DOWN = "list_requested_down",
    LIST_REQUESTED_UP = "list_requested_up",
    LIST_SOURCE_DOWN = "list_source_down",
    LIST_SOURCE_UP = "list_source_up",
    LIST_NEWEST = "list_newest",
    LIST_NEWEST_OF = "list_newest_of",
    LIST_OLDEST = "list_oldest",
    LIST_OLDEST_OF = "list_oldest_of",
    LIST_REVISIONS = "list_revisions",
    LIST_ROWS = "list_rows",
    LOAD_STEPS = "load_steps",
    LOCK_DUE = "lock_due",
    LOCK_PROBE = "lock_probe",
    LOCK_TASKS = "lock_tasks",
    LOG_ALL = "log_all",
    LOG_END = "log_end",
    LOG_END_OF_TASK = "log_end_of_task",
    LOG_EPOCH_IS_OVER = "log_epoch_is_over",
    LOG_HORIZON = "log_horizon",
    LOG_LAG = "log_lag",
    LOG_OF_TASK = "log_of_task",
    LOG_PRUNINGS = "log_prunings",
    LOG_RAISE_EPOCH = "log_raise_epoch",
    NAMESPACE_DELETE = "namespace_delete",
    NAMESPACE_INSERT = "namespace_insert",
    NAMESPACE_LIST = "namespace_list",
    NAMESPACE_USED = "namespace_used",
    OBJECT_LINK = "object_link",
    ORPHAN_INPUTS = "orphan_inputs",
    ORPHAN_LOG = "orphan_log",
    ORPHAN_QUEUE = "orphan_queue",
    ORPHAN_STEPS = "orphan_steps",
    PLANS = "plans",
    PRUNE_COUNT = "prune_count",
    PRUNE_DELETE = "prune_delete",
    PRUNE_FIND = "prune_find",
    PRUNE_WORKERS = "prune_workers",
    QUEUE_DEPTHS = "queue_depths",
    READER_FORGET = "reader_forget",
    READER_LIST = "reader_list",
    READER_NOTE = "reader_note",
    REPAIR_CLEAR = "repair_clear",
    REPAIR_HANDLERS = "repair_handlers",
    REPAIR_LIVE = "repair_live",
    REPAIR_STRAYS = "repair_strays",
    REVISION_INSERT = "revision_insert",
    SAVE_ANNOTATION_TYPES = "save_annotation_types",
    SAVE_ANNOTATIONS = "save_annotations",
    SAVE_CHANGES = "save_changes",
    SAVE_EDIT = "save_edit",
    SAVE_NEW = "save_new",
    SCHEMA_EXISTS = "schema_exists",
    SCHEMA_LOCK = "schema_lock",
    SCHEMA_SET = "schema_set",
    SCHEMA_VERSION = "schema_version",
    SLOWEST_STEPS = "slowest_steps",
    SLOWEST_TASKS = "slowest_tasks",
    SUBMIT_ANNOUNCE = "submit_announce",
    SUBMIT_DUPLICATES = "submit_duplicates",
    SUBMIT_IDENTITIES = "submit_identities",
    SUBMIT_LOOK = "submit_look",
    SURVEY_EXECUTIONS = "survey_executions",
    SURVEY_FAILURES = "survey_failures",
    SURVEY_LONG_STEPS = "survey_long_steps",
    SURVEY_LONG_TASKS = "survey_long_tasks",
    SURVEY_POPULATION = "survey_population",
    SURVEY_STANDING = "survey_standing",
    SURVEY_STEP_TALLIES = "survey_step_tallies",
    SURVEY_TRAFFIC = "survey_traffic",
    SURVEY_USED = "survey_used",
    SYSTEM_INSERT = "system_insert",
    TASK_ANNOTATIONS = "task_annotations",
    TASK_DETAILS = "task_details",
    TASK_RESULT = "task_result",
    TASK_STATE = "task_state",
    TASK_STEPS = "task_steps",
    VITAL_SIGNS = "vital_signs",
    WORK_BYTES = "work_bytes",
    WORK_PAYLOADS = "work_payloads",
    WORKER_CLAIMS = "worker_claims",
    WORKER_LIST = "worker_list",
    WORKER_STOP = "worker_stop",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_one_statement_that_is_used_and_says_what_it_does() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let stored: BTreeSet<String> =
            files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let used: BTreeSet<String> = ALL.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(stored, used);
        for (file, text) in ALL {
            assert!(text.starts_with("-- "), "{file} does not say what it does");
            let mut code = text.lines().filter(|line| !line.trim_start().starts_with("--"));
            assert!(code.all(|line| !line.contains(';')), "{file} is more than one statement");
        }
    }

    #[tokio::test]
    async fn every_statement_fits_the_schema() {
        use sqlx::{Executor, SqlSafeStr};
        let database = tasker_testkit::postgres::Server::for_tests().database().await;
        let mut connection = database.connect().await;
        for (file, text) in ALL {
            let prepared = (&mut connection).prepare(text.into_sql_str()).await;
            prepared.unwrap_or_else(|error| panic!("sql/{file}.sql: {error}"));
        }
    }
}
