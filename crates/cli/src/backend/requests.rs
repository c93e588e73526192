//! From what commands want to what a server is asked.

use serde_json::Value;
use tasker_client::TaskQuery;
use tasker_client::request::{
    CancelStepRequest, CancelTaskRequest, CreateTaskRequest, ResolveStepRequest, ResolveTaskRequest,
    RetryStepRequest, RetryTaskRequest,
};
use tasker_core::decide::NewLimit;
use tasker_core::request::TaskRequest;
use tasker_store::list::{Between, Direction, TaskFilter, TaskSort};

use super::Acting;
use crate::exit::{Failure, Status};

/// A request for a task.
pub fn task(request: &TaskRequest) -> CreateTaskRequest {
    CreateTaskRequest {
        name: request.name.to_string(),
        namespace: Some(request.namespace.to_string()),
        version: request.version.as_ref().map(ToString::to_string),
        context: request.context.to_value(),
        initiator: request.initiator.clone(),
        source_system: request.source_system.clone(),
        reason: request.reason.clone(),
        tags: request.tags.clone(),
        bypass_steps: request.bypass_steps.clone(),
        priority: request.priority,
        not_before: request.not_before.map(|at| at.to_string()),
        correlation_id: request.correlation_id.clone(),
        id: request.id.map(|id| id.to_string()),
    }
}

/// A list of tasks.
pub fn list(list: &TaskFilter) -> TaskQuery {
    let mut query = TaskQuery::new().limit(list.limit).include_total(list.count_all);
    let sort = TaskSort::ALL.iter().find(|(_, sort)| *sort == list.sort);
    query = sort.into_iter().fold(query, |query, (name, _)| query.sort_by(name));
    query = query.sort_order(if list.direction == Direction::Asc { "asc" } else { "desc" });
    type Set = fn(TaskQuery, &str) -> TaskQuery;
    let states: Vec<&str> = list.states.iter().map(|state| state.as_str()).collect();
    let texts: [(Option<String>, Set); 9] = [
        (list.namespace.as_ref().map(ToString::to_string), TaskQuery::namespace),
        (list.name.as_ref().map(ToString::to_string), TaskQuery::name),
        (list.version.as_ref().map(ToString::to_string), TaskQuery::version),
        ((!states.is_empty()).then(|| states.join(",")), TaskQuery::status),
        (list.initiator.clone(), TaskQuery::initiator),
        (list.source_system.clone(), TaskQuery::source_system),
        (list.reason.clone(), TaskQuery::reason),
        (list.correlation_id.clone(), TaskQuery::correlation_id),
        (list.context.as_ref().map(|context| context.as_str().to_owned()), TaskQuery::context),
    ];
    for (text, set) in texts {
        query = text.iter().fold(query, |query, text| set(query, text));
    }
    let times: [(&Between, Set, Set); 4] = [
        (&list.created, TaskQuery::created_after, TaskQuery::created_before),
        (&list.requested, TaskQuery::requested_after, TaskQuery::requested_before),
        (&list.updated, TaskQuery::updated_after, TaskQuery::updated_before),
        (&list.ended, TaskQuery::ended_after, TaskQuery::ended_before),
    ];
    for (between, after, before) in times {
        query = between.from.iter().fold(query, |query, at| after(query, &at.to_string()));
        query = between.before.iter().fold(query, |query, at| before(query, &at.to_string()));
    }
    query = list.priority.into_iter().fold(query, TaskQuery::priority);
    query = list.tags.iter().fold(query, |query, tag| query.tag(tag));
    list.annotations.iter().fold(query, |query, (kind, key, value)| query.annotation(kind, key, value))
}

/// Why, of somebody who does not say who it is: the server knows that.
///
/// # Errors
/// An actor was named.
pub fn reason(who: Acting) -> Result<Option<String>, Failure> {
    match who.actor {
        None => Ok(who.reason),
        Some(_) => {
            let message = "--actor is not for servers: a server knows who asks";
            Err(Failure::new(Status::Usage, "usage", message)
                .help("leave it out; what stands in the history is who the token says you are"))
        }
    }
}

/// Cancels a task.
pub fn cancel(force: bool, reason: Option<String>) -> CancelTaskRequest {
    CancelTaskRequest { reason, force: force.then_some(true) }
}

/// Declares a task done. The command line asks for a reason.
pub fn resolve(reason: Option<String>) -> ResolveTaskRequest {
    ResolveTaskRequest { reason: reason.unwrap_or_default() }
}

/// Tries steps of a task again.
pub fn retry(steps: Vec<String>, limit: NewLimit, reason: Option<String>) -> RetryTaskRequest {
    let (retry_limit, more) = limits(limit);
    RetryTaskRequest { step_names: (!steps.is_empty()).then_some(steps), retry_limit, more, reason }
}

/// Cancels a step.
pub fn cancel_step(reason: Option<String>) -> CancelStepRequest {
    CancelStepRequest { reason }
}

/// Declares a step done. The command line asks for a reason.
pub fn resolve_step(results: Option<Value>, reason: Option<String>) -> ResolveStepRequest {
    ResolveStepRequest { reason: reason.unwrap_or_default(), results }
}

/// Tries a step again.
pub fn retry_step(limit: NewLimit, new_idempotency_key: bool, reason: Option<String>) -> RetryStepRequest {
    let (retry_limit, more) = limits(limit);
    let new_idempotency_key = new_idempotency_key.then_some(true);
    RetryStepRequest { retry_limit, more, new_idempotency_key, reason }
}

fn limits(limit: NewLimit) -> (Option<u32>, Option<u32>) {
    match limit {
        NewLimit::Keep => (None, None),
        NewLimit::Set(limit) => (Some(limit), None),
        NewLimit::More(more) => (None, Some(more)),
    }
}
