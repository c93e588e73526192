//! A PostgreSQL database whose rows somebody changed: nodes notice it, and it is mended while they run.

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use tasker_e2e::home::Home;
use tasker_testkit::postgres::Server;

/// Its step stays scheduled: no node serves it.
const DEFINITION: &str = "name: foreign\nstep_templates:\n- {name: only, handler: somebody/else}\n";

const DAMAGE: &str = "UPDATE tasker.task SET remaining = 7; DELETE FROM tasker.queue";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_rows_are_noticed_by_nodes_and_mended_beside_them() -> Result<()> {
    let database = Server::for_tests().database().await;
    let home = Home::new()?;
    home.write("tasker.toml", "[execution]\ncheck_interval = \"100ms\"\n")?;
    let file = home.write("foreign.yaml", DEFINITION)?.display().to_string();
    let run = |arguments: &[&str]| home.run(&[arguments, &["--database-url", database.url()]].concat());
    let mut nodes = home.nodes(database.url());
    (0..2).try_for_each(|_| nodes.add())?;
    run(&["definition", "register", &file])?.expect_code(0)?;
    let created = run(&["task", "create", "foreign", "--output", "json"])?.expect_code(0)?;
    let task = created.json()?["task_id"].as_str().context("a task has an id")?.to_owned();
    sqlx::raw_sql(AssertSqlSafe(DAMAGE)).execute(&mut database.connect().await).await?;
    nodes.says("remaining is 7, but should be 1").await?;
    run(&["db", "check"])?.expect_code(1)?;
    let shown = run(&["db", "check", "--repair", "--dry-run"])?.expect_code(1)?;
    for said in ["remaining_count: task TASK: remaining 7 becomes 1", "row_missing: task TASK step only"] {
        let said = said.replace("TASK", &task);
        ensure!(shown.stdout.contains(&said), "{said:?} is missing: {}", shown.stdout);
    }
    run(&["db", "check"])?.expect_code(1).context("a dry run changes nothing")?;
    run(&["db", "check", "--repair", "--yes"])?.expect_code(0)?;
    Ok(nodes.stop()?)
}
