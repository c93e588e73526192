//! Commands on a PostgreSQL database that cannot be used: exit status 6, and a message that says what was tried, on what,
//! why it failed and what to do.

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, PgConnection};
use tasker_e2e::home::Home;
use tasker_testkit::postgres::{Cluster, Database, Durability, Server};

const DEFINITION: &str = r#"
name: alone
version: "1.0.0"
step_templates:
  - { name: only, handler: http, handler_config: { url: "http://127.0.0.1:1/" } }
"#;

const READING: &[&[&str]] =
    &[&["task", "list"], &["definition", "list"], &["worker", "list"], &["db", "check"]];

const WRITING: &[&[&str]] = &[
    &["definition", "register", "alone.yaml"],
    &["task", "create", "alone", "--context", "{}"],
    &["worker", "run", "--until-idle"],
    &["db", "prune", "--finished-before", "1s", "--yes"],
];

const SCHEMA: &[&[&str]] = &[&["db", "status"], &["db", "migrate"]];

fn home() -> Result<Home> {
    let home = Home::new()?;
    home.write("alone.yaml", DEFINITION)?;
    Ok(home)
}

/// Every command ends with 6 and says all of this; in JSON, with this code.
fn refused(home: &Home, url: &str, commands: &[&[&str]], code: &str, said: &[&str]) -> Result<()> {
    let started = commands.iter().map(|command| {
        let arguments = [*command, &["--database-url", url]].concat();
        let json = [&arguments[..], &["--output", "json"]].concat();
        Ok((command.join(" "), home.start(&arguments)?, home.start(&json)?))
    });
    // All at once: some try for a while before they give up.
    for (name, text, json) in started.collect::<Result<Vec<_>>>()? {
        let ended = text.finish()?.expect_code(6).with_context(|| name.clone())?;
        let told = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in said {
            ensure!(told.contains(part), "{name} does not say {part:?}: {told}");
        }
        ensure!(ended.stdout.is_empty(), "{name} writes results: {}", ended.stdout);
        let ended = json.finish()?.expect_code(6).with_context(|| name.clone())?;
        ensure!(ended.json()?["error"]["code"] == code, "{name}: {}", ended.stdout);
    }
    Ok(())
}

/// Every command does what it is for.
fn accepted(home: &Home, url: &str, commands: &[&[&str]]) -> Result<()> {
    for command in commands {
        home.ok(&[*command, &["--database-url", url]].concat())?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn name_of(database: &Database) -> Result<String> {
    let path = database.url().split('?').next().and_then(|url| url.rsplit('/').next());
    Ok(path.context("a URL names its database")?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down() -> Result<()> {
    // Nobody listens on the first port.
    let (url, place) = ("postgres://ann:secret@127.0.0.1:1/shop", "postgres://127.0.0.1:1/shop");
    let home = home()?;
    for commands in [READING, WRITING, SCHEMA] {
        let said = [place, "Connection refused", "help:", "--database-url"];
        refused(&home, url, commands, "database_unavailable", &said)?;
    }
    let cluster = Cluster::start(Durability::Full);
    let url = cluster.url("postgres");
    accepted(&home, &url, SCHEMA)?;
    cluster.stop("immediate");
    refused(&home, &url, READING, "database_unavailable", &["opening the database", "help:"])?;
    cluster.run();
    accepted(&home, &url, READING)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_exist() -> Result<()> {
    let url = Server::for_tests().url_of("nobody_made_this");
    let said = ["database \"nobody_made_this\" does not exist", "help:"];
    for commands in [READING, WRITING, SCHEMA] {
        refused(&home()?, &url, commands, "database_unavailable", &said)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_can_only_be_read() -> Result<()> {
    let database = Server::for_tests().database().await;
    let home = home()?;
    accepted(&home, database.url(), &WRITING[..2])?;
    let alter = format!("ALTER DATABASE {} SET default_transaction_read_only = on", name_of(&database)?);
    run(&mut database.connect().await, &alter).await?;
    accepted(&home, database.url(), READING)?;
    accepted(&home, database.url(), &SCHEMA[..1])?;
    // The same definition again would change nothing, and be accepted.
    home.write("alone.yaml", &DEFINITION.replace("1.0.0", "1.1.0"))?;
    let said = ["read-only transaction", "help:", "written to"];
    refused(&home, database.url(), WRITING, "database_unavailable", &said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_schema_is_missing_older_or_newer() -> Result<()> {
    let home = home()?;
    let empty = Server::for_tests().empty_database().await;
    for commands in [READING, WRITING] {
        let said = ["has no schema of Tasker", "run `tasker db migrate`"];
        refused(&home, empty.url(), commands, "schema_mismatch", &said)?;
    }
    accepted(&home, empty.url(), SCHEMA)?;
    accepted(&home, empty.url(), READING)?;
    let mut connection = empty.connect().await;
    run(&mut connection, "UPDATE tasker.schema_info SET version = 99").await?;
    // A newer program says that this one can use what it made.
    accepted(&home, empty.url(), READING)?;
    run(&mut connection, "UPDATE tasker.schema_info SET readable_from = 99").await?;
    for commands in [READING, WRITING, &SCHEMA[1..]] {
        refused(&home, empty.url(), commands, "schema_mismatch", &["99", "newer"])?;
    }
    run(&mut connection, "UPDATE tasker.schema_info SET version = 1, readable_from = 1").await?;
    for commands in [READING, WRITING] {
        refused(&home, empty.url(), commands, "schema_mismatch", &["version 1", "run `tasker db migrate`"])?;
    }
    Ok(())
}
