//! The one path by which tasks change: lock, read what `core` asks for, let it decide, write what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tasker_core::decide::{Answer, ClaimBudget, Input, Needs, Rejection, Rules, Workset, needs};
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::write::{Applied, ApplyBatch, FromQueue};

use crate::Parts;
use crate::claim::{self, Found, Pick};
use crate::error::Trouble;
use crate::load::{self, LoadedSteps, Locked, Moment, Wanted};
use crate::rows::StoredTask;
use crate::save::{self, Decided};
use crate::session::{Begin, Session};
use crate::work;

/// Decides and writes a batch in one transaction. A claim that finds nothing is one statement and no transaction.
pub(crate) async fn apply(parts: &Parts, batch: ApplyBatch) -> Result<Applied, Trouble> {
    let mut found = None;
    if batch.inputs.is_empty() {
        let claims = batch.claiming.as_ref().filter(|claiming| claiming.from_queue != FromQueue::Never);
        let Some(claiming) = claims else { return Ok(nothing(parts.now().await?, None)) };
        found = look_first(parts, &claiming.budget).await?;
        match &found {
            None => return Ok(nothing(parts.now().await?, None)),
            Some(found) if found.is_empty() => return Ok(nothing(found.now, found.next_due())),
            Some(_) => {}
        }
    }
    let mut session = parts.hot.begin(Begin::Write).await?;
    let result = Pass::new(parts, &mut session, &batch).run(batch, found).await;
    let (applied, freed) = session.end(result).await?;
    if freed {
        parts.hints.tell(&parts.hot).await;
    }
    Ok(applied)
}

fn nothing(now: Timestamp, next_due: Option<Timestamp>) -> Applied {
    Applied { answers: Vec::new(), work: Vec::new(), ended: Vec::new(), next_due, now }
}

/// Looks at the queue outside of a transaction.
async fn look_first(parts: &Parts, budget: &ClaimBudget) -> Result<Option<Found>, Trouble> {
    let now = parts.clock.as_ref().map(|clock| clock());
    loop {
        let mut session = parts.hot.once().await?;
        let found = claim::look(&mut session, budget, now).await;
        if !session.was_dead(&found) {
            return session.end(found).await;
        }
    }
}

/// One batch in its transaction.
struct Pass<'a> {
    parts: &'a Parts,
    session: &'a mut Session,
    moment: Option<Moment>,
    locked: Locked,
    budget: Option<ClaimBudget>,
    from_queue: FromQueue,
    answers: Vec<Answer>,
    decided: Vec<Decided>,
}

impl<'a> Pass<'a> {
    fn new(parts: &'a Parts, session: &'a mut Session, batch: &ApplyBatch) -> Self {
        Self {
            parts,
            session,
            moment: None,
            locked: Locked::default(),
            budget: batch.claiming.as_ref().map(|claiming| claiming.budget.clone()),
            from_queue: batch.claiming.as_ref().map_or(FromQueue::Never, |claiming| claiming.from_queue),
            answers: vec![Answer::Stale; batch.inputs.len()],
            decided: Vec::new(),
        }
    }

    /// Also answers whether work was left that another node may do.
    async fn run(mut self, batch: ApplyBatch, found: Option<Found>) -> Result<(Applied, bool), Trouble> {
        let rules = batch.rules;
        let mut groups = Groups::of_inputs(batch.inputs);
        self.lock(&groups).await?;
        if self.from_queue == FromQueue::First || found.is_some() {
            self.pick(&mut groups, found).await?;
        }
        self.decide(groups, &rules).await?;
        if self.from_queue == FromQueue::Last && self.decided_inputs() {
            let mut groups = Groups::default();
            self.pick(&mut groups, None).await?;
            self.decide(groups, &rules).await?;
        }
        let next_due = match (&self.budget, self.from_queue) {
            (None, _) | (_, FromQueue::Never) => None,
            (Some(budget), _) => claim::next_due(self.session, budget).await?,
        };
        let work = work::of_decided(self.parts, self.session, &self.decided).await?;
        let now = self.moment.map(|moment| moment.now);
        let now = now.ok_or_else(|| Trouble::Corrupt("a transaction passed without a time".into()))?;
        let freed = self.leaves_work(now);
        Ok((Applied { answers: self.answers, work, ended: ended(&self.decided), next_due, now }, freed))
    }

