//! `tasker definition list` and `versions`.

use std::process::ExitCode;

use serde_json::json;
use tasker_core::names::Namespace;

use super::selector;
use crate::args::ShowArgs;
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::definition;
use crate::session::Session;

/// Lists registered definitions.
pub async fn all(namespace: Option<&Namespace>, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    let list = backend.definitions(namespace.map(Namespace::as_str)).await?;
    let text = || {
        if list.definitions.is_empty() {
            return "no definitions; register one with: tasker definition register FILE".into();
        }
        definition::list(&list.definitions, session.printer.style())
    };
    session.printer.result(&list, text);
    Ok(Status::Ok.into())
}

/// Lists the versions of one definition.
pub async fn versions(args: &ShowArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let backend = backend::open(session, Access::Read).await?;
    let mut rows = Vec::new();
    for meaning in wanted.meanings() {
        rows = backend.definitions(Some(meaning.namespace.as_str())).await?.definitions;
        rows.retain(|row| {
            row.name == meaning.name && wanted.version().is_none_or(|version| *version == row.version)
        });
        if !rows.is_empty() {
            break;
        }
    }
    if rows.is_empty() {
        // Tells what exists instead.
        wanted.find(&*backend).await?;
    }
    session.printer.result(&json!({"versions": rows}), || definition::list(&rows, session.printer.style()));
    Ok(Status::Ok.into())
}
