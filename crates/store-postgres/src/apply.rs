//! The one path by which tasks change: lock, read what `core` asks for, let it decide, write what it says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tasker_core::decide::{ClaimBudget, Needs, Rules};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;
use tasker_store::write::{Applied, ApplyBatch, FromQueue};

use crate::Parts;
use crate::claim::{self, Found};
use crate::error::Trouble;
use crate::known::{Known, StepRow};
use crate::load::{self, LoadedSteps, Locked, Moment, Wanted};
use crate::rows::StoredTask;
use crate::save;
use crate::session::{Begin, Session};
use crate::swift;
use crate::verdicts::{Deciding, Group, Groups, Verdicts};
use crate::work;

/// Tasks of at most so many steps are read as a whole: their other steps will be asked for soon.
const SMALL_TASK: usize = 32;

/// Decides and writes a batch. A claim that finds nothing is one statement and no transaction.
pub(crate) async fn apply(parts: &Parts, batch: ApplyBatch) -> Result<Applied, Trouble> {
    let mut found = match &batch.claiming {
        Some(claiming) if claiming.from_queue != FromQueue::Never => look(parts, &claiming.budget).await?,
        _ => None,
    };
    if is_idle(&batch, found.as_ref()) {
        return match found {
            Some(found) => Ok(nothing(found.now, found.next_due())),
            None => Ok(nothing(parts.now().await?, None)),
        };
    }
    if let Some(applied) = swift::apply(parts, &batch, found.as_ref()).await? {
        return Ok(applied);
    }
    if let Some(found) = &mut found {
        // Another lane of this node is about to write these tasks: it would have to read them anew.
        found.leave_out(|id| parts.known.is_out(id));
        if is_idle(&batch, Some(found)) {
            return Ok(nothing(found.now, Some(found.now)));
        }
    }
    let mut session = parts.hot.begin(Begin::Write).await?;
    let mut pass = Pass::new(parts, &mut session, &batch);
    let result = pass.run(batch, found.filter(|found| !found.is_empty())).await;
    let (verdicts, known) = (pass.verdicts, pass.known);
    let applied = session.end(result).await?;
    known.into_values().for_each(|known| parts.known.put(known));
    if verdicts.leave_work(applied.now) {
        parts.hints.tell(&parts.hot).await;
    }
    let (ended, logged) = (verdicts.ended(), verdicts.logged());
    Ok(Applied { ended, logged, answers: verdicts.answers, ..applied })
}

/// Whether there is neither anything to settle nor anything to claim.
fn is_idle(batch: &ApplyBatch, found: Option<&Found>) -> bool {
    batch.inputs.is_empty() && found.is_none_or(Found::is_empty)
}

fn nothing(now: Timestamp, next_due: Option<Timestamp>) -> Applied {
    Applied { answers: Vec::new(), work: Vec::new(), ended: Vec::new(), logged: Vec::new(), next_due, now }
}

