//! Claims with everything that their handlers need. What the transaction itself wrote, or what is kept in memory, is not
//! read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::Row;
use tasker_core::decide::StepChange;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Claim, TaskRecord};
use tasker_core::time::Timestamp;
use tasker_store::write::{MAX_INPUT_BYTES, Results, Work};
use uuid::Uuid;

use crate::Parts;
use crate::caches::Context;
use crate::columns::{Places, small};
use crate::error::Trouble;
use crate::known::Known;
use crate::rows;
use crate::save::Decided;
use crate::session::Session;
use crate::sql;

/// Steps with more parents than this have their results weighed before they are read.
const MANY_READS: usize = 32;

/// A claim and what is known about its task.
pub(crate) struct Claimed {
    pub(crate) claim: Claim,
    pub(crate) plan: Arc<Plan>,
    pub(crate) created_at: Timestamp,
    /// Whether the step may have inputs of its own.
    pub(crate) has_inputs: bool,
}

/// What is already known of steps: their results.
type Fresh = HashMap<(TaskId, Ordinal), Payload>;

/// The work of all claims that were decided.
pub(crate) async fn of_decided(
    parts: &Parts,
    session: &mut Session,
    decided: &[Decided],
) -> Result<Vec<Work>, Trouble> {
    let claimed: Vec<Claimed> = decided.iter().flat_map(claims).collect();
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    let mut fresh = Fresh::new();
    for Decided { task, change, .. } in decided {
        for StepChange { record, results, .. } in &change.steps {
            if let Some(results) = results {
                fresh.insert((task.id, record.ordinal), results.clone());
            }
        }
    }
    of_claims(parts, session, claimed, fresh).await
}

/// The work of all claims that were decided, if nothing has to be read for it. `known` are the tasks of `decided` as they
/// were before.
pub(crate) fn at_hand(parts: &Parts, decided: &[Decided], known: &[Known]) -> Option<Vec<Work>> {
    let mut work = Vec::new();
    for (decided, known) in decided.iter().zip(known) {
        for claimed in claims(decided) {
            let mut reading = Reading::default();
            reading.know(&claimed, decided, known);
            reading.ask(parts, &claimed, false);
            if !reading.is_done() {
                return None;
            }
            work.push(reading.work(parts, claimed, false).ok()?);
        }
    }
    Some(work)
}

fn claims(decided: &Decided) -> impl Iterator<Item = Claimed> {
    let edits = |step: &StepChange| step.inputs.is_some();
    decided.change.claims.iter().map(move |claim| {
        let edited =
            decided.change.steps.iter().any(|step| step.record.ordinal == claim.ordinal && edits(step));
        Claimed {
            claim: claim.clone(),
            plan: decided.plan.clone(),
            created_at: decided.created_at(),
            has_inputs: edited || decided.with_inputs.contains(&claim.ordinal),
        }
    })
}

/// The work of claims. `fresh` are results that need not be read.
pub(crate) async fn of_claims(
    parts: &Parts,
    session: &mut Session,
    claimed: Vec<Claimed>,
    fresh: Fresh,
) -> Result<Vec<Work>, Trouble> {
    let too_large = too_large(session, &claimed).await?;
    let mut reading = Reading { fresh, ..Reading::default() };
    for (claimed, too_large) in claimed.iter().zip(&too_large) {
        reading.ask(parts, claimed, *too_large);
    }
    reading.read(session).await?;
    let work = claimed.into_iter().zip(too_large);
    work.map(|(claimed, too_large)| reading.work(parts, claimed, too_large)).collect()
}

/// Which claims have results of many steps that together are too large.
async fn too_large(session: &mut Session, claimed: &[Claimed]) -> Result<Vec<bool>, Trouble> {
    let mut answer = Vec::with_capacity(claimed.len());
    for Claimed { claim, plan, .. } in claimed {
        let reads = &plan.reads[claim.ordinal.index()];
        let mut bytes = 0;
        if reads.len() > MANY_READS {
            let reads: Vec<i32> = reads.iter().map(|step| small(step.0)).collect();
            let query = session.query(sql::WORK_BYTES).bind(claim.task.0).bind(reads);
            bytes = session.row(query).await?.map(|row| rows::count(&row, 0)).transpose()?.unwrap_or(0);
        }
        answer.push(bytes > MAX_INPUT_BYTES as u64);
    }
    Ok(answer)
}

/// What has to be read for some claims, and what was.
#[derive(Default)]
struct Reading {
    tasks: BTreeSet<Uuid>,
    steps: BTreeSet<(TaskId, Ordinal)>,
    fresh: Fresh,
    contexts: HashMap<TaskId, Context>,
    inputs: HashMap<(TaskId, Ordinal), Payload>,
}

