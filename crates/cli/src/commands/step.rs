//! `tasker step ...`.

use std::process::ExitCode;

use tasker_core::payload::Payload;
use tasker_engine::use_cases::Operation;
use tasker_wire::StepDocument;

use crate::args::{Output, StepCommand, StepOperator, StepRef};
use crate::backend::{self, Acting, Backend};
use crate::exit::Status;
use crate::input;
use crate::open::Access;
use crate::output::{explain, task};
use crate::session::Session;

/// Works with single steps.
pub async fn run(command: StepCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        StepCommand::Show(which) => {
            let backend = backend::open(session, Access::Read).await?;
            let document = backend.step(which.task, &which.step).await?;
            show(&*backend, &document, session).await
        }
        StepCommand::Retry { operator, limit, new_idempotency_key } => {
            let step = operator.which.step.clone();
            let operation = Operation::RetryStep { step, limit: limit.limit(), new_idempotency_key };
            let (which, who) = parts(operator);
            operate(which, operation, who, session).await
        }
        StepCommand::Resolve { which, reason, actor, results } => {
            let limit = session.settings.limits.max_result_bytes;
            let results = results.map(|source| input::json(&source, "results", limit)).transpose()?;
            let results = results.as_ref().map(Payload::to_value);
            let operation = Operation::ResolveStep { step: which.step.clone(), results };
            operate(which, operation, Acting { actor, reason: Some(reason) }, session).await
        }
        StepCommand::Cancel(operator) => {
            let operation = Operation::CancelStep(operator.which.step.clone());
            let (which, who) = parts(operator);
            operate(which, operation, who, session).await
        }
    }
}

fn parts(args: StepOperator) -> (StepRef, Acting) {
    (args.which, Acting { actor: args.actor, reason: args.reason })
}

async fn operate(
    which: StepRef,
    operation: Operation,
    who: Acting,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Write).await?;
    let document = backend.operate_step(which.task, &which.step, operation, who).await?;
    let code = show(&*backend, &document, session).await;
    backend.close().await;
    code
}

/// Shows a step; people are told too why it is not further.
async fn show(backend: &dyn Backend, document: &StepDocument, session: &Session) -> anyhow::Result<ExitCode> {
    let style = session.printer.style();
    let why = if document.processed || session.printer.output() == Output::Json {
        String::new()
    } else {
        explain::step(&backend.explain_step(document.task_id, document.name.as_str()).await?, style)
    };
    session.printer.result(document, || task::step(document, style) + &why);
    Ok(Status::Ok.into())
}
