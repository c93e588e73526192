//! The reference store passes the suite, and agrees with itself.

use tasker_testkit::StoreUnderTest;
use tasker_testkit::differential::{self, Side};

async fn open() -> StoreUnderTest {
    StoreUnderTest::memory()
}

tasker_testkit::conformance_tests!(crate::open);

/// What random operations must come upon, or they are not worth much.
const ANSWERS: [&str; 22] = [
    "AlreadyAccepted",
    "IdConflict",
    "Duplicate",
    "NotLatest",
    "definition_retired",
    "Settled",
    "AlreadySettled",
    "Stale",
    "NotClaimable",
    "Claimed",
    "Done",
    "Unchanged",
    "invalid_state_transition",
    "retry_limit_reached",
    "nothing_to_retry",
    "out_of_range",
    "not_found",
    "Complete",
    "Cancelled",
    "retry_at: Some",
    "ContentChanged",
    "Replaced",
];

/// The reference store checks its own decisions (all steps against the needed ones, counters against counts), so it is
/// worth running alone.
#[tokio::test]
async fn random_operations_keep_every_invariant() {
    let mut said = String::new();
    for seed in differential::seeds(100) {
        let side = |name| Side { name, under_test: StoreUnderTest::memory() };
        said.push_str(&differential::run(seed, &[side("memory"), side("another memory")]).await);
    }
    for answer in ANSWERS {
        assert!(said.contains(answer), "chance never led to {answer}");
    }
}
