//! Tasks that a request describes instead of naming them.

use tasker_core::access::Permission;
use tasker_core::ids::TaskId;
use tasker_store::list::{Between, Direction, TaskFilter};
use tasker_wire::request::{MOST_TASK_IDS, TaskSelection};

use super::parts::visible;
use crate::call::Call;
use crate::reply::Problem;
use crate::state::ApiState;

/// Pages that are looked at before what was found is enough, with the rest left to the next call.
const MOST_PAGES: usize = 20;

/// The oldest tasks that are meant and that the caller may do this with, and the cursor of the rest, if there may be more.
pub(super) async fn tasks_of(
    api: &ApiState,
    call: &Call,
    permission: Permission,
    selection: &TaskSelection,
    cursor: Option<&str>,
) -> Result<(Vec<TaskId>, Option<String>), Problem> {
    let list = visible(call, permission, filter(selection))?;
    let mut page = match cursor {
        None => list.clone(),
        Some(cursor) => list.clone().after_cursor(cursor).map_err(|rejection| {
            Problem::field("invalid_cursor", "/cursor", rejection.message).help(rejection.help)
        })?,
    };
    let mut ids = Vec::new();
    for _ in 0..MOST_PAGES {
        page.limit = MOST_TASK_IDS - ids.len();
        let found = api.engine.tasks(page.clone()).await?;
        ids.extend(found.tasks.iter().map(|task| task.task_id));
        page.after = found.next;
        if page.after.is_none() || ids.len() == MOST_TASK_IDS {
            break;
        }
    }
    Ok((ids, page.after.as_ref().map(|next| list.cursor(next))))
}

fn filter(selection: &TaskSelection) -> TaskFilter {
    let TaskSelection {
        namespace,
        name,
        version,
        status,
        initiator,
        source_system,
        reason,
        correlation_id,
        priority,
        tags,
        context,
        created_after,
        created_before,
        updated_after,
        updated_before,
    } = selection.clone();
    let at = |instant: Option<tasker_wire::Instant>| instant.map(tasker_wire::Instant::timestamp);
    TaskFilter {
        namespace,
        name,
        version,
        states: status,
        initiator,
        source_system,
        reason,
        correlation_id,
        priority,
        tags,
        context,
        created: Between { from: at(created_after), before: at(created_before) },
        updated: Between { from: at(updated_after), before: at(updated_before) },
        direction: Direction::Asc,
        ..TaskFilter::default()
    }
}