    /// Whether the batch itself came with inputs; if not, the queue was asked already.
    fn decided_inputs(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Locks the tasks of the inputs, and those that the last claim could not get.
    async fn lock(&mut self, groups: &Groups) -> Result<(), Trouble> {
        let mut ids: BTreeSet<TaskId> = groups.0.keys().copied().collect();
        if ids.is_empty() && self.from_queue != FromQueue::Never {
            ids.extend(self.parts.take_awaited());
            if !ids.is_empty() {
                // Outcomes arrive meanwhile: they must not wait long behind this.
                self.session.script("SET LOCAL lock_timeout = 100".into()).await?;
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        match load::lock(self.session, &ids, self.parts.clock.as_ref()).await {
            // A claim goes on without those that it waited for in vain.
            Err(Trouble::Blocked(_)) if groups.0.is_empty() => Ok(()),
            Err(trouble) => Err(trouble),
            Ok((moment, locked)) => {
                (self.moment, self.locked) = (Some(moment), locked);
                Ok(())
            }
        }
    }

    /// Adds due steps of the queue to what is decided.
    async fn pick(&mut self, groups: &mut Groups, found: Option<Found>) -> Result<(), Trouble> {
        let Some(budget) = &mut self.budget else { return Ok(()) };
        let found = match found {
            Some(found) => Some(found),
            None => claim::look(self.session, budget, self.moment.map(|moment| moment.now)).await?,
        };
        let Some(found) = found else { return Ok(()) };
        let clock = self.parts.clock.as_ref();
        let picked =
            claim::pick(self.session, budget, found, &mut self.moment, &mut self.locked, clock).await?;
        self.parts.await_tasks(picked.out_of_reach);
        groups.add_picks(picked.picks, budget);
        Ok(())
    }

    /// Decides all groups, writes what came of it, and claims what became free.
    async fn decide(&mut self, mut groups: Groups, rules: &Rules) -> Result<(), Trouble> {
        let Some(moment) = self.moment else { return Ok(()) };
        self.answer_unknown(&mut groups);
        let revisions =
            groups.0.keys().filter_map(|id| self.locked.tasks.get(id)).map(|task| task.revision_id);
        self.parts.plans.learn(self.session, revisions.collect::<Vec<_>>()).await?;
        let prepared = self.prepare(&groups);
        let wanted: Vec<Wanted<'_>> = prepared.iter().map(Prepared::wanted).collect();
        let mut loaded = load::steps(self.session, &wanted).await?;
        let mut decided = Vec::with_capacity(groups.0.len());
        for Prepared { task, plan, .. } in prepared {
            let (Some(group), Some(steps)) = (groups.0.remove(&task.id), loaded.remove(&task.id)) else {
                continue;
            };
            let one = self.decide_one(group, task, plan, steps, rules, moment);
            if let Some(record) = &one.change.task {
                self.locked.update(record, &moment);
            }
            decided.push(one);
        }
        // Whatever is left has no definition or lacks steps. One such task must not hold up the others of the batch.
        for (id, group) in groups.0 {
            self.answer(group, |input| refuse(input, || unreadable(id)));
        }
        save::changes(self.session, &moment, &decided).await?;
        self.decided.extend(decided);
        Ok(())
    }

    fn prepare(&self, groups: &Groups) -> Vec<Prepared> {
        let prepare = |(id, group): (&TaskId, &Group)| {
            let task = self.locked.tasks.get(id)?;
            let plan = self.parts.plans.known(task.revision_id)?;
            let needs = needs(&plan, &task.record(plan.digest), &group.inputs);
            Some(Prepared { task: task.clone(), plan, needs })
        };
        groups.0.iter().filter_map(prepare).collect()
    }

    fn decide_one(
        &mut self,
        group: Group,
        task: StoredTask,
        plan: Arc<Plan>,
        loaded: LoadedSteps,
        rules: &Rules,
        moment: Moment,
    ) -> Decided {
        let record = task.record(plan.digest);
        let mut workset = Workset::new(plan.clone(), rules, moment.now, record, loaded.steps);
        let mut not_claimable = Vec::new();
        for (place, input) in group.places.into_iter().zip(group.inputs) {
            let picked = if let Input::Claim { step, .. } = &input { Some(*step) } else { None };
            let answer = workset.take(input);
            match (place, picked) {
                (Some(place), _) => self.answers[place] = answer,
                (None, Some(step)) if answer != Answer::Claimed => not_claimable.push(step),
                (None, _) => {}
            }
        }
        if let Some(budget) = &mut self.budget {
            workset.claim_free(budget);
            // What turned out not to be claimable leaves its slot to the tasks that follow.
            not_claimable.iter().for_each(|step| claim::refund(budget, &plan.step(*step).handler));
        }
        Decided { task, plan, change: workset.finish(), with_inputs: loaded.with_inputs }
    }

    fn answer_unknown(&mut self, groups: &mut Groups) {
        let unknown: Vec<TaskId> =
            groups.0.keys().filter(|id| !self.locked.tasks.contains_key(id)).copied().collect();
        for id in unknown {
            if let Some(group) = groups.0.remove(&id) {
                self.answer(group, |input| refuse(input, || not_found(id)));
            }
        }
    }

    fn answer(&mut self, group: Group, answer: impl Fn(&Input) -> Answer) {
        for (place, input) in group.places.iter().zip(&group.inputs) {
            if let Some(place) = place {
                self.answers[*place] = answer(input);
            }
        }
    }

    /// Whether a step became due that nobody claimed yet.
    fn leaves_work(&self, now: Timestamp) -> bool {
        use tasker_core::decide::QueueChange::{Delete, Insert, Update};
        let changes = self.decided.iter().flat_map(|decided| &decided.change.queue);
        changes.filter(|change| !matches!(change, Delete(_))).any(|change| match change {
            Insert(row) | Update(row) => row.worker.is_none() && row.run_at <= now,
            Delete(_) => false,
        })
    }
}

/// A task that can be decided.
struct Prepared {
    task: StoredTask,
    plan: Arc<Plan>,
    needs: Needs,
}

impl Prepared {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { task: self.task.id, n_steps: self.plan.graph.n_steps(), needs: &self.needs }
    }
}

/// The inputs of a batch by task, in the order of the tasks' ids; those of one task see one another's effect.
#[derive(Default)]
struct Groups(BTreeMap<TaskId, Group>);

/// Inputs of one task, with their places in the batch; claims from the queue have none.
#[derive(Default)]
struct Group {
    places: Vec<Option<usize>>,
    inputs: Vec<Input>,
}

impl Groups {
    fn of_inputs(inputs: Vec<(TaskId, Input)>) -> Self {
        let mut groups = Self::default();
        for (place, (task, input)) in inputs.into_iter().enumerate() {
            groups.add(task, Some(place), input);
        }
        groups
    }

    fn add_picks(&mut self, picks: Vec<Pick>, budget: &ClaimBudget) {
        for pick in picks {
            self.add(pick.task, None, Input::Claim { step: pick.step, worker: budget.worker });
        }
    }

    fn add(&mut self, task: TaskId, place: Option<usize>, input: Input) {
        let group = self.0.entry(task).or_default();
        group.places.push(place);
        group.inputs.push(input);
    }
}

/// Tasks that stopped being open, with what they are after the whole batch.
fn ended(decided: &[Decided]) -> Vec<(TaskId, TaskState)> {
    let mut ended: BTreeMap<TaskId, TaskState> = BTreeMap::new();
    let mut order = Vec::new();
    for Decided { task, change, .. } in decided {
        let Some(record) = &change.task else { continue };
        if task.is_open() && !record.state.is_open() {
            order.push(task.id);
        }
        ended.insert(task.id, record.state);
    }
    order.into_iter().map(|id| (id, ended[&id])).collect()
}

/// The answer to an input that cannot be decided: `Stale`, to an operator a refusal.
fn refuse(input: &Input, why: impl Fn() -> Rejection) -> Answer {
    match input {
        Input::Operate { .. } => Answer::Refused(why()),
        _ => Answer::Stale,
    }
}

fn not_found(id: TaskId) -> Rejection {
    let help = Some("list tasks: tasker task list".into());
    Rejection { code: "not_found", message: format!("there is no task {id}"), help }
}

fn unreadable(id: TaskId) -> Rejection {
    let message = format!("task {id} cannot be read: its definition or some of its steps are missing");
    Rejection { code: "unreadable_task", message, help: Some("see what is wrong: tasker db check".into()) }
}
