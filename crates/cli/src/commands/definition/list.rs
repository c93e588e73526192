//! `tasker definition list` and `versions`.

use std::process::ExitCode;

use serde_json::json;
use tasker_core::names::Namespace;

use super::selector;
use crate::args::ShowArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::definition;
use crate::session::Session;

/// Lists registered definitions.
pub async fn all(namespace: Option<&Namespace>, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let rows = engine.definitions(namespace.map(Namespace::as_str)).await?;
    let text = || {
        if rows.is_empty() {
            return "no definitions; register one with: tasker definition register FILE".into();
        }
        definition::list(&rows, session.printer.style())
    };
    session.printer.result(&json!({"definitions": rows}), text);
    Ok(Status::Ok.into())
}

/// Lists the versions of one definition.
pub async fn versions(args: &ShowArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let engine = open::engine(session, Access::Read).await?;
    let mut rows = Vec::new();
    for meaning in wanted.meanings() {
        rows = engine.definitions(Some(meaning.namespace.as_str())).await?;
        rows.retain(|row| {
            row.name == meaning.name && wanted.version().is_none_or(|version| *version == row.version)
        });
        if !rows.is_empty() {
            break;
        }
    }
    if rows.is_empty() {
        // Tells what exists instead.
        wanted.find(&engine).await?;
    }
    session.printer.result(&json!({"versions": rows}), || definition::list(&rows, session.printer.style()));
    Ok(Status::Ok.into())
}
