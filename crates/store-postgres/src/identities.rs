//! Identities of requests that deduplicate: who takes which, and what an open transaction of an embedder holds.

use std::collections::HashMap;

use sqlx::Row;
use tasker_core::decide::{self, Submission};
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, TaskId};
use tasker_store::write::SubmitAnswer;
use uuid::Uuid;

use crate::error::Trouble;
use crate::load::Moment;
use crate::sql;
use crate::transaction::Statements;

/// Whether repeats of a request are told by more than its id.
pub(crate) fn deduplicates(submission: &Submission) -> bool {
    !matches!(submission.identity, IdentityStrategy::Default)
}

/// Identities of requests that deduplicate, in their order; what has no usable identity is refused later.
pub(crate) fn identities<'a>(
    submissions: impl Iterator<Item = &'a Submission>,
    rules: &decide::Rules,
    moment: Moment,
) -> Vec<(TaskId, String)> {
    let deduplicates = submissions.filter(|one| deduplicates(one));
    let identity = |one: &Submission| {
        let task = decide::submit(one, rules, moment.now, None).ok()?;
        Some((one.id, task.input.identity?))
    };
    deduplicates.filter_map(identity).collect()
}

/// Who has which identity, now that this transaction took those that were free. `None`: a transaction that has not ended.
#[derive(Default)]
pub(crate) struct Taken(HashMap<String, Option<TaskId>>);

impl Taken {
    /// Why a task cannot have this identity.
    pub(crate) fn refuses(&self, hash: &str, task: TaskId) -> Option<SubmitAnswer> {
        match self.0.get(hash)? {
            Some(holder) if *holder == task => None,
            Some(holder) => Some(SubmitAnswer::Duplicate { of: *holder }),
            None => Some(SubmitAnswer::Blocked),
        }
    }
}

/// Takes what is free of these identities, for the first that asks for each. What an embedder's open transaction holds
/// is left alone: nobody knows how long that stays open.
pub(crate) async fn take_identities<S: Statements>(
    session: &mut S,
    identities: &[(TaskId, String)],
) -> Result<Taken, Trouble> {
    let mut asking: HashMap<String, TaskId> = HashMap::new();
    for (task, hash) in identities {
        asking.entry(hash.clone()).or_insert(*task);
    }
    if asking.is_empty() {
        return Ok(Taken::default());
    }
    let mut taken = Taken(asking.keys().map(|hash| (hash.clone(), None)).collect());
    let asking = ours_to_ask_for(session, asking).await?;
    let keys: Vec<i64> = asking.keys().map(|hash| key_of(hash)).collect();
    let (hashes, tasks): (Vec<String>, Vec<Uuid>) =
        asking.iter().map(|(hash, task)| (hash.clone(), task.0)).unzip();
    let query = session.query(sql::SUBMIT_IDENTITIES).bind(&hashes).bind(tasks).bind(keys);
    for row in session.rows(query).await? {
        let hash: String = row.try_get(0)?;
        let task = asking.get(&hash).copied();
        taken.0.insert(hash, task);
    }
    let held: Vec<String> = hashes.into_iter().filter(|hash| taken.0[hash].is_none()).collect();
    if !held.is_empty() {
        let query = session.query(sql::SUBMIT_DUPLICATES).bind(held);
        for row in session.rows(query).await? {
            taken.0.insert(row.try_get(0)?, Some(TaskId(row.try_get(1)?)));
        }
    }
    Ok(taken)
}

/// In a transaction that stays open, an identity is announced before it is taken, so that others see it and do not wait
/// for it; what another such transaction announced is not asked for.
async fn ours_to_ask_for<S: Statements>(
    session: &mut S,
    mut asking: HashMap<String, TaskId>,
) -> Result<HashMap<String, TaskId>, Trouble> {
    if !S::OUTLIVES_CALL {
        return Ok(asking);
    }
    let mut hashes: Vec<String> = asking.keys().cloned().collect();
    hashes.sort_unstable();
    for hash in hashes {
        let query = session.query(sql::SUBMIT_ANNOUNCE).bind(key_of(&hash));
        let rows = session.rows(query).await?;
        if !rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
            asking.remove(&hash);
        }
    }
    Ok(asking)
}

/// The number under which an identity is announced: 31 bits of its digest. Two that share one are never confused for
/// more than a while.
fn key_of(hash: &str) -> i64 {
    let digest = Digest::of(hash.as_bytes()).0;
    i64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) >> 1)
}
