//! Accepting tasks: one transaction for the whole batch, written by one statement.
//!
//! Ids are looked at before identities, so that a request that is sent again is never taken for a repeat of itself. Two
//! nodes that accept the same id at once meet at its unique key: the later one fails as a whole, begins again, and finds
//! the task.

use std::collections::{HashMap, HashSet};

use sqlx::Row;
use tasker_core::decide::{self, NewTask, Rejection, Submission};
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, TaskId};
use tasker_core::names::Version;
use tasker_store::write::{SubmitAnswer, SubmitBatch, Submitted, Work};
use uuid::Uuid;

use crate::Parts;
use crate::caches::Context;
use crate::error::Trouble;
use crate::load::Moment;
use crate::rows::{self, revision_id};
use crate::save::{self, New};
use crate::session::{Begin, Session};
use crate::sql;
use crate::work;

/// How often a batch begins again because others accepted the same ids meanwhile.
const MAX_ROUNDS: u32 = 4;

/// SQLSTATE of a key that is there already.
const UNIQUE_VIOLATION: &str = "23505";

/// Accepts tasks.
pub(crate) async fn submit(parts: &Parts, batch: SubmitBatch) -> Result<Submitted, Trouble> {
    let mut rounds_left = MAX_ROUNDS;
    loop {
        let mut session = parts.hot.begin(Begin::Write).await?;
        let result = Intake::new(parts, &mut session, &batch).run(&batch).await;
        rounds_left -= 1;
        match session.end(result).await {
            Err(trouble) if rounds_left > 0 && trouble.sqlstate().as_deref() == Some(UNIQUE_VIOLATION) => {}
            Err(trouble) => return Err(trouble),
            Ok((submitted, leaves_work)) => {
                if leaves_work {
                    parts.hints.tell(&parts.hot).await;
                }
                return Ok(submitted);
            }
        }
    }
}

/// One batch in its transaction.
struct Intake<'a> {
    parts: &'a Parts,
    session: &'a mut Session,
    budget: Option<decide::ClaimBudget>,
    answers: Vec<SubmitAnswer>,
    work: Vec<Work>,
    leaves_work: bool,
}

impl<'a> Intake<'a> {
    fn new(parts: &'a Parts, session: &'a mut Session, batch: &SubmitBatch) -> Self {
        let answers = Vec::with_capacity(batch.submissions.len());
        Self { parts, session, budget: batch.budget.clone(), answers, work: Vec::new(), leaves_work: false }
    }

    async fn run(mut self, batch: &SubmitBatch) -> Result<(Submitted, bool), Trouble> {
        let mut rest = &batch.submissions[..];
        let mut moment = None;
        loop {
            // Requests under one id are decided one after the other.
            let (these, others) = rest.split_at(until_repeated_id(rest));
            let known = Known::look(self.session, these, self.parts, moment).await?;
            moment = Some(known.moment);
            self.accept(these, &batch.rules, &known).await?;
            rest = others;
            if rest.is_empty() {
                let submitted = Submitted { answers: self.answers, work: self.work, now: known.moment.now };
                return Ok((submitted, self.leaves_work));
            }
        }
    }

    async fn accept(
        &mut self,
        submissions: &[Submission],
        rules: &decide::Rules,
        known: &Known,
    ) -> Result<(), Trouble> {
        let refused: Vec<Option<SubmitAnswer>> = submissions.iter().map(|one| known.refuses(one)).collect();
        let candidates = submissions.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let identities = identities(candidates.map(|(one, _)| one), rules, known.moment);
        let taken = take_identities(self.session, &identities).await?;
        let mut new: Vec<(&Submission, NewTask)> = Vec::new();
        for (submission, refused) in submissions.iter().zip(refused) {
            let hash = identities.iter().find(|(id, _)| *id == submission.id).map(|(_, hash)| hash);
            let duplicate_of = hash.and_then(|hash| taken.duplicate(hash, submission.id));
            let answer = match (refused, duplicate_of) {
                (Some(answer), _) => answer,
                (None, Some(of)) => SubmitAnswer::Duplicate { of },
                (None, None) => {
                    match decide::submit(submission, rules, known.moment.now, self.budget.as_mut()) {
                        Ok(task) => {
                            let state = task.change.task.as_ref().expect("a new task has its row").state;
                            new.push((submission, task));
                            SubmitAnswer::Accepted { state }
                        }
                        Err(message) => SubmitAnswer::Refused(no_identity(submission.id, &message)),
                    }
                }
            };
            self.answers.push(answer);
        }
        self.write(new, known).await
    }

