//! `tasker definition graph`.

use std::process::ExitCode;

use tasker_core::graph::render::{GraphFormat, render};

use super::either::{self, Place};
use crate::args::{GraphArgs, Output};
use crate::exit::Status;
use crate::session::Session;

/// Draws the steps of a definition.
pub async fn run(args: &GraphArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let format = match (args.format, session.printer.output()) {
        (Some(picture), _) => picture.into(),
        (None, Output::Json) => GraphFormat::Json,
        (None, Output::Text) => GraphFormat::Text,
    };
    let place = Place::new(&args.definition, args.namespace.as_ref());
    let definition = either::find(&place, session).await?;
    session.printer.text(&render(&definition, format));
    Ok(Status::Ok.into())
}
