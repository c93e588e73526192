//! What is kept in memory because it never changes: definitions by their content, contexts of tasks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use sqlx::Row;
use tasker_core::definition::Definition;
use tasker_core::ids::{Digest, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use crate::error::Trouble;
use crate::rows::revision_id;
use crate::session::Session;
use crate::sql;

/// Most definitions kept; beyond it all are dropped and read again as they are met.
const MAX_PLANS: usize = 1024;

/// Most bytes of contexts kept.
const MAX_CONTEXT_BYTES: usize = 32 * 1024 * 1024;

/// Most contexts kept.
const MAX_CONTEXTS: usize = 16 * 1024;

/// Definitions that were met. Their keys are made of their content, so that what is known stays true whatever happens to
/// the database.
#[derive(Default)]
pub(crate) struct Plans(Mutex<HashMap<Uuid, Arc<Plan>>>);

impl Plans {
    /// The plan of a revision, if it is known.
    pub(crate) fn known(&self, revision: Uuid) -> Option<Arc<Plan>> {
        self.map().get(&revision).cloned()
    }

    /// Reads those of these revisions that are not known yet. What is missing or unreadable stays unknown.
    pub(crate) async fn learn(
        &self,
        session: &mut Session,
        revisions: impl IntoIterator<Item = Uuid>,
    ) -> Result<(), Trouble> {
        let mut missing: Vec<Uuid> = {
            let known = self.map();
            revisions.into_iter().filter(|revision| !known.contains_key(revision)).collect()
        };
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let query = session.query(sql::PLANS).bind(missing);
        for row in session.rows(query).await? {
            if let Ok(definition) = Definition::from_document(row.try_get(1)?) {
                self.insert(row.try_get(0)?, Plan::new(definition));
            }
        }
        Ok(())
    }

    /// The plan of a revision, read if it is not known.
    ///
    /// # Errors
    /// It is not stored, or cannot be read.
    pub(crate) async fn get(&self, session: &mut Session, revision: Uuid) -> Result<Arc<Plan>, Trouble> {
        self.learn(session, [revision]).await?;
        self.known(revision).ok_or_else(|| missing(revision))
    }

    /// Keeps a plan that is known to be stored.
    pub(crate) fn keep(&self, plan: &Arc<Plan>) {
        self.insert(revision_id(plan.digest), plan.clone());
    }

    /// The plan of a digest, if it is known.
    pub(crate) fn of_digest(&self, digest: Digest) -> Option<Arc<Plan>> {
        self.known(revision_id(digest))
    }

    fn insert(&self, revision: Uuid, plan: Arc<Plan>) {
        let mut known = self.map();
        if known.len() >= MAX_PLANS && !known.contains_key(&revision) {
            known.clear();
        }
        known.entry(revision).or_insert(plan);
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Plan>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

/// The trouble with a revision that cannot be had.
pub(crate) fn missing(revision: Uuid) -> Trouble {
    Trouble::Corrupt(format!("definition revision {revision} is missing or cannot be read"))
}

/// What handlers need of a task's request.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) context: Payload,
    pub(crate) correlation_id: Option<String>,
}

/// Contexts of tasks that were worked on last. A task is told from a later one under the same id by its creation time.
#[derive(Default)]
pub(crate) struct Contexts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    contexts: HashMap<(TaskId, Timestamp), Context>,
    order: VecDeque<(TaskId, Timestamp)>,
    bytes: usize,
}

impl Contexts {
    /// The context of a task, if it is known.
    pub(crate) fn get(&self, id: TaskId, created_at: Timestamp) -> Option<Context> {
        self.kept().contexts.get(&(id, created_at)).cloned()
    }

    /// Keeps the context of a task.
    pub(crate) fn keep(&self, id: TaskId, created_at: Timestamp, context: Context) {
        self.kept().insert((id, created_at), context);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Kept {
    fn insert(&mut self, key: (TaskId, Timestamp), context: Context) {
        self.bytes += context.context.len();
        match self.contexts.insert(key, context) {
            Some(before) => self.bytes -= before.context.len(),
            None => self.order.push_back(key),
        }
        while self.bytes > MAX_CONTEXT_BYTES || self.contexts.len() > MAX_CONTEXTS {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.contexts.remove(&oldest).map_or(0, |context| context.context.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> TaskId {
        TaskId(Uuid::from_u128(n))
    }

    #[test]
    fn contexts_are_bounded_by_bytes_and_the_oldest_go_first() {
        let contexts = Contexts::default();
        let big =
            Context { context: Payload::from_stored("x".repeat(10 * 1024 * 1024)), correlation_id: None };
        for n in 0..5 {
            contexts.keep(id(n), Timestamp::default(), big.clone());
        }
        let known: Vec<bool> = (0..5).map(|n| contexts.get(id(n), Timestamp::default()).is_some()).collect();
        assert_eq!(known, [false, false, true, true, true]);
        assert_eq!(contexts.kept().bytes, 30 * 1024 * 1024);
    }

    #[test]
    fn a_context_kept_twice_counts_once() {
        let contexts = Contexts::default();
        let small = Context { context: Payload::empty_object(), correlation_id: None };
        contexts.keep(id(1), Timestamp::default(), small.clone());
        contexts.keep(id(1), Timestamp::default(), small);
        let kept = contexts.kept();
        assert_eq!((kept.bytes, kept.order.len()), (2, 1));
    }
}
