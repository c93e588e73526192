//! Operators' actions on tasks and steps.

use serde_json::Value;
use tasker_core::decide::{Action, Answer, Input, NewLimit, Workset};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, RowVersion};
use tasker_core::request::{RequestProblem, kind_problem, tag_problems, text_problem};
use tasker_store::read::TaskView;
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::settler::Item;

/// What an operator wants done; steps by name.
#[derive(Clone, PartialEq, Debug)]
pub enum Operation {
    /// Cancel the task; one that is cancelled stays as it is.
    CancelTask {
        /// Whether a task that is complete or resolved is cancelled too.
        force: bool,
    },
    /// Declare a failed task done.
    ResolveTask,
    /// Try failed steps of a failed task again; no names: all.
    RetryTask {
        /// Which.
        steps: Vec<String>,
        /// Whether the limit is raised.
        limit: NewLimit,
    },
    /// Change what is told about a task.
    EditTask {
        /// New reason, at most 128 characters.
        reason: Option<String>,
        /// New labels.
        tags: Option<Vec<String>>,
    },
    /// Add an annotation to the task.
    Annotate {
        /// Its type, 1 to 64 characters.
        kind: String,
        /// Its value: any JSON, no larger than a result may be.
        value: Value,
    },
    /// Cancel a step.
    CancelStep(String),
    /// Declare a step done.
    ResolveStep {
        /// Which.
        step: String,
        /// What its dependents shall see as its result.
        results: Option<Value>,
    },
    /// Try a failed step again.
    RetryStep {
        /// Which.
        step: String,
        /// Whether the limit is raised.
        limit: NewLimit,
        /// Whether the handler gets a new idempotency key.
        new_idempotency_key: bool,
    },
    /// Change a step that is not done.
    EditStep {
        /// Which.
        step: String,
        /// New limit, at least 1.
        retry_limit: Option<u32>,
        /// New inputs.
        inputs: Option<Value>,
    },
}

/// Who acts, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operator {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// The versions of the row acted on (the step's for operations on steps, else the task's) for which this is meant;
    /// `None`: any.
    pub expected: Option<Vec<RowVersion>>,
}

impl Operator {
    /// Somebody who says no more than who it is.
    pub fn named(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), reason: None, expected: None }
    }

    /// The same with why.
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

impl Engine {
    /// Does what an operator wants.
    ///
    /// # Errors
    /// `task_not_found`, `step_not_found`; [`UseCaseError::Refused`] where a rule says no, such as
    /// `invalid_state_transition`, `retry_limit_reached` or `precondition_failed`.
    pub async fn operate(
        &self,
        task: TaskId,
        operation: Operation,
        operator: Operator,
    ) -> Result<(), UseCaseError> {
        check_texts(&operation, &operator)?;
        let detail = self.task_detail(task).await?;
        let input = self.input(task, &detail.plan, operation, operator)?;
        let (reply, answer) = oneshot::channel();
        let item = Item::of_operator(task, input, reply);
        self.lanes.send(item).await.map_err(|_| UseCaseError::Stopped)?;
        told(answer.await.map_err(|_| UseCaseError::Stopped)??)
    }

    /// What [`Engine::operate`] would come to now; nothing is done. When it is, the task may have moved on.
    ///
    /// # Errors
    /// As [`Engine::operate`].
    pub async fn rehearse(
        &self,
        task: TaskId,
        operation: Operation,
        operator: Operator,
    ) -> Result<(), UseCaseError> {
        check_texts(&operation, &operator)?;
        let TaskView { detail, steps } = self.whole_task(task).await?;
        let input = self.input(task, &detail.plan, operation, operator)?;
        let now = self.parts.store.now().await?;
        let steps = steps.into_iter().map(|step| (step.record, step.queue));
        let mut work = Workset::new(detail.plan, &self.parts.rules, now, detail.record, steps);
        told(work.take(input))
    }

    fn input(
        &self,
        task: TaskId,
        plan: &Plan,
        operation: Operation,
        operator: Operator,
    ) -> Result<Input, UseCaseError> {
        let Operator { actor, reason, expected } = operator;
        Ok(Input::Operate { action: self.action(task, plan, operation)?, actor, reason, expected })
    }

    fn action(&self, task: TaskId, plan: &Plan, operation: Operation) -> Result<Action, UseCaseError> {
        let position = |name: &str| position(task, plan, name);
        Ok(match operation {
            Operation::CancelTask { force } => Action::CancelTask { force },
            Operation::ResolveTask => Action::ResolveTask,
            Operation::RetryTask { steps, limit } => {
                let steps = steps.iter().map(|name| position(name)).collect::<Result<_, _>>()?;
                Action::RetryTask { steps, limit }
            }
            Operation::EditTask { reason, tags } => Action::EditTask { reason, tags },
            Operation::Annotate { kind, value } => {
                let value = payload(&value, self.options().max_result_bytes, "/value")?;
                Action::Annotate(Annotation { kind, value })
            }
            Operation::CancelStep(step) => Action::CancelStep(position(&step)?),
            Operation::ResolveStep { step, results } => {
                let limit = self.options().max_result_bytes;
                Action::ResolveStep { step: position(&step)?, results: optional(results, limit, "/results")? }
            }
            Operation::RetryStep { step, limit, new_idempotency_key } => {
                Action::RetryStep { step: position(&step)?, limit, new_idempotency_key }
            }
            Operation::EditStep { step, retry_limit, inputs } => {
                let limit = self.options().max_context_bytes;
                Action::EditStep {
                    step: position(&step)?,
                    retry_limit,
                    inputs: optional(inputs, limit, "/inputs")?,
                }
            }
        })
    }
}

fn told(answer: Answer) -> Result<(), UseCaseError> {
    match answer {
        Answer::Refused(rejection) => Err(UseCaseError::Refused(rejection)),
        _ => Ok(()),
    }
}

/// The texts of an operator keep the rules of those of a request.
fn check_texts(operation: &Operation, operator: &Operator) -> Result<(), UseCaseError> {
    let mut problems: Vec<RequestProblem> = text_problem("/actor", &operator.actor).into_iter().collect();
    problems.extend(operator.reason.as_ref().and_then(|reason| text_problem("/reason", reason)));
    if let Operation::EditTask { reason, tags } = operation {
        problems.extend(reason.as_ref().and_then(|reason| text_problem("/reason", reason)));
        problems.extend(tags.iter().flat_map(|tags| tag_problems(tags)));
    }
    if let Operation::Annotate { kind, .. } = operation {
        problems.extend(kind_problem("/type", kind));
    }
    if problems.is_empty() { Ok(()) } else { Err(UseCaseError::Invalid(problems)) }
}

fn optional(value: Option<Value>, max_bytes: usize, pointer: &str) -> Result<Option<Payload>, UseCaseError> {
    value.map(|value| payload(&value, max_bytes, pointer)).transpose()
}

fn payload(value: &Value, max_bytes: usize, pointer: &str) -> Result<Payload, UseCaseError> {
    let problem = |error: tasker_core::payload::PayloadError| {
        UseCaseError::Invalid(vec![RequestProblem {
            code: error.code(),
            pointer: pointer.to_owned(),
            message: error.to_string(),
            help: None,
        }])
    };
    Payload::from_value(value, max_bytes).map_err(problem)
}

/// The position of a step, or an error that names the steps there are.
pub(super) fn position(task: TaskId, plan: &Plan, name: &str) -> Result<Ordinal, UseCaseError> {
    plan.position(name).ok_or_else(|| UseCaseError::step_not_found(task, plan, name))
}
