//! Random workflows on real processes, undisturbed: what comes of them is what an independent model says.
//!
//! `TASKER_E2E_WORKFLOWS` is how many of them (default 40), `TASKER_E2E_SEED` which (default 1).

use anyhow::Result;
use tasker_e2e::drill::{Place, Store, Wishes};
use tasker_e2e::{seeds, setting};
use tasker_torture::chance::seed_of;
use tasker_torture::{Round, Workflow, World};

/// Most steps of a workflow.
const MOST_STEPS: usize = 300;

async fn opened(store: Store) -> Result<(Place, World)> {
    Place::open(store, Wishes::default(), 0).await
}

/// Nothing was found, neither then nor by the database's own check.
async fn is_well(round: Round, world: World) -> Result<()> {
    seeds::keep(&round)?;
    let mut findings = round.findings;
    findings.extend(world.check().await?);
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(round.repeated, 0);
    Ok(world.close().await?)
}

async fn random_workflows(store: Store) -> Result<()> {
    let (series, count) = (setting("TASKER_E2E_SEED", 1), setting("TASKER_E2E_WORKFLOWS", 40));
    let (_place, mut world) = opened(store).await?;
    let workflows = (0..count).map(|n| Workflow::new(seed_of(series, n), MOST_STEPS)).collect();
    let round = world.run(workflows).await?;
    println!("{} workflows, {} executions in {:.1?}", round.tasks, round.executions, round.lasted);
    assert!(round.executions > round.tasks);
    is_well(round, world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_workflows_do_what_the_model_says_on_two_processes_and_one_file() -> Result<()> {
    random_workflows(Store::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_workflows_do_what_the_model_says_on_three_nodes_and_a_server() -> Result<()> {
    random_workflows(Store::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workflows_that_something_was_found_with_once_do_what_the_model_says() -> Result<()> {
    for store in [Store::Sqlite, Store::Postgres] {
        let (_place, mut world) = opened(store).await?;
        let kept = seeds::kept().into_iter().map(|seed| Workflow::new(seed, MOST_STEPS)).collect();
        let round = world.run(kept).await?;
        is_well(round, world).await?;
    }
    Ok(())
}