    async fn write(&mut self, new: Vec<(&Submission, NewTask)>, known: &Known) -> Result<(), Trouble> {
        let moment = known.moment;
        if new.is_empty() {
            return Ok(());
        }
        let arrivals = known.arrivals.iter();
        let rows =
            new.iter().zip(arrivals).map(|((submission, task), arrival)| row(submission, task, *arrival));
        let rows: Vec<New<'_>> = rows.collect();
        save::new_tasks(self.session, &moment, &rows).await?;
        for (submission, NewTask { input, change }) in new {
            let due = change.queue.iter().filter_map(|change| match change {
                decide::QueueChange::Insert(row) => Some(row),
                _ => None,
            });
            self.leaves_work |= due.into_iter().any(|row| row.worker.is_none() && row.run_at <= moment.now);
            let record = change.task.expect("a new task has its row");
            let context = Context { context: input.context, correlation_id: input.correlation_id };
            self.work.extend(work::of_new(&submission.plan, &record, &context, change.claims, &change.steps));
            self.parts.plans.keep(&submission.plan);
            self.parts.contexts.keep(record.id, record.created_at, context);
        }
        Ok(())
    }
}

fn row<'a>(submission: &'a Submission, task: &'a NewTask, arrival: i64) -> New<'a> {
    New { id: submission.id, arrival, plan: &submission.plan, input: &task.input, change: &task.change }
}

/// How many submissions stand before one whose id stood before.
fn until_repeated_id(submissions: &[Submission]) -> usize {
    let mut seen = HashSet::new();
    submissions.iter().position(|one| !seen.insert(one.id)).unwrap_or(submissions.len())
}

/// Identities of requests that deduplicate, in their order; what has no usable identity is refused later.
fn identities<'a>(
    submissions: impl Iterator<Item = &'a Submission>,
    rules: &decide::Rules,
    moment: Moment,
) -> Vec<(TaskId, String)> {
    let deduplicates = submissions.filter(|one| !matches!(one.identity, IdentityStrategy::Default));
    let identity = |one: &Submission| {
        let task = decide::submit(one, rules, moment.now, None).ok()?;
        Some((one.id, task.input.identity?))
    };
    deduplicates.filter_map(identity).collect()
}

/// Who has which identity, now that this transaction took those that were free.
#[derive(Default)]
struct Taken(HashMap<String, TaskId>);

impl Taken {
    /// The other task that has this identity.
    fn duplicate(&self, hash: &str, task: TaskId) -> Option<TaskId> {
        self.0.get(hash).copied().filter(|holder| *holder != task)
    }
}

/// Takes what is free of these identities, for the first that asks for each.
async fn take_identities(session: &mut Session, identities: &[(TaskId, String)]) -> Result<Taken, Trouble> {
    let mut taken = Taken::default();
    for (task, hash) in identities {
        taken.0.entry(hash.clone()).or_insert(*task);
    }
    if taken.0.is_empty() {
        return Ok(taken);
    }
    let (hashes, tasks): (Vec<String>, Vec<Uuid>) =
        taken.0.iter().map(|(hash, task)| (hash.clone(), task.0)).unzip();
    let query = session.query(sql::SUBMIT_IDENTITIES).bind(&hashes).bind(tasks);
    let free: HashSet<String> =
        session.rows(query).await?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let held: Vec<String> = hashes.into_iter().filter(|hash| !free.contains(hash)).collect();
    if !held.is_empty() {
        let query = session.query(sql::SUBMIT_DUPLICATES).bind(held);
        for row in session.rows(query).await? {
            taken.0.insert(row.try_get(0)?, TaskId(row.try_get(1)?));
        }
    }
    Ok(taken)
}