impl Reading {
    /// Takes what the claim reads from what was decided just now and from what is known of the task.
    fn know(&mut self, claimed: &Claimed, decided: &Decided, known: &Known) {
        let Claim { task, ordinal, .. } = claimed.claim;
        for read in &claimed.plan.reads[ordinal.index()] {
            let new = decided.change.steps.iter().find(|step| step.record.ordinal == *read);
            let result = new.and_then(|step| step.results.as_ref()).or_else(|| known.result(*read));
            result.map(|result| self.fresh.insert((task, *read), result.clone()));
        }
    }

    fn is_done(&self) -> bool {
        self.tasks.is_empty() && self.steps.is_empty()
    }

    fn ask(&mut self, parts: &Parts, claimed: &Claimed, too_large: bool) {
        let claim = &claimed.claim;
        match parts.contexts.get(claim.task, claimed.created_at) {
            Some(context) => drop(self.contexts.insert(claim.task, context)),
            None => drop(self.tasks.insert(claim.task.0)),
        }
        if claimed.has_inputs {
            self.steps.insert((claim.task, claim.ordinal));
        }
        let reads = claimed.plan.reads[claim.ordinal.index()].iter().filter(|_| !too_large);
        let reads = reads.map(|read| (claim.task, *read)).filter(|place| !self.fresh.contains_key(place));
        self.steps.extend(reads);
    }

    async fn read(&mut self, session: &mut Session) -> Result<(), Trouble> {
        if self.is_done() {
            return Ok(());
        }
        let tasks: Vec<Uuid> = self.tasks.iter().copied().collect();
        let steps: Places = self.steps.iter().copied().collect();
        let query = steps.bind(session.query(sql::WORK_PAYLOADS).bind(tasks));
        for row in session.rows(query).await? {
            let task = TaskId(row.try_get(0)?);
            if row.try_get::<Option<i32>, _>(1)?.is_none() {
                let context = Context { context: rows::payload(&row, 2)?, correlation_id: row.try_get(3)? };
                self.contexts.insert(task, context);
                continue;
            }
            let place = (task, rows::ordinal(&row, 1)?);
            rows::maybe_payload(&row, 2)?.map(|results| self.fresh.insert(place, results));
            rows::maybe_payload(&row, 3)?.map(|inputs| self.inputs.insert(place, inputs));
        }
        Ok(())
    }

    fn work(&self, parts: &Parts, claimed: Claimed, too_large: bool) -> Result<Work, Trouble> {
        let Claimed { claim, plan, created_at, .. } = claimed;
        let context = self.contexts.get(&claim.task);
        let context = context
            .ok_or_else(|| Trouble::Corrupt(format!("the input of task {} is missing", claim.task)))?
            .clone();
        parts.contexts.keep(claim.task, created_at, context.clone());
        let results = if too_large { Results::TooLarge } else { self.results(&claim, &plan) };
        Ok(Work {
            inputs: self.inputs.get(&(claim.task, claim.ordinal)).cloned(),
            plan,
            context: context.context,
            correlation_id: context.correlation_id,
            results,
            claim,
        })
    }

    fn results(&self, claim: &Claim, plan: &Plan) -> Results {
        let reads = plan.reads[claim.ordinal.index()].iter();
        let results: Vec<_> =
            reads.map(|read| (*read, self.fresh.get(&(claim.task, *read)).cloned())).collect();
        let bytes: usize = results.iter().filter_map(|(_, result)| result.as_ref()).map(Payload::len).sum();
        if bytes > MAX_INPUT_BYTES { Results::TooLarge } else { Results::Loaded(results) }
    }
}

/// The work of claims of a task that was just accepted: everything is at hand.
pub(crate) fn of_new(
    plan: &Arc<Plan>,
    record: &TaskRecord,
    context: &Context,
    claims: Vec<Claim>,
    steps: &[StepChange],
) -> Vec<Work> {
    debug_assert!(claims.iter().all(|claim| claim.task == record.id));
    let result = |step: &Ordinal| {
        let change = steps.iter().find(|change| change.record.ordinal == *step);
        (*step, change.and_then(|change| change.results.clone()))
    };
    let work = |claim: Claim| Work {
        plan: plan.clone(),
        context: context.context.clone(),
        correlation_id: context.correlation_id.clone(),
        inputs: None,
        results: Results::Loaded(plan.reads[claim.ordinal.index()].iter().map(result).collect()),
        claim,
    };
    claims.into_iter().map(work).collect()
}
