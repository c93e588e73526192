//! `tasker events tail` through a server.

use std::process::ExitCode;

use tasker_client::{EventQuery, Told};
use tasker_engine::UseCaseError;
use tasker_store::read::Cursor;

use super::LAST;
use super::teller::{Event, Teller};
use crate::args::TailArgs;
use crate::backend::Remote;
use crate::exit::Status;
use crate::session::Session;
use crate::signals::Signals;

/// Shows what a server tells.
pub(super) async fn tail(args: &TailArgs, server: &Remote, session: &Session) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut teller = Teller::new(args, session.printer.output());
    let ended = tokio::select! {
        status = signals.next() => Ok(status),
        ended = follow(args, server, &mut teller) => ended.map(|()| Status::Ok),
    };
    teller.part(args, &session.printer);
    Ok(ended?.into())
}

async fn follow(args: &TailArgs, server: &Remote, teller: &mut Teller) -> anyhow::Result<()> {
    let mut stream = server.events(&query(args));
    while let Some(told) = server.told(stream.next().await)? {
        match told {
            Told::Event { position, event } => {
                if !teller.tell(&[Event { cursor: position, document: *event }])? {
                    return Ok(());
                }
            }
            Told::Gap(gap) => {
                let after: Cursor = gap.after.parse()?;
                return Err(UseCaseError::from(after.gone()).into());
            }
        }
    }
    Ok(())
}

fn query(args: &TailArgs) -> EventQuery {
    let after = match args.from_start {
        true => Some("start".to_owned()),
        false => args.after.map(|after| after.to_string()),
    };
    EventQuery {
        task: args.task.map(|task| task.to_string()),
        last: after.is_none().then(|| args.last.unwrap_or(LAST)),
        after,
        only_past: !args.follow,
        ..EventQuery::default()
    }
}
