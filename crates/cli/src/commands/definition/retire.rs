//! `tasker definition retire`.

use std::process::ExitCode;

use serde_json::json;

use super::selector;
use crate::args::RetireArgs;
use crate::backend::{self, Local};
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::session::Session;

/// Lets no new task use a version, or allows it again.
pub async fn run(args: &RetireArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted =
        selector::parse(&args.which.name, args.which.namespace.as_ref(), args.which.version.as_ref())?;
    if wanted.version().is_none() {
        let message = "name the version to retire: NAME@VERSION";
        return Err(Failure::new(Status::Usage, "version_missing", message).into());
    }
    backend::refuse("definition retire", session)?;
    let engine = open::engine(session, Access::Write).await?;
    let definition = wanted.find(&Local(engine.clone())).await?;
    let retired = !args.undo;
    engine.retire(selector::exactly(&definition), retired).await?;
    engine.shutdown().await;
    let name = definition.full_name;
    session.printer.result(&json!({"full_name": name, "retired": retired}), || {
        if retired {
            format!("{name}: retired; running tasks finish")
        } else {
            format!("{name}: in use again")
        }
    });
    Ok(Status::Ok.into())
}