/// What was stored before a batch.
struct Known {
    moment: Moment,
    requests: HashMap<TaskId, Digest>,
    versions: HashMap<(String, String), Vec<StoredVersion>>,
    arrivals: Vec<i64>,
}

struct StoredVersion {
    version: Version,
    revision: Uuid,
    retired: bool,
}

impl Known {
    /// Reads what is known about these requests. The time of the transaction is that of its first look.
    async fn look(
        session: &mut Session,
        submissions: &[Submission],
        parts: &Parts,
        moment: Option<Moment>,
    ) -> Result<Self, Trouble> {
        let ids: Vec<Uuid> = submissions.iter().map(|one| one.id.0).collect();
        let definitions = submissions.iter().map(|one| &one.plan.definition);
        let names: HashSet<_> =
            definitions.map(|one| (one.namespace.to_string(), one.name.to_string())).collect();
        let (namespaces, names): (Vec<String>, Vec<String>) = names.into_iter().unzip();
        let query = session.query(sql::SUBMIT_LOOK).bind(ids).bind(namespaces).bind(names);
        let rows = session.rows(query).await?;
        let first = rows.iter().find(|row| row.try_get::<i32, _>(0).is_ok_and(|kind| kind == 0));
        let first = first
            .ok_or_else(|| Trouble::Corrupt("a look at what is stored was answered without a time".into()))?;
        let moment = match moment {
            Some(moment) => moment,
            None => Moment::read(first, 3, parts.clock.as_ref())?,
        };
        let mut known =
            Self { moment, requests: HashMap::new(), versions: HashMap::new(), arrivals: Vec::new() };
        rows.iter().try_for_each(|row| known.take(row))?;
        Ok(known)
    }

    fn take(&mut self, row: &sqlx::postgres::PgRow) -> Result<(), Trouble> {
        match row.try_get::<i32, _>(0)? {
            1 => drop(self.requests.insert(TaskId(row.try_get(1)?), rows::digest(row, 2)?)),
            2 => {
                let name = (row.try_get(6)?, row.try_get(7)?);
                let (version, revision, retired) = (rows::name(row, 8)?, row.try_get(1)?, row.try_get(9)?);
                self.versions.entry(name).or_default().push(StoredVersion { version, revision, retired });
            }
            3 => self.arrivals.push(row.try_get(5)?),
            _ => {}
        }
        Ok(())
    }

    /// Why a request is not accepted, as far as its id and its definition tell.
    fn refuses(&self, submission: &Submission) -> Option<SubmitAnswer> {
        if let Some(content) = self.requests.get(&submission.id) {
            let same = *content == submission.content;
            return Some(if same { SubmitAnswer::AlreadyAccepted } else { SubmitAnswer::IdConflict });
        }
        let definition = &submission.plan.definition;
        let revision = revision_id(submission.plan.digest);
        let name = (definition.namespace.to_string(), definition.name.to_string());
        let versions = self.versions.get(&name).map_or(&[][..], Vec::as_slice);
        if submission.latest && latest(versions).is_none_or(|latest| latest.version != definition.version) {
            return Some(SubmitAnswer::NotLatest);
        }
        let (code, what, help) = match versions.iter().find(|stored| stored.version == definition.version) {
            None => ("not_found", "is not registered", "register it first: tasker definition register FILE"),
            Some(stored) if stored.retired => {
                ("definition_retired", "is retired: it takes no new tasks", "use another version")
            }
            Some(stored) if stored.revision != revision => return Some(SubmitAnswer::NotLatest),
            Some(_) => return None,
        };
        let message = format!("definition {} {what}", definition.full_name());
        Some(SubmitAnswer::Refused(Rejection { code, message, help: Some(help.into()) }))
    }
}

fn latest(versions: &[StoredVersion]) -> Option<&StoredVersion> {
    let usable = || versions.iter().filter(|stored| !stored.retired);
    let latest = Version::latest(usable().map(|stored| &stored.version))?;
    usable().find(|stored| stored.version == *latest)
}

fn no_identity(id: TaskId, message: &str) -> Rejection {
    Rejection {
        code: "identity_failed",
        message: format!("task {id} has no identity: {message}"),
        help: None,
    }
}
