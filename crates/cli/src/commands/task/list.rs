//! `tasker task list`.

use std::process::ExitCode;

use tasker_core::state::TaskState;
use tasker_store::read::{TaskFilter, TaskPage, TaskRow};
use tasker_wire::{Pagination, TaskList, TaskSummary};

use crate::args::ListArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::{task, time};
use crate::session::Session;

/// Lists tasks, newest first.
pub async fn run(args: ListArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let limit = usize::try_from(args.limit)?;
    let page = engine.tasks(filter(args, limit)).await?;
    let list = document(page, limit);
    session.printer.result(&list, || task::list(&list, session.printer.style()));
    Ok(Status::Ok.into())
}

fn filter(args: ListArgs, limit: usize) -> TaskFilter {
    TaskFilter {
        namespace: args.namespace,
        name: args.name,
        version: args.version,
        states: args.status,
        tag: args.tag,
        annotation: args.annotation,
        created_after: args.created_after.map(|when| when.before(time::now())),
        after: args.cursor,
        limit,
        count_all: args.include_total,
    }
}

fn document(page: TaskPage, limit: usize) -> TaskList {
    let last = page.tasks.last().map(|task| task.task_id.to_string());
    TaskList {
        pagination: Pagination {
            limit,
            offset: None,
            total_count: page.total,
            has_more: page.has_more,
            next_cursor: last.filter(|_| page.has_more),
        },
        tasks: page.tasks.into_iter().map(summary).collect(),
    }
}

fn summary(row: TaskRow) -> TaskSummary {
    TaskSummary {
        full_name: format!("{}.{}@{}", row.namespace, row.name, row.version),
        task_id: row.task_id,
        name: row.name,
        namespace: row.namespace,
        version: row.version,
        status: row.status,
        complete: row.status == TaskState::Complete,
        priority: row.priority,
        initiator: row.initiator,
        source_system: row.source_system,
        reason: row.reason,
        tags: row.tags,
        total_steps: row.total_steps,
        remaining_steps: row.remaining_steps,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        completed_at: row.completed_at.map(Into::into),
    }
}
