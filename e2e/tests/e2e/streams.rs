//! Many listeners to events, while tasks are created and run.

use std::time::Duration;

use tasker_e2e::streams::{Order, run};

/// The same in a few seconds that `cargo xtask streams` does for as long as wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listener_is_told_everything_once_and_in_order() {
    let order = Order { time: Duration::from_secs(4), listeners: 40, slow: 4, tasks_per_second: 20 };
    let report = run(order).await.unwrap();
    assert!(report.tasks > 10 && report.events == 6 * report.tasks, "{report:?}");
    assert!(report.cuts > 10, "nobody was cut off: {report:?}");
}
