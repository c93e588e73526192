//! `docs/sql.md` is a contract: what it says there is, with these columns and types, and its statements answer what their
//! headings promise, under a role that may only read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tasker_core::decide::Input;
use tasker_core::ids::TaskId;
use tasker_core::outcome::{Failure, Outcome};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{HANDLER, plan, plan_with};
use tasker_testkit::driver::{Driver, at, success};
use tasker_testkit::postgres::{Database, Server};

/// The id that stands for any task on the page.
const EXAMPLE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A part of the page: its heading, its statements, and the columns it lists.
#[derive(Debug)]
struct Part {
    heading: String,
    statements: Vec<String>,
    columns: Vec<(String, String)>,
}

fn page() -> Vec<Part> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql.md");
    let text = fs::read_to_string(path).unwrap();
    let mut parts: Vec<Part> = Vec::new();
    let mut statement: Option<String> = None;
    for line in text.lines() {
        match (&mut statement, line) {
            (Some(_), "```") => parts.last_mut().unwrap().statements.extend(statement.take()),
            (Some(open), line) => *open += &format!("{line}\n"),
            (None, "```sql") => statement = Some(String::new()),
            (None, line) if line.starts_with('#') => parts.push(Part {
                heading: line.trim_start_matches('#').trim().to_owned(),
                statements: Vec::new(),
                columns: Vec::new(),
            }),
            (None, line) => parts.last_mut().unwrap().columns.extend(column(line)),
        }
    }
    parts
}

/// Name and type from a line of a table of columns.
fn column(line: &str) -> Option<(String, String)> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
    let [name, kind, meaning, ""] = cells[..] else { return None };
    assert!(!meaning.is_empty(), "{line}: no meaning");
    Some((name.trim_end_matches('`').to_owned(), kind.to_owned()))
}

impl Part {
    /// The function or view that it is about, as its heading writes it.
    fn object(&self) -> Option<&str> {
        self.heading.strip_prefix('`')?.strip_suffix('`')
    }

    fn name(&self) -> Option<&str> {
        self.object()?.split('(').next()?.strip_prefix("tasker.")
    }
}

async fn query(sql: &mut PgConnection, statement: &str) -> Vec<PgRow> {
    let rows = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).fetch_all(sql).await;
    rows.unwrap_or_else(|error| panic!("{statement}\n{error}"))
}

/// Columns with their types, of functions and views of the schema.
async fn columns(sql: &mut PgConnection) -> BTreeMap<String, Vec<(String, String)>> {
    let statement = "
        SELECT p.proname::text, a.name, format_type(a.kind, NULL) FROM pg_proc AS p
        CROSS JOIN LATERAL unnest(p.proargnames, p.proallargtypes, p.proargmodes) WITH ORDINALITY
            AS a (name, kind, mode, place)
        WHERE p.pronamespace = 'tasker'::regnamespace AND a.mode = 't'
        UNION ALL
        SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'tasker'::regnamespace AND c.relkind = 'v'";
    let mut columns: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in query(sql, statement).await {
        let kind = row.get::<String, _>(2).replace("timestamp with time zone", "timestamptz");
        columns.entry(row.get(0)).or_default().push((row.get(1), kind));
    }
    columns
}

