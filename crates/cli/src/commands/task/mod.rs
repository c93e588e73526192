//! `tasker task ...`.

mod bulk;
mod create;
mod diagram;
mod events;
mod explain;
mod list;
mod notes;
mod operator;
pub mod request;
mod show;

use std::process::ExitCode;

use crate::args::TaskCommand;
use crate::backend;
use crate::open::Access;
use crate::progress::Begun;
use crate::session::Session;

/// Works with tasks.
pub async fn run(command: TaskCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        TaskCommand::Create(args) => create::run(args, session).await,
        TaskCommand::List(args) => list::run(args, session).await,
        TaskCommand::Show(which) => show::run(which.task, session).await,
        TaskCommand::Watch(args) => {
            let backend = backend::open(session, Access::Read).await?;
            super::wait::until_ended(&backend, args.which.task, Begun::Before, args.timeout, session).await
        }
        TaskCommand::Cancel(args) => operator::cancel(args, session).await,
        TaskCommand::Retry(args) => operator::retry(args, session).await,
        TaskCommand::Resolve(args) => operator::resolve(args, session).await,
        TaskCommand::Resume(which) => notes::resume(which.task, session).await,
        TaskCommand::Update(args) => notes::update(args, session).await,
        TaskCommand::Annotate(args) => notes::annotate(args, session).await,
        TaskCommand::Annotations(which) => notes::annotations(which.task, session).await,
        TaskCommand::Bulk(command) => bulk::run(command, session).await,
        TaskCommand::Explain(args) => explain::run(args, session).await,
        TaskCommand::Diagram(args) => diagram::run(args, session).await,
        TaskCommand::Events(args) => events::run(args, session).await,
    }
}
