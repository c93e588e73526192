//! A damaged SQLite file: what is found in it, and what is mended.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use tasker_core::audit::Code;
use tasker_core::ids::TaskId;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_store::integrity::RepairRequest;
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::damage::{BackDoor, Dialect, Opened};
use tasker_testkit::definitions::plan;
use tasker_testkit::driver::Driver;

struct File(Connection);

#[async_trait]
impl BackDoor for File {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn execute(&mut self, sql: String, task: TaskId) -> u64 {
        let done = self.0.execute(&sql, [task.0.as_bytes().as_slice()]);
        done.unwrap_or_else(|error| panic!("{sql}: {error}")) as u64
    }
}

async fn open() -> Opened {
    let clock = TestClock::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasker.db");
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    let store = SqliteStore::open(&path, options).unwrap();
    let door = File(Connection::open(&path).unwrap());
    (StoreUnderTest { keep: Some(Box::new(folder)), ..StoreUnderTest::new(store, clock) }, Box::new(door))
}

tasker_testkit::damage_tests!(open);

/// What a running worker finds by itself.
#[tokio::test]
async fn a_running_worker_finds_damage() {
    let (under_test, mut door) = open().await;
    let options =
        EngineOptions { check_interval: Some(Duration::from_millis(1)), ..EngineOptions::default() };
    let d = Driver::new(under_test);
    let engine = Engine::new(d.store.clone(), Handlers::new(), options);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let worker = engine.start_worker(Scope::All).await.unwrap();
    let findings = async |n: usize| {
        while engine.integrity().rounds == 0 || engine.integrity().findings.len() != n {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        engine.integrity().findings
    };
    assert_eq!(findings(0).await, []);
    door.execute("UPDATE task SET active = 7 WHERE id = $1".into(), id).await;
    let found = findings(1).await;
    assert_eq!((found[0].code, found[0].task_id, found[0].repairable), (Code::ActiveCount, Some(id), true));
    engine.repair(RepairRequest { task: Some(id), dry_run: false }).await.unwrap();
    assert_eq!(findings(0).await, []);
    worker.stop().await;
}
