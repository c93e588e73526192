//! A PostgreSQL database whose rows somebody changed: nodes notice it, and it is mended while they run.

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use tasker_e2e::nodes::Nodes;
use tasker_testkit::postgres::Server;

/// Its step stays scheduled: no node serves it.
const DEFINITION: &str = "name: foreign\nstep_templates:\n- {name: only, handler: somebody/else}\n";

const DAMAGE: &str = "UPDATE tasker.task SET remaining = 7; DELETE FROM tasker.queue";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_rows_are_noticed_by_nodes_and_mended_beside_them() -> Result<()> {
    let database = Server::for_tests().database().await;
    let nodes = Nodes::start(database.url(), 2, "[execution]\ncheck_interval = \"100ms\"\n")?;
    let file = nodes.write("foreign.yaml", DEFINITION)?;
    nodes.command(&["definition", "register", &file])?.expect_code(0)?;
    let created = nodes.command(&["task", "create", "foreign", "--output", "json"])?.expect_code(0)?;
    let task = created.json()?["task_id"].as_str().context("a task has an id")?.to_owned();
    sqlx::raw_sql(AssertSqlSafe(DAMAGE)).execute(&mut database.connect().await).await?;
    nodes.says("remaining is 7, but should be 1").await?;
    nodes.command(&["db", "check"])?.expect_code(1)?;
    let shown = nodes.command(&["db", "check", "--repair", "--dry-run"])?.expect_code(1)?;
    for said in ["remaining_count: task TASK: remaining 7 becomes 1", "row_missing: task TASK step only"] {
        let said = said.replace("TASK", &task);
        ensure!(shown.stdout.contains(&said), "{said:?} is missing: {}", shown.stdout);
    }
    nodes.command(&["db", "check"])?.expect_code(1).context("a dry run changes nothing")?;
    nodes.command(&["db", "check", "--repair", "--yes"])?.expect_code(0)?;
    nodes.stop()
}
