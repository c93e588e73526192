//! The SQLite store passes the suite on a file. (Its own crate runs the suite, and the differential run, on temporary
//! databases.)

use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;

async fn open() -> StoreUnderTest {
    let clock = TestClock::default();
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    let store = SqliteStore::open(&folder.path().join("tasker.db"), options).unwrap();
    StoreUnderTest { keep: Some(Box::new(folder)), ..StoreUnderTest::new(store, clock) }
}

tasker_testkit::conformance_tests!(crate::open);
