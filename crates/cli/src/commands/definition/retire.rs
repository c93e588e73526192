//! `tasker definition retire`.

use std::process::ExitCode;

use tasker_wire::RetiredReply;

use super::selector;
use crate::args::RetireArgs;
use crate::backend;
use crate::exit::{Failure, Status};
use crate::open::Access;
use crate::session::Session;

/// Lets no new task use a version, or allows it again.
pub async fn run(args: &RetireArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted =
        selector::parse(&args.which.name, args.which.namespace.as_ref(), args.which.version.as_ref())?;
    if wanted.version().is_none() {
        let message = "name the version to retire: NAME@VERSION";
        return Err(Failure::new(Status::Usage, "version_missing", message).into());
    }
    let backend = backend::open(session, Access::Write).await?;
    let definition = wanted.find(&*backend).await?;
    let retired = !args.undo;
    backend.retire(&selector::exactly(&definition), retired).await?;
    backend.close().await;
    let done = RetiredReply { full_name: definition.full_name, retired };
    session.printer.result(&done, || match done.retired {
        true => format!("{}: retired; running tasks finish", done.full_name),
        false => format!("{}: in use again", done.full_name),
    });
    Ok(Status::Ok.into())
}
