//! `tasker definition show`.

use std::process::ExitCode;

use super::selector;
use crate::args::ShowArgs;
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::definition;
use crate::session::Session;

/// Shows a registered definition.
pub async fn run(args: &ShowArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let backend = backend::open(session, Access::Read).await?;
    let document = wanted.find(&*backend).await?;
    session.printer.result(&document, || definition::one(&document, session.printer.style()));
    Ok(Status::Ok.into())
}
