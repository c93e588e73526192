//! The facade on PostgreSQL: tasks in transactions of the program.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tasker::{EngineOptions, Error, StepContext, StepError, TaskHandle, TaskState, Tasker};
use tasker_core::identity::IdentityStrategy;
use tasker_testkit::postgres::{Database, Server};

const BILL: &str = "{name: bill, version: 1.0.0, step_templates: [{name: send, handler: send}]}";

async fn send(_step: StepContext, input: Value) -> Result<Value, StepError> {
    Ok(input["invoice"].clone())
}

/// A database with a table of the program's own.
async fn database() -> Database {
    let database = Server::for_tests().database().await;
    let table = "CREATE TABLE invoice (id bigint PRIMARY KEY)";
    sqlx::raw_sql(table).execute(&mut database.connect().await).await.unwrap();
    database
}

/// An engine that looks at its queue when it is told to, and not by itself.
async fn engine(database: &Database, runs_steps: bool) -> Tasker {
    let hour = Duration::from_secs(3600);
    let options =
        EngineOptions { poll_interval: hour, identity: IdentityStrategy::Hash, ..EngineOptions::default() };
    let builder = Tasker::builder().postgres(database.url()).handler("send", send).options(options);
    let builder = if runs_steps { builder } else { builder.only_submits() };
    let tasker = builder.build().await.unwrap();
    tasker.register(BILL).await.unwrap();
    tasker
}

/// One invoice and the task that sends it.
async fn bill(tasker: &Tasker, connection: &mut PgConnection, id: i64) -> Result<TaskHandle, Error> {
    sqlx::query("INSERT INTO invoice VALUES ($1)").bind(id).execute(&mut *connection).await.unwrap();
    tasker.submit_in(connection, tasker::request("bill", json!({"invoice": id})).unwrap()).await
}

#[tokio::test]
async fn a_task_runs_once_its_transaction_is_committed_and_hinted() {
    let database = database().await;
    let (here, elsewhere) = (engine(&database, false).await, engine(&database, true).await);
    let mut connection = database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    let lost = bill(&here, &mut tx, 1).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let task = bill(&here, &mut tx, 2).await.unwrap();
    assert_eq!((task.status, task.created), (TaskState::Pending, true));
    tx.commit().await.unwrap();
    // Nobody looks for an hour, but for the hint.
    task.hint().await;
    assert_eq!(here.wait(task.task_id).await.unwrap(), TaskState::Complete);
    assert_eq!(here.result(task.task_id, "send").await.unwrap(), Some(json!(2)));
    lost.hint().await;
    let missing = here.task(lost.task_id).await.err().unwrap();
    assert!(matches!(&missing, Error::Refused(refused) if refused.code() == "task_not_found"), "{missing}");
    let invoices: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM invoice").fetch_all(&mut connection).await.unwrap();
    assert_eq!(invoices, [2]);
    here.shutdown().await;
    elsewhere.shutdown().await;
}

#[tokio::test]
async fn the_engine_of_the_same_process_is_hinted_too() {
    let database = database().await;
    let tasker = engine(&database, true).await;
    let mut connection = database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    let task = bill(&tasker, &mut tx, 1).await.unwrap();
    tx.commit().await.unwrap();
    task.hint().await;
    assert_eq!(tasker.wait(task.task_id).await.unwrap(), TaskState::Complete);
    tasker.shutdown().await;
}

#[tokio::test]
async fn only_an_equal_request_waits_for_an_open_transaction() {
    let database = database().await;
    let tasker = Arc::new(engine(&database, false).await);
    let mut connection = database.connect().await;
    let request = |n: u32| tasker::request("bill", json!({"invoice": n})).unwrap();
    let mut tx = connection.begin().await.unwrap();
    let held = tasker.submit_in(&mut tx, request(1)).await.unwrap();
    let equal = tokio::spawn({
        let (tasker, request) = (tasker.clone(), request(1));
        async move { tasker.submit(request).await }
    });
    for n in 2..20 {
        assert!(tasker.submit(request(n)).await.unwrap().created);
    }
    let mut other = database.connect().await;
    let mut second = other.begin().await.unwrap();
    let refused = tasker.submit_in(&mut second, request(1)).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(error) if error.code() == "request_in_progress"), "{refused}");
    assert!(tasker.submit_in(&mut second, request(20)).await.unwrap().created);
    second.commit().await.unwrap();
    assert!(!equal.is_finished());
    tx.commit().await.unwrap();
    match equal.await.unwrap() {
        Err(Error::Refused(error)) => assert_eq!(error.code(), "duplicate_request"),
        // The minute that requests are told by may have gone by.
        Ok(task) => assert_ne!(task.task_id, held.task_id),
        Err(other) => panic!("{other}"),
    }
    Arc::into_inner(tasker).unwrap().shutdown().await;
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let database = database().await;
    let mut connection = database.connect().await;
    let request = || tasker::request("bill", json!({})).unwrap();
    let embedded = Tasker::builder().temporary().only_submits().build().await.unwrap();
    let refused = embedded.submit_in(&mut connection, request()).await.err().unwrap();
    assert!(matches!(refused, Error::NotPostgres));
    embedded.shutdown().await;
    let tasker = engine(&database, false).await;
    let refused = tasker.submit_in(&mut connection, request()).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(error) if error.code() == "no_transaction"), "{refused}");
    let mut tx = connection.begin().await.unwrap();
    let unknown = tasker::request("unknown", json!({})).unwrap();
    let refused = tasker.submit_in(&mut tx, unknown).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(error) if error.code() == "definition_not_found"), "{refused}");
    tasker.shutdown().await;
}
