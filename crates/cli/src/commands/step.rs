//! `tasker step ...`.

use std::process::ExitCode;

use anyhow::Context as _;
use tasker_core::payload::Payload;
use tasker_engine::Engine;
use tasker_engine::use_cases::{Operation, Operator};
use tasker_wire::StepDocument;

use super::task::operator::actor;
use crate::args::{StepCommand, StepOperator, StepRef};
use crate::exit::Status;
use crate::input;
use crate::open::{self, Access};
use crate::output::{explain, task, time};
use crate::session::Session;

/// Works with single steps.
pub async fn run(command: StepCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        StepCommand::Show(which) => {
            let engine = open::engine(session, Access::Read).await?;
            show(&engine, &which, session).await
        }
        StepCommand::Retry { operator, limit, new_idempotency_key } => {
            let step = operator.which.step.clone();
            let operation = Operation::RetryStep { step, limit: limit.limit(), new_idempotency_key };
            operate(operator, operation, session).await
        }
        StepCommand::Resolve { operator, results } => {
            let limit = session.settings.limits.max_result_bytes;
            let results = results.map(|source| input::json(&source, "results", limit)).transpose()?;
            let results = results.as_ref().map(Payload::to_value);
            let operation = Operation::ResolveStep { step: operator.which.step.clone(), results };
            operate(operator, operation, session).await
        }
        StepCommand::Cancel(operator) => {
            let operation = Operation::CancelStep(operator.which.step.clone());
            operate(operator, operation, session).await
        }
    }
}

async fn operate(
    operator: StepOperator,
    operation: Operation,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Write).await?;
    let who = Operator::named(actor(operator.actor)).because(operator.reason);
    engine.operate(operator.which.task, operation, who).await?;
    let code = show(&engine, &operator.which, session).await;
    engine.shutdown().await;
    code
}

async fn show(engine: &Engine, which: &StepRef, session: &Session) -> anyhow::Result<ExitCode> {
    let explanation = engine.explain_step(which.task, &which.step).await?;
    let view = engine.task(which.task).await?;
    let step = view.steps.iter().find(|step| step.record.ordinal == explanation.ordinal);
    let step = step.context("the row of the step vanished while it was read")?;
    let document = StepDocument::new(&view.detail.record, &view.detail.plan, step, time::now());
    session.printer.result(&document, || {
        let style = session.printer.style();
        let why = if document.processed { String::new() } else { explain::step(&explanation, style) };
        task::step(&document, style) + &why
    });
    Ok(Status::Ok.into())
}
