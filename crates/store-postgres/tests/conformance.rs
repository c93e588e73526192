//! The PostgreSQL store passes the suite, and agrees with the reference store.

use tasker_testkit::differential::{self, Side};
use tasker_testkit::{StoreUnderTest, postgres};

tasker_testkit::conformance_tests!(tasker_testkit::postgres::open);

#[tokio::test]
async fn random_operations_have_the_same_effect_as_on_the_reference() {
    for seed in differential::seeds(12) {
        let reference = Side { name: "memory", under_test: StoreUnderTest::memory() };
        let postgres = Side { name: "postgres", under_test: postgres::open().await };
        differential::run(seed, &[reference, postgres]).await;
    }
}
