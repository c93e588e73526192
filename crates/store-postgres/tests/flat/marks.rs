//! What a node remembers of the heads of the queue's lists hides no step for long, and usually not at all.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tasker_core::ids::TaskId;

use crate::world::{World, claim, run, settle};

/// Works for a second, so that nodes learn that nothing is due before now.
async fn work_for_a_second(world: &World) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) {
        world.submit(3).await;
        let work = claim(&world.d, 100).await;
        settle(&world.d, work).await;
    }
    while !claim(&world.d, 100).await.is_empty() {}
}

/// A task whose first step is due in an hour.
async fn due_in_an_hour(world: &mut World) -> TaskId {
    world.submit(1).await;
    let later = "UPDATE tasker.queue SET run_at = now() + interval '1 hour' WHERE task_id = (SELECT max(id::text)::uuid FROM tasker.task) RETURNING task_id";
    TaskId(sqlx::query_scalar(later).fetch_one(&mut world.sql).await.unwrap())
}

async fn set_due(connection: &mut PgConnection, task: TaskId, when: &str) {
    run(connection, &format!("UPDATE tasker.queue SET run_at = {when} WHERE task_id = '{}'", task.0)).await;
}

/// A row that becomes claimable is due no earlier than its transaction; as long as that has not ended, the lists are
/// looked at from there on.
#[tokio::test]
async fn a_transaction_that_ends_late_is_found_at_once() {
    let mut world = World::new().await;
    let task = due_in_an_hour(&mut world).await;
    work_for_a_second(&world).await;
    let mut late = world.connect().await;
    run(&mut late, "BEGIN; SELECT pg_current_xact_id()").await;
    set_due(&mut late, task, "statement_timestamp()").await;
    work_for_a_second(&world).await;
    assert!(claim(&world.d, 100).await.is_empty());
    run(&mut late, "COMMIT").await;
    let work = claim(&world.d, 100).await;
    assert_eq!(work.iter().map(|work| work.claim.task).collect::<Vec<_>>(), [task]);
}

/// Rows that nobody could expect there are found too: whole lists are looked at again and again.
#[tokio::test]
async fn what_appears_at_the_head_of_a_list_is_found_soon() {
    let mut world = World::new().await;
    let task = due_in_an_hour(&mut world).await;
    work_for_a_second(&world).await;
    let mut other = world.connect().await;
    set_due(&mut other, task, "now() - interval '1 hour'").await;
    let started = Instant::now();
    loop {
        let work = claim(&world.d, 100).await;
        if let Some(work) = work.first() {
            assert_eq!(work.claim.task, task);
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it was not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
