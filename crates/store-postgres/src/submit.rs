//! Accepting tasks: one transaction for the whole batch, written by one statement.
//!
//! Ids are looked at before identities, so that a request that is sent again is never taken for a repeat of itself. Two
//! nodes that accept the same id at once meet at its unique key: the later one fails as a whole, begins again, and finds
//! the task.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::Row;
use tasker_core::decide::{self, NewTask, Rejection, Submission};
use tasker_core::ids::{Digest, TaskId};
use tasker_core::names::Version;
use tasker_store::write::{Logged, SubmitAnswer, SubmitBatch, Submitted, Work};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Parts;
use crate::caches::Context;
use crate::error::Trouble;
use crate::identities;
use crate::known::Known as KnownTask;
use crate::load::Moment;
use crate::rows::{self, StoredTask, revision_id};
use crate::save::{self, New};
use crate::session::{Begin, Session};
use crate::sql;
use crate::transaction::{Lent, Statements};
use crate::work;

/// How often a batch begins again because others accepted the same ids meanwhile.
const MAX_ROUNDS: u32 = 4;

/// SQLSTATE of a key that is there already.
const UNIQUE_VIOLATION: &str = "23505";

/// How long requests that are decided one by one are waited for, together.
const PATIENCE: Duration = Duration::from_secs(1);

/// How requests of a batch are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Together,
    /// After somebody held one of them for too long: each by itself, so that it is known which.
    OneByOne,
}

/// Accepts tasks.
pub(crate) async fn submit(parts: &Parts, batch: SubmitBatch) -> Result<Submitted, Trouble> {
    if let Some(submitted) = swiftly(parts, &batch).await? {
        return Ok(submitted);
    }
    let mut rounds_left = MAX_ROUNDS;
    let mut manner = Manner::Together;
    loop {
        let mut session = parts.hot.begin(Begin::Write).await?;
        let intake = Intake::new(parts, &mut session, &batch);
        let result = match manner {
            Manner::Together => intake.run(&batch).await,
            Manner::OneByOne => intake.run_one_by_one(&batch).await,
        };
        rounds_left -= 1;
        match session.end(result).await {
            Err(trouble) if rounds_left > 0 && is(&trouble, UNIQUE_VIOLATION) => {}
            Err(trouble) if rounds_left > 0 && manner == Manner::Together && trouble.is_lock_timeout() => {
                manner = Manner::OneByOne;
            }
            Err(trouble) => return Err(trouble),
            Ok((submitted, accepted)) => {
                accepted.committed(parts).await;
                return Ok(submitted);
            }
        }
    }
}

/// Accepts tasks in two statements, one that looks and one that writes, each of them a transaction; `None` if it takes more,
/// and nothing was written. What changes in between has the same effect as what changes between two statements of a
/// transaction: a key that is there already makes the second fail.
async fn swiftly(parts: &Parts, batch: &SubmitBatch) -> Result<Option<Submitted>, Trouble> {
    let submissions = &batch.submissions[..];
    let deduplicates = submissions.iter().any(identities::deduplicates);
    if batch.together || deduplicates || until_repeated_id(submissions) < submissions.len() {
        return Ok(None);
    }
    let (mut session, known) = loop {
        let mut session = parts.hot.once().await?;
        match Known::look(&mut session, submissions, parts, None).await {
            Ok(known) => break (session, known),
            looked if session.was_dead(&looked) => {}
            Err(trouble) => return session.end(Err(trouble)).await,
        }
    };
    let mut intake = Intake::new(parts, &mut session, batch);
    let result = intake.accept(submissions, &batch.rules, &known).await.map_err(Trouble::of_commit);
    let ended = result.and_then(|()| intake.end(batch, known.moment));
    match session.end(ended).await {
        Err(trouble) if is(&trouble, UNIQUE_VIOLATION) || trouble.is_lock_timeout() => Ok(None),
        Err(trouble) => Err(trouble),
        Ok((submitted, accepted)) => {
            accepted.committed(parts).await;
            Ok(Some(submitted))
        }
    }
}

