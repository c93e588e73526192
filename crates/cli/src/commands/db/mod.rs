//! `tasker db ...`.

mod check;
mod repair;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::json;
use tasker_store::read::SchemaStatus;
use tasker_store::write::Prune;

use crate::args::{DbCommand, PruneArgs};
use crate::exit::{Failure, Status};
use crate::open::{self, Access, Database};
use crate::output::table::facts;
use crate::session::Session;

/// Tasks that are deleted in one transaction.
const BATCH: usize = 200;

/// Looks after the database.
pub async fn run(command: DbCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        DbCommand::Migrate => migrate(session).await,
        DbCommand::Status => status(session).await,
        DbCommand::Check(args) => check::check(args, session).await,
        DbCommand::Prune(args) => prune(args, session).await,
    }
}

async fn migrate(session: &Session) -> anyhow::Result<ExitCode> {
    let database = open::database(session)?;
    let before = open::schema(&database).await?.version;
    let schema = open::migrate(&database).await?;
    session.printer.result(&schema, || match (before, schema.version) {
        (None, Some(now)) => format!("created {} with schema {now}", schema.location),
        (Some(before), Some(now)) if before < now => {
            format!("migrated {} from schema {before} to {now}", schema.location)
        }
        _ => format!("{} is up to date (schema {})", schema.location, schema.expected),
    });
    Ok(Status::Ok.into())
}

async fn status(session: &Session) -> anyhow::Result<ExitCode> {
    let database = open::database(session)?;
    let schema = open::schema(&database).await?;
    if matches!(&database, Database::Embedded(path) if !path.try_exists().unwrap_or(true)) {
        // The same answer as every other command gives that reads.
        open::store(&database, Access::Read).await?;
    }
    session.printer.result(&schema, || text(&schema, session));
    let is_unusable = is_newer(&schema);
    Ok(if is_unusable { Status::Unavailable.into() } else { Status::Ok.into() })
}

fn text(schema: &SchemaStatus, session: &Session) -> String {
    let standing = match schema.version {
        None => "empty; run `tasker db migrate`".to_owned(),
        Some(version) if version < schema.expected => {
            "older than this program; run `tasker db migrate`".to_owned()
        }
        Some(version) if version == schema.expected => "up to date".to_owned(),
        Some(_) if is_newer(schema) => "newer than this program can use; use a newer tasker".to_owned(),
        Some(_) => "newer than this program, which can use it".to_owned(),
    };
    let shown = |version: Option<u32>| version.map(|version| version.to_string()).unwrap_or_default();
    let pairs = [
        ("database", format!("{}:{}", schema.store, schema.location)),
        ("schema", shown(schema.version)),
        ("this program's", schema.expected.to_string()),
        ("standing", standing),
    ];
    facts(&pairs, session.printer.style())
}

fn is_newer(schema: &SchemaStatus) -> bool {
    schema.readable_from.is_some_and(|from| from > schema.expected)
}

async fn prune(args: PruneArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let engine = open::engine(session, access).await?;
    let mut request = Prune { finished_before: args.finished_before, dry_run: true, batch: BATCH };
    if !args.dry_run {
        let found = engine.prune(request.clone()).await?.tasks;
        confirm(
            &format!("Delete {found} tasks with their history?"),
            "deleting tasks needs --yes where nobody can be asked; nothing was deleted",
            "nothing was deleted",
            session,
        )?;
        request.dry_run = false;
    }
    let mut tasks = 0;
    loop {
        let pruned = engine.prune(request.clone()).await?;
        tasks += pruned.tasks;
        if request.dry_run || !pruned.more {
            break;
        }
    }
    engine.shutdown().await;
    session.printer.result(&json!({"tasks": tasks, "dry_run": args.dry_run}), || {
        if args.dry_run {
            format!("{tasks} tasks would be deleted")
        } else {
            format!("{tasks} tasks deleted")
        }
    });
    Ok(Status::Ok.into())
}

/// Asks on a terminal; elsewhere `--yes` is needed.
fn confirm(question: &str, cannot_ask: &str, refused: &str, session: &Session) -> anyhow::Result<()> {
    if session.globals.yes {
        return Ok(());
    }
    let not_confirmed = |message: &str| Failure::new(Status::Usage, "not_confirmed", message);
    if !io::stdin().is_terminal() {
        return Err(not_confirmed(cannot_ask).into());
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(not_confirmed(refused).into())
}
