//! Pages of long lists.

use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;

#[tokio::test]
async fn every_page_of_every_list_is_bounded() {
    let clock = TestClock::default();
    let folder = tempfile::tempdir().expect("a folder");
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    let store = SqliteStore::open(&folder.path().join("tasker.db"), options).expect("a store");
    let under_test = StoreUnderTest { keep: Some(Box::new(folder)), ..StoreUnderTest::new(store, clock) };
    tasker_testkit::long_lists::every_page_is_bounded(under_test).await;
}
