//! What is kept in memory because it never changes: definitions, numbers of handlers, contexts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::definition::Definition;
use tasker_core::ids::{Digest, Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;

use crate::error::Trouble;
use crate::rows;
use crate::sql;

/// Most definitions kept; beyond it all are dropped and read again as they are met.
const MAX_REVISIONS: usize = 1024;

/// Most bytes of contexts kept.
const MAX_CONTEXT_BYTES: usize = 32 * 1024 * 1024;

/// Most contexts kept.
const MAX_CONTEXTS: usize = 16 * 1024;

/// A revision of a definition, as this file numbers things.
#[derive(Debug)]
pub(crate) struct Revision {
    pub(crate) id: i64,
    pub(crate) plan: Arc<Plan>,
    handler_ids: Vec<i64>,
}

impl Revision {
    pub(crate) fn handler_id(&self, step: Ordinal) -> i64 {
        self.handler_ids[step.index()]
    }
}

/// Revisions that were met, shared by all threads of a store.
#[derive(Default)]
pub(crate) struct Revisions(Mutex<HashMap<i64, Arc<Revision>>>);

impl Revisions {
    /// The revision of a number.
    pub(crate) fn get(&self, connection: &Connection, id: i64) -> Result<Arc<Revision>, Trouble> {
        if let Some(revision) = self.known().get(&id) {
            return Ok(revision.clone());
        }
        let mut statement = connection.prepare_cached(sql::REVISION_BY_ID)?;
        let document: Option<String> = statement.query_row([id], |row| row.get(1)).optional()?;
        let document =
            document.ok_or_else(|| Trouble::Corrupt(format!("definition revision {id} is missing")))?;
        let definition = Definition::from_document(&document)
            .map_err(|error| Trouble::Corrupt(format!("definition revision {id} cannot be read: {error}")))?;
        self.keep(connection, id, Plan::new(definition))
    }

    /// The revision of a digest, if it is stored.
    pub(crate) fn find(
        &self,
        connection: &Connection,
        digest: Digest,
    ) -> Result<Option<Arc<Revision>>, Trouble> {
        let mut statement = connection.prepare_cached(sql::REVISION_BY_DIGEST)?;
        let id: Option<i64> = statement.query_row([digest.0.as_slice()], |row| row.get(0)).optional()?;
        id.map(|id| self.get(connection, id)).transpose()
    }

    fn keep(&self, connection: &Connection, id: i64, plan: Arc<Plan>) -> Result<Arc<Revision>, Trouble> {
        let mut statement = connection.prepare_cached(sql::REVISION_HANDLERS)?;
        let handler_ids: Vec<i64> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if handler_ids.len() != plan.graph.n_steps() {
            return Err(Trouble::Corrupt(format!("definition revision {id} lacks rows of its steps")));
        }
        let revision = Arc::new(Revision { id, plan, handler_ids });
        let mut known = self.known();
        if known.len() >= MAX_REVISIONS {
            known.clear();
        }
        known.insert(id, revision.clone());
        Ok(revision)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<i64, Arc<Revision>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

/// Numbers of handlers.
#[derive(Default)]
pub(crate) struct Handlers(HashMap<HandlerName, i64>);

impl Handlers {
    /// The number of a handler, if any definition names it.
    pub(crate) fn id(&mut self, connection: &Connection, name: &HandlerName) -> Result<Option<i64>, Trouble> {
        if let Some(&id) = self.0.get(name) {
            return Ok(Some(id));
        }
        let mut statement = connection.prepare_cached(sql::HANDLER_ID)?;
        let id: Option<i64> = statement.query_row([name.as_str()], |row| row.get(0)).optional()?;
        if let Some(id) = id {
            self.0.insert(name.clone(), id);
        }
        Ok(id)
    }
}

/// What handlers need of a task's request.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) context: Payload,
    pub(crate) correlation_id: Option<String>,
}

/// Contexts of tasks that were worked on last. A task is told from a later one under the same id by its creation time.
#[derive(Default)]
pub(crate) struct Contexts {
    kept: HashMap<(TaskId, Timestamp), Context>,
    order: VecDeque<(TaskId, Timestamp)>,
    bytes: usize,
}

impl Contexts {
    /// The context of a task.
    pub(crate) fn get(
        &mut self,
        connection: &Connection,
        seq: i64,
        id: TaskId,
        created_at: Timestamp,
    ) -> Result<Context, Trouble> {
        if let Some(context) = self.kept.get(&(id, created_at)) {
            return Ok(context.clone());
        }
        let mut statement = connection.prepare_cached(sql::INPUT_CONTEXT)?;
        let context = statement.query_row(params![seq], |row| {
            Ok(Context { context: rows::payload(row, 0)?, correlation_id: row.get(1)? })
        });
        let context = context
            .optional()?
            .ok_or_else(|| Trouble::Corrupt(format!("the input of task {id} is missing")))?;
        self.keep(id, created_at, context.clone());
        Ok(context)
    }

    /// Keeps a context that is known without reading it.
    pub(crate) fn keep(&mut self, id: TaskId, created_at: Timestamp, context: Context) {
        self.bytes += context.context.len();
        if let Some(before) = self.kept.insert((id, created_at), context) {
            self.bytes -= before.context.len();
        } else {
            self.order.push_back((id, created_at));
        }
        while self.bytes > MAX_CONTEXT_BYTES || self.kept.len() > MAX_CONTEXTS {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.kept.remove(&oldest).map_or(0, |context| context.context.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> TaskId {
        TaskId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn contexts_are_bounded_by_bytes() {
        let mut contexts = Contexts::default();
        let big =
            Context { context: Payload::from_stored("x".repeat(10 * 1024 * 1024)), correlation_id: None };
        for n in 0..5 {
            contexts.keep(id(n), Timestamp::default(), big.clone());
        }
        assert_eq!(contexts.kept.len(), 3);
        assert!(contexts.kept.contains_key(&(id(4), Timestamp::default())));
        assert!(!contexts.kept.contains_key(&(id(1), Timestamp::default())));
        assert_eq!(contexts.bytes, 30 * 1024 * 1024);
    }

    #[test]
    fn a_context_kept_twice_counts_once() {
        let mut contexts = Contexts::default();
        let small = Context { context: Payload::empty_object(), correlation_id: None };
        contexts.keep(id(1), Timestamp::default(), small.clone());
        contexts.keep(id(1), Timestamp::default(), small);
        assert_eq!((contexts.bytes, contexts.order.len()), (2, 1));
    }
}
