//! Whoever asks something of the nodes of a simulated world: clients that submit, operators, and those who wait. They
//! remember what they were told, and it must be true.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tasker_core::decide::NewLimit;
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_core::request::TaskRequest;
use tasker_core::state::TaskState;
use tasker_engine::use_cases::{Operation, Operator};
use tasker_engine::{Engine, UseCaseError};

use super::handler::UNSTORABLE;
use super::shared::{Shared, lock};
use super::vitals::Vitals;

/// A node that a client can ask.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) vitals: Arc<Vitals>,
    pub(super) engine: Engine,
}

/// How often a client asks before it gives up.
const MOST_TRIES: usize = 4;

impl Door {
    /// Asks; `None` if the node died before it answered.
    async fn ask<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.vitals.died() => None,
            answer = question => Some(answer),
        }
    }
}

/// Lets a client do something in the background.
pub(super) fn go(shared: &Arc<Shared>, client: impl Future<Output = ()> + Send + 'static) {
    let shared = shared.clone();
    shared.clients.fetch_add(1, Ordering::SeqCst);
    tokio::spawn(async move {
        client.await;
        shared.clients.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Submits a task, again and elsewhere if no answer comes: whoever is told that it is accepted can rely on it.
pub(super) async fn submit(shared: Arc<Shared>, doors: Vec<Door>, request: TaskRequest) {
    for _ in 0..MOST_TRIES {
        let door = &doors[shared.below(doors.len())];
        let answer = door.ask(door.engine.submit(request.clone())).await;
        match answer {
            Some(Ok(submitted)) => {
                tell(&shared, door, format_args!("accepted {}", shared.story.name(submitted.task_id.0)));
                let known = lock(&shared.oracle).task(submitted.task_id).is_some();
                if !known {
                    shared
                        .violate(format_args!("task {} was accepted, but is not stored", submitted.task_id));
                }
                lock(&shared.asked).insert(submitted.task_id, true);
                shared.count(|counts| counts.tasks += u64::from(submitted.created));
                return;
            }
            Some(Err(UseCaseError::Store(error))) if error.may_be_retried() => {}
            None | Some(Err(UseCaseError::Stopped)) => {}
            Some(Err(UseCaseError::Store(error))) if request.context.as_str().contains(UNSTORABLE) => {
                return tell(&shared, door, format_args!("refused, as it should be: {error}"));
            }
            Some(Err(error @ UseCaseError::Conflict { code: "duplicate_request", .. })) => {
                return tell(&shared, door, format_args!("refused: {error}"));
            }
            Some(Err(error)) => {
                return shared.violate(format_args!("a sound request was refused: {error:?}"));
            }
        }
        if request.id.is_none() {
            return;
        }
        tokio::time::sleep(shared.millis(1, 3_000)).await;
    }
}

/// Asks for a task under an id that another request has: it must never be accepted.
pub(super) async fn usurp(shared: Arc<Shared>, door: Door, request: TaskRequest) {
    let answer = door.ask(door.engine.submit(request)).await;
    if let Some(Ok(submitted)) = answer {
        shared.violate(format_args!("another request was accepted under the id of {}", submitted.task_id));
    }
}

/// Acts on a task.
pub(super) async fn operate(shared: Arc<Shared>, door: Door, task: TaskId, operation: Operation) {
    let operator = Operator::named("ops");
    let cancels = matches!(operation, Operation::CancelTask { .. });
    let Some(answer) = door.ask(door.engine.operate(task, operation, operator)).await else { return };
    let state = lock(&shared.oracle).task(task).map(|seen| seen.state());
    match answer {
        Ok(()) if cancels && state != Some(TaskState::Cancelled) => {
            shared.violate(format_args!("task {task} was cancelled, but is {state:?}"));
        }
        Err(
            error
            @ (UseCaseError::NotFound { .. } | UseCaseError::Invalid(_) | UseCaseError::Conflict { .. }),
        ) => {
            shared.violate(format_args!("an action on task {task} failed: {error:?}"));
        }
        _ => {}
    }
}

/// Waits for a task to end, and looks at it.
pub(super) async fn watch(shared: Arc<Shared>, door: Door, task: TaskId) {
    let limit = shared.millis(100, 20_000);
    let looks = async {
        let ended = door.engine.wait(task, Some(limit)).await;
        (ended, door.engine.explain_task(task).await)
    };
    let Some((ended, explained)) = door.ask(looks).await else { return };
    if let Ok(Some(state)) = ended
        && state.is_open()
    {
        shared.violate(format_args!("whoever waited for task {task} was told that it ended as {state}"));
    }
    let broken = [ended.err(), explained.err()].into_iter().flatten();
    for error in broken.filter(|error| !is_weather(error)) {
        shared.violate(format_args!("reading task {task} failed: {error:?}"));
    }
}

fn is_weather(error: &UseCaseError) -> bool {
    matches!(error, UseCaseError::Store(error) if error.may_be_retried())
}

fn tell(shared: &Shared, door: &Door, what: std::fmt::Arguments<'_>) {
    shared.story.tell("client", format_args!("of {}: {what}", door.vitals.name));
}

/// An action of an operator on a task of this plan; many are refused.
pub(super) fn random_operation(shared: &Shared, plan: &Plan) -> Operation {
    let steps = &plan.definition.steps;
    let step = steps[shared.below(steps.len())].name.to_string();
    let limit = [NewLimit::Keep, NewLimit::More(1), NewLimit::Set(3)][shared.below(3)];
    match shared.below(12) {
        n @ 0..=2 => Operation::CancelTask { force: n == 0 },
        3 => Operation::CancelStep(step),
        4 => Operation::ResolveTask,
        5 => Operation::ResolveStep { step, results: None },
        6 | 7 => Operation::RetryTask { steps: Vec::new(), limit },
        8 | 9 => Operation::RetryStep { step, limit, new_idempotency_key: shared.percent(30) },
        10 => Operation::EditTask { reason: Some("chance".into()), tags: None },
        _ => Operation::EditStep { step, retry_limit: Some(1 + shared.below(4) as u32), inputs: None },
    }
}
