//! From flags to a request for a task.

use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::request::TaskRequest;

use crate::args::RequestArgs;
use crate::exit::Failure;
use crate::input;
use crate::output::time;
use crate::session::Session;

/// The request that the flags make.
pub fn build(
    args: &RequestArgs,
    namespace: Namespace,
    name: DefinitionName,
    session: &Session,
) -> Result<TaskRequest, Failure> {
    let context = input::context(args.context.as_ref(), session.settings.limits.max_context_bytes)?;
    Ok(TaskRequest {
        context,
        initiator: args.initiator.clone(),
        source_system: args.source_system.clone(),
        reason: args.reason.clone(),
        tags: args.tags.clone(),
        bypass_steps: args.bypass_steps.clone(),
        priority: args.priority,
        not_before: args.not_before.map(|when| when.after(time::now())),
        correlation_id: args.correlation_id.clone(),
        id: args.id,
        ..TaskRequest::new(namespace, name)
    })
}
