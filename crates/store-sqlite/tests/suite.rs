//! What every store must do, done by this one; and the same answers as the reference store, whatever happens.

use tasker_store::Store;
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::differential::{self, Side};

async fn open() -> StoreUnderTest {
    let clock = TestClock::default();
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    StoreUnderTest::new(SqliteStore::in_memory(options).expect("a temporary database opens"), clock)
}

tasker_testkit::conformance_tests!(crate::open);

#[tokio::test]
async fn random_operations_give_what_the_reference_store_gives() {
    for seed in differential::seeds(100) {
        let sides = [
            Side { name: "memory", under_test: StoreUnderTest::memory() },
            Side { name: "sqlite", under_test: open().await },
        ];
        differential::run(seed, &sides).await;
    }
}

#[tokio::test]
async fn a_temporary_database_vanishes_with_its_store() {
    let store = SqliteStore::in_memory(OpenOptions::default()).unwrap();
    let location = store.schema().await.unwrap().location;
    assert!(std::path::Path::new(&location).exists());
    drop(store);
    assert!(!std::path::Path::new(&location).exists());
}