/// Accepts tasks in a transaction that somebody else ends. Whatever fails leaves it as it was.
pub(crate) async fn submit_within(
    parts: &Parts,
    lent: &mut Lent<'_>,
    batch: SubmitBatch,
) -> Result<Submitted, Trouble> {
    let batch = SubmitBatch { budget: None, ..batch };
    let mut rounds_left = MAX_ROUNDS;
    loop {
        lent.mark().await?;
        let result = Intake::new(parts, lent, &batch).run(&batch).await;
        rounds_left -= 1;
        match lent.settle(result).await {
            Err(trouble) if rounds_left > 0 && is(&trouble, UNIQUE_VIOLATION) => {}
            Err(trouble) if trouble.is_lock_timeout() => {
                return Err(Trouble::Blocked(batch.submissions.iter().map(|one| one.id).collect()));
            }
            Err(trouble) => return Err(trouble),
            Ok((submitted, _)) => return Ok(submitted),
        }
    }
}

fn is(trouble: &Trouble, code: &str) -> bool {
    trouble.sqlstate().as_deref() == Some(code)
}

/// One batch in its transaction.
struct Intake<'a, S> {
    parts: &'a Parts,
    session: &'a mut S,
    budget: Option<decide::ClaimBudget>,
    answers: Vec<SubmitAnswer>,
    accepted: Accepted,
}

impl Accepted {
    /// Takes note that it is committed.
    async fn committed(self, parts: &Parts) {
        self.known.into_iter().for_each(|known| parts.known.put(known));
        if self.leaves_work {
            parts.hints.tell(&parts.hot).await;
        }
    }
}

/// What was accepted, besides the answers.
#[derive(Default)]
struct Accepted {
    work: Vec<Work>,
    logged: Vec<Logged>,
    /// Whether steps are due that nobody claimed.
    leaves_work: bool,
    /// The tasks, to be kept once they are committed.
    known: Vec<KnownTask>,
}

impl<'a, S: Statements> Intake<'a, S> {
    fn new(parts: &'a Parts, session: &'a mut S, batch: &SubmitBatch) -> Self {
        let answers = Vec::with_capacity(batch.submissions.len());
        Self { parts, session, budget: batch.budget.clone(), answers, accepted: Accepted::default() }
    }