/// Looks at the queue outside of a transaction.
async fn look(parts: &Parts, budget: &ClaimBudget) -> Result<Option<Found>, Trouble> {
    let now = parts.clock.as_ref().map(|clock| clock());
    loop {
        let mut session = parts.hot.once().await?;
        let found = claim::look(&mut session, budget, now, &parts.marks).await;
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
    from_queue: FromQueue,
    verdicts: Verdicts,
    /// Tasks as they are now, to be kept once this is committed.
    known: HashMap<TaskId, Known>,
}

impl<'a> Pass<'a> {
    fn new(parts: &'a Parts, session: &'a mut Session, batch: &ApplyBatch) -> Self {
        let budget = batch.claiming.as_ref().map(|claiming| claiming.budget.clone());
        Self {
            parts,
            session,
            moment: None,
            locked: Locked::default(),
            from_queue: batch.claiming.as_ref().map_or(FromQueue::Never, |claiming| claiming.from_queue),
            verdicts: Verdicts::new(batch.inputs.len(), budget),
            known: HashMap::new(),
        }
    }

    /// Locks, decides and writes; `found` are due steps to be claimed. Verdicts are left in `self`.
    async fn run(&mut self, batch: ApplyBatch, found: Option<Found>) -> Result<Applied, Trouble> {
        let rules = batch.rules;
        let mut groups = Groups::of_inputs(batch.inputs);
        self.lock(&groups).await?;
        let mut found = found;
        if self.from_queue == FromQueue::First || groups.0.is_empty() {
            self.pick(&mut groups, found.take()).await?;
        }
        self.decide(groups, &rules).await?;
        if let Some(found) = found {
            let mut groups = Groups::default();
            self.pick(&mut groups, Some(found)).await?;
            self.decide(groups, &rules).await?;
        }
        let next_due = match (&self.verdicts.budget, self.from_queue) {
            (None, _) | (_, FromQueue::Never) => None,
            (Some(budget), _) => claim::next_due(self.session, budget, &self.parts.marks).await?,
        };
        let work = work::of_decided(self.parts, self.session, &self.verdicts.decided).await?;
        let now = self.moment.map(|moment| moment.now);
        let now = now.ok_or_else(|| Trouble::Corrupt("a transaction passed without a time".into()))?;
        Ok(Applied { work, next_due, ..nothing(now, None) })
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
                self.parts.tell(&moment);
                (self.moment, self.locked) = (Some(moment), locked);
                Ok(())
            }
        }
    }

    /// Adds due steps of the queue to what is decided.
    async fn pick(&mut self, groups: &mut Groups, found: Option<Found>) -> Result<(), Trouble> {
        let (Some(budget), Some(found)) = (&mut self.verdicts.budget, found) else { return Ok(()) };
        let clock = self.parts.clock.as_ref();
        let picked =
            claim::pick(self.session, budget, found, &mut self.moment, &mut self.locked, clock).await?;
        if let Some(moment) = &self.moment {
            self.parts.tell(moment);
        }
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
        let mut decided = Vec::with_capacity(groups.0.len());
        for Ready { task, plan, steps } in self.load(&groups).await? {
            let Some(group) = groups.0.remove(&task.id) else { continue };
            let mut deciding = Deciding::new(task, plan, steps, rules, moment.now);
            self.verdicts.decide(group, &mut deciding);
            let one = deciding.decided();
            if let Some(record) = &one.change.task {
                self.locked.update(record, &moment);
            }
            decided.push(one);
        }
        // Whatever is left has no definition or lacks steps. One such task must not hold up the others of the batch.
        groups.0.into_iter().for_each(|(id, group)| self.verdicts.unreadable(id, group));
        save::changes(self.session, &moment, &decided).await?;
        for one in &decided {
            if let Some(known) = self.known.get_mut(&one.task.id) {
                known.learn(&one.plan, &one.change, moment.stamp());
            }
        }
        self.verdicts.decided.extend(decided);
        Ok(())
    }

    /// What the decisions need: of tasks that are known it is at hand, of others it is read.
    async fn load(&mut self, groups: &Groups) -> Result<Vec<Ready>, Trouble> {
        let asked: Vec<Asked> = groups.0.iter().filter_map(|(id, group)| self.ask(*id, group)).collect();
        let reading = asked.iter().filter(|asked| !self.known.contains_key(&asked.task.id));
        let wanted: Vec<Wanted<'_>> = reading.map(Asked::wanted).collect();
        let mut read = load::steps(self.session, &wanted).await?;
        let mut ready = Vec::with_capacity(asked.len());
        for one in asked {
            let rows = read.remove(&one.task.id).unwrap_or_default();
            if let Some(steps) = self.steps(&one, rows) {
                ready.push(Ready { task: one.task, plan: one.plan, steps });
            }
        }
        Ok(ready)
    }

    fn ask(&mut self, id: TaskId, group: &Group) -> Option<Asked> {
        let task = self.locked.tasks.get(&id)?.clone();
        let plan = self.parts.plans.known(task.revision_id)?;
        if !self.known.contains_key(&id)
            && let Some(known) = self.parts.known.take(id)
            && known.task.version == task.version
        {
            self.known.insert(id, known);
        }
        let n_steps = plan.graph.n_steps();
        let whole = n_steps <= SMALL_TASK && self.parts.known.wants(id, n_steps);
        Some(Asked { needs: group.needs(&task, &plan), task, plan, whole })
    }

    fn steps(&mut self, asked: &Asked, rows: BTreeMap<Ordinal, StepRow>) -> Option<LoadedSteps> {
        if let Some(known) = self.known.get(&asked.task.id) {
            return known.steps(&asked.needs);
        }
        let steps = LoadedSteps::choose(&asked.needs, asked.plan.graph.n_steps(), rows.values());
        if asked.whole
            && let Some(known) = Known::of_rows(asked.task.clone(), &asked.plan, rows)
        {
            self.known.insert(asked.task.id, known);
        }
        steps
    }

    fn answer_unknown(&mut self, groups: &mut Groups) {
        let unknown: Vec<TaskId> =
            groups.0.keys().filter(|id| !self.locked.tasks.contains_key(id)).copied().collect();
        for id in unknown {
            if let Some(group) = groups.0.remove(&id) {
                self.verdicts.no_task(id, group);
            }
        }
    }
}

/// A task, and what is needed of it.
struct Asked {
    task: StoredTask,
    plan: Arc<Plan>,
    needs: Needs,
    whole: bool,
}

impl Asked {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { task: self.task.id, needs: &self.needs, whole: self.whole }
    }
}

/// A task that can be decided.
struct Ready {
    task: StoredTask,
    plan: Arc<Plan>,
    steps: LoadedSteps,
}
