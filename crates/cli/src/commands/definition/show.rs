//! `tasker definition show`.

use std::process::ExitCode;

use tasker_wire::DefinitionDocument;

use super::selector;
use crate::args::ShowArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::definition;
use crate::session::Session;

/// Shows a registered definition.
pub async fn run(args: &ShowArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let engine = open::engine(session, Access::Read).await?;
    let document = DefinitionDocument::new(&*wanted.find(&engine).await?);
    session.printer.result(&document, || definition::one(&document, session.printer.style()));
    Ok(Status::Ok.into())
}