#[tokio::test]
async fn columns_are_those_of_the_page_and_nothing_is_left_out() {
    let database = Server::for_tests().database().await;
    let mut sql = database.connect().await;
    let stored = columns(&mut sql).await;
    let (mut told, mut last) = (BTreeSet::new(), Vec::new());
    for part in page() {
        let Some(name) = part.name() else { continue };
        // Batch forms and views of the same answer refer to the columns before them.
        if !part.columns.is_empty() {
            last = part.columns.clone();
        }
        assert_eq!(stored.get(name), Some(&last), "{}", part.heading);
        told.insert(name.to_owned());
    }
    let internal = ["step_readiness_at", "task_execution_at", "revision_levels"].map(str::to_owned);
    let expected: BTreeSet<String> = stored.into_keys().filter(|name| !internal.contains(name)).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn arguments_are_those_of_the_page() {
    let database = Server::for_tests().database().await;
    let mut sql = database.connect().await;
    for part in page() {
        let Some(object) = part.object().filter(|object| object.contains('(')) else { continue };
        let name = part.name().unwrap();
        let statement = format!(
            "SELECT pg_get_function_identity_arguments(oid) FROM pg_proc
             WHERE pronamespace = 'tasker'::regnamespace AND proname = '{name}'"
        );
        let rows = query(&mut sql, &statement).await;
        let arguments = rows[0].get::<String, _>(0).replace("timestamp with time zone", "timestamptz");
        assert_eq!(object, format!("tasker.{name}({arguments})"));
    }
}

/// A database where one circuit is open, one half-open, one closed, and one open for good; time is the server's.
struct World {
    database: Database,
    sql: PgConnection,
    d: Driver,
    order: TaskId,
}

impl World {
    async fn new() -> Self {
        let database = Server::for_tests().database().await;
        let store = PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
        let sql = database.connect().await;
        let d = Driver::new(StoreUnderTest::new(store, TestClock::default()));
        let order = plan(
            "order",
            &[("charge_card", &[]), ("reserve", &[]), ("tell", &[]), ("ship", &["charge_card"])],
        );
        let id = d.start(&order).await;
        d.beat(d.worker, &[]).await;
        let worker = d.worker;
        for (step, outcome) in [
            ("charge_card", Outcome::Failure(Failure::retryable("Busy", "busy", "come back").after(600))),
            ("reserve", Outcome::LeaseExpired),
        ] {
            let step = at(&order, step);
            d.one(id, Input::Claim { step, worker }).await;
            d.one(id, Input::Settle { step, fence: tasker_core::ids::Fence(1), outcome }).await;
        }
        let refund = plan_with("refund", &[("pay", &[])], |definition| {
            definition.steps[0].dependent_system = "bank".into();
        });
        let failed = d.start(&refund).await;
        let step = at(&refund, "pay");
        d.one(failed, Input::Claim { step, worker }).await;
        let outcome = Outcome::Failure(Failure::permanent("Refused", "refused", "not possible"));
        d.one(failed, Input::Settle { step, fence: tasker_core::ids::Fence(1), outcome }).await;
        let done = plan("done", &[("only", &[])]);
        let task = d.start(&done).await;
        let step = at(&done, "only");
        d.one(task, Input::Claim { step, worker }).await;
        d.one(task, Input::Settle { step, fence: tasker_core::ids::Fence(1), outcome: success("1") }).await;
        Self { database, sql, d, order: id }
    }

    /// The answer of a statement of the page, given to a role that may only read.
    async fn answer(&mut self, statement: &str) -> Vec<PgRow> {
        let statement = statement.replace(EXAMPLE, &self.order.to_string());
        let mut transaction = self.sql.begin().await.unwrap();
        if !statement.contains("CREATE ROLE") {
            query(&mut transaction, "SET LOCAL ROLE tasker_read").await;
        }
        let rows = query(&mut transaction, &statement).await;
        transaction.rollback().await.unwrap();
        rows
    }

    /// The answer of the first statement under a heading.
    async fn answer_under(&mut self, heading: &str) -> Vec<PgRow> {
        let part = page().into_iter().find(|part| part.heading == heading);
        let part = part.unwrap_or_else(|| panic!("there is no heading {heading:?}"));
        self.answer(&part.statements[0]).await
    }

    async fn steps_under(&mut self, heading: &str, column: &str) -> Vec<String> {
        self.answer_under(heading).await.iter().map(|row| row.get(column)).collect()
    }
}

#[tokio::test]
async fn every_statement_of_the_page_can_be_executed() {
    let mut world = World::new().await;
    let mut executed = 0;
    for part in page() {
        assert!(
            part.object().is_none() || !part.columns.is_empty() || !part.statements.is_empty(),
            "{}",
            part.heading
        );
        for statement in &part.statements {
            world.answer(statement).await;
            executed += 1;
        }
    }
    assert!(executed >= 30, "{executed}");
    drop(world.database);
}

#[tokio::test]
async fn circuits_are_open_half_open_and_closed() {
    let mut world = World::new().await;
    let rows = world.answer_under("The circuits of one task").await;
    let circuits: Vec<(String, String)> =
        rows.iter().map(|row| (row.get("step_name"), row.get("circuit"))).collect();
    let expected =
        [("charge_card", "open"), ("reserve", "half-open"), ("tell", "closed"), ("ship", "closed")];
    assert_eq!(circuits, expected.map(|(step, circuit)| (step.to_owned(), circuit.to_owned())));
    assert_eq!(
        world.steps_under("Open: failing fast until the next try", "step_name").await,
        ["charge_card"]
    );
    assert_eq!(world.steps_under("Half-open: due for a try", "step_name").await, ["reserve"]);
    assert_eq!(world.steps_under("Closed: working, or waiting for its turn", "step_name").await, ["tell"]);
    let heading = "Open for good: somebody has to look at it";
    assert_eq!(world.steps_under(heading, "step_name").await, ["pay"]);
    assert_eq!(world.steps_under(heading, "error_code").await, ["refused"]);
    let rows = world.answer_under("The backoff in effect").await;
    assert_eq!(
        rows.iter().map(|row| row.get::<i32, _>("backoff_request_seconds")).collect::<Vec<_>>(),
        [600]
    );
    let rows = world.answer_under("Open circuits by external system").await;
    let systems: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(systems, [("unknown".to_owned(), 1)]);
    drop(world.d);
}

#[tokio::test]
async fn what_is_monitored_is_there() {
    let mut world = World::new().await;
    let rows = world.answer_under("What waits and what runs, by handler").await;
    let figures: Vec<(String, i64, i64, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    assert_eq!(figures, [(HANDLER.to_owned(), 2, 1, 0)]);
    assert_eq!(world.steps_under("Handlers that nobody serves", "handler").await, Vec::<String>::new());
    assert_eq!(world.steps_under("Workers, and whether they are alive", "status").await, ["live"]);
    let heading = "The oldest tasks that are not finished, and why";
    assert_eq!(world.steps_under(heading, "execution_status").await, ["has_ready_steps"]);
    assert_eq!(world.steps_under("What fails, by error", "error_code").await, ["refused"]);
    assert_eq!(world.answer("SELECT * FROM tasker.check_invariants()").await.len(), 0);
    let rows = world
        .answer(
            "SELECT complete_tasks, error_tasks, in_progress_tasks FROM tasker.get_system_health_counts()",
        )
        .await;
    assert_eq!([0, 1, 2].map(|column| rows[0].get::<i64, _>(column)), [1, 1, 1]);
    let rows = world
        .answer("SELECT system_health_score::text, error_rate::text FROM tasker.get_analytics_metrics()")
        .await;
    assert_eq!([0, 1].map(|column| rows[0].get::<String, _>(column)), ["0.500", "33.33"]);
    let worker = format!("worker:{}", world.d.worker);
    let rows =
        world.answer(&format!("SELECT count(*) FROM tasker.transitions WHERE actor = '{worker}'")).await;
    assert!(rows[0].get::<i64, _>(0) > 0);
}

#[tokio::test]
async fn the_reading_role_cannot_write() {
    let mut world = World::new().await;
    for statement in [
        "DELETE FROM tasker.task",
        "UPDATE tasker.step SET state = 2",
        "INSERT INTO tasker.namespace (name, created_at) VALUES ('x', now())",
        "TRUNCATE tasker.transition",
        "CREATE TABLE tasker.mine (id integer)",
        "UPDATE tasker.workers SET name = 'x'",
    ] {
        let mut transaction = world.sql.begin().await.unwrap();
        query(&mut transaction, "SET LOCAL ROLE tasker_read").await;
        let refused = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *transaction).await;
        let error = refused.expect_err(statement);
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        assert!(["42501", "55000"].contains(&code.as_str()), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_create_roles_can_migrate() {
    let database = Server::for_tests().empty_database().await;
    let mut sql = database.connect().await;
    let name: String = query(&mut sql, "SELECT current_database()").await[0].get(0);
    let owner = format!("{name}_owner");
    query(&mut sql, &format!("CREATE ROLE {owner} LOGIN; ALTER DATABASE {name} OWNER TO {owner}")).await;
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_username(&owner).unwrap();
    let status = PostgresStore::migrate(url.as_str()).await.unwrap();
    assert_eq!(status.version, Some(status.expected));
    let store = PostgresStore::connect(url.as_str(), PostgresOptions::default()).await.unwrap();
    let d = Driver::new(StoreUnderTest::new(store, TestClock::default()));
    d.start(&plan("order", &[("a", &[])])).await;
    d.assert_sound().await;
    assert_eq!(d.store.health_counts().await.unwrap().total_tasks, 1);
    drop(d);
    query(
        &mut sql,
        &format!("REASSIGN OWNED BY {owner} TO current_user; DROP OWNED BY {owner}; DROP ROLE {owner}"),
    )
    .await;
}