    async fn run(mut self, batch: &SubmitBatch) -> Result<(Submitted, Accepted), Trouble> {
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
                return self.end(batch, known.moment);
            }
        }
    }

    /// What is to be committed.
    fn end(mut self, batch: &SubmitBatch, moment: Moment) -> Result<(Submitted, Accepted), Trouble> {
        if batch.is_withheld(&self.answers) {
            return Err(Trouble::Withheld(self.answers));
        }
        let work = std::mem::take(&mut self.accepted.work);
        let logged = std::mem::take(&mut self.accepted.logged);
        Ok((Submitted { answers: self.answers, work, logged, now: moment.now }, self.accepted))
    }

    async fn accept(
        &mut self,
        submissions: &[Submission],
        rules: &decide::Rules,
        known: &Known,
    ) -> Result<(), Trouble> {
        let refused: Vec<Option<SubmitAnswer>> = submissions.iter().map(|one| known.refuses(one)).collect();
        let candidates = submissions.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let identities = identities::identities(candidates.map(|(one, _)| one), rules, known.moment);
        let taken = identities::take_identities(self.session, &identities).await?;
        let mut new: Vec<(&Submission, NewTask)> = Vec::new();
        for (submission, refused) in submissions.iter().zip(refused) {
            let hash = identities.iter().find(|(id, _)| *id == submission.id).map(|(_, hash)| hash);
            let repeat = hash.and_then(|hash| taken.refuses(hash, submission.id));
            let answer = match refused.or(repeat) {
                Some(answer) => answer,
                None => match decide::submit(submission, rules, known.moment.now, self.budget.as_mut()) {
                    Ok(task) => {
                        let state = task.change.task.as_ref().expect("a new task has its row").state;
                        new.push((submission, task));
                        SubmitAnswer::Accepted { state }
                    }
                    Err(message) => SubmitAnswer::Refused(no_identity(submission.id, &message)),
                },
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
        let stamp = save::new_tasks(self.session, &moment, &rows).await?;
        for ((submission, NewTask { input, change }), arrival) in new.into_iter().zip(&known.arrivals) {
            let due = change.queue.iter().filter_map(|change| match change {
                decide::QueueChange::Insert(row) => Some(row),
                _ => None,
            });
            self.accepted.leaves_work |=
                due.into_iter().any(|row| row.worker.is_none() && row.run_at <= moment.now);
            self.accepted.logged.extend(Logged::of(submission.id, &submission.plan, &change.log));
            let record = change.task.as_ref().expect("a new task has its row");
            let task = StoredTask::new(record, *arrival, stamp);
            self.accepted.known.extend(KnownTask::new(task, &submission.plan, &change));
            let record = change.task.expect("a new task has its row");
            let context = Context { context: input.context, correlation_id: input.correlation_id };
            self.accepted.work.extend(work::of_new(
                &submission.plan,
                &record,
                &context,
                change.claims,
                &change.steps,
            ));
            self.parts.plans.keep(&submission.plan);
            if !S::OUTLIVES_CALL {
                self.parts.contexts.keep(record.id, record.created_at, context);
            }
        }
        Ok(())
    }
}

impl Intake<'_, Session> {
    /// Writes what can be written without waiting. Whoever waits for somebody else's transaction must not do so in the
    /// company of others, so that what is left is answered as blocked.
    async fn run_one_by_one(mut self, batch: &SubmitBatch) -> Result<(Submitted, Accepted), Trouble> {
        let give_up_at = Instant::now() + PATIENCE;
        self.session.script("SET LOCAL lock_timeout = '20ms'".into()).await?;
        let mut moment = Known::look(self.session, &[], self.parts, None).await?.moment;
        for submission in &batch.submissions {
            match self.accept_by_itself(submission, &batch.rules, moment, give_up_at).await? {
                Some(known) => moment = known,
                None => self.answers.push(SubmitAnswer::Blocked),
            }
        }
        self.end(batch, moment)
    }

    /// `None` if it would have to wait.
    async fn accept_by_itself(
        &mut self,
        submission: &Submission,
        rules: &decide::Rules,
        moment: Moment,
        give_up_at: Instant,
    ) -> Result<Option<Moment>, Trouble> {
        if Instant::now() > give_up_at {
            return Ok(None);
        }
        let (n_answers, budget) = (self.answers.len(), self.budget.clone());
        self.session.script("SAVEPOINT one".into()).await?;
        let these = std::slice::from_ref(submission);
        let known = Known::look(self.session, these, self.parts, Some(moment)).await?;
        match self.accept(these, rules, &known).await {
            Err(trouble) if trouble.is_lock_timeout() => {
                self.session.script("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one".into()).await?;
                self.answers.truncate(n_answers);
                self.budget = budget;
                Ok(None)
            }
            Err(trouble) => Err(trouble),
            Ok(()) => {
                self.session.script("RELEASE SAVEPOINT one".into()).await?;
                Ok(Some(moment))
            }
        }
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
        session: &mut impl Statements,
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
            None => Moment::read(first, 3, parts.clock.as_ref()).inspect(|moment| parts.tell(moment))?,
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
        Some(SubmitAnswer::Refused(Rejection::new(code, message).help(help)))
    }
}

fn latest(versions: &[StoredVersion]) -> Option<&StoredVersion> {
    let usable = || versions.iter().filter(|stored| !stored.retired);
    let latest = Version::latest(usable().map(|stored| &stored.version))?;
    usable().find(|stored| stored.version == *latest)
}

fn no_identity(id: TaskId, message: &str) -> Rejection {
    Rejection::new("identity_failed", format!("task {id} has no identity: {message}"))
}
