//! Deciding a batch from memory: tasks that are known, opened one by one as inputs or due steps ask for them.

use std::collections::{BTreeMap, BTreeSet};

use tasker_core::decide::Rules;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::write::{ApplyBatch, FromQueue};

use crate::Parts;
use crate::claim::Pick;
use crate::known::Known;
use crate::load::LoadedSteps;
use crate::verdicts::{Deciding, Group, Groups, Verdicts};

/// The tasks of a batch, as far as they are decided.
pub(crate) struct Desk<'a> {
    pub(crate) verdicts: Verdicts,
    pub(crate) open: BTreeMap<TaskId, Open<'a>>,
    parts: &'a Parts,
    rules: &'a Rules,
    now: Timestamp,
    /// Tasks of the inputs that are not opened yet.
    waiting: BTreeMap<TaskId, Known>,
}

/// A task that is being decided, and as it was before.
pub(crate) struct Open<'a> {
    pub(crate) known: Known,
    pub(crate) deciding: Deciding<'a>,
}

impl<'a> Desk<'a> {
    /// `None` if not all tasks of the inputs are known.
    pub(crate) fn new(parts: &'a Parts, batch: &'a ApplyBatch, now: Timestamp) -> Option<Self> {
        let ids: BTreeSet<TaskId> = batch.inputs.iter().map(|(task, _)| *task).collect();
        let waiting = parts.known.take_all(ids.iter())?.into_iter().map(|known| (known.task.id, known));
        let budget = batch.claiming.as_ref().map(|claiming| claiming.budget.clone());
        Some(Self {
            verdicts: Verdicts::new(batch.inputs.len(), budget),
            open: BTreeMap::new(),
            parts,
            rules: &batch.rules,
            now,
            waiting: waiting.collect(),
        })
    }

    /// Decides all inputs, and claims due steps with them or after them, as far as the budget goes. `false` if something
    /// has to be read for that.
    pub(crate) fn decide(&mut self, batch: &ApplyBatch, due: &[Pick]) -> bool {
        let from_queue = batch.claiming.as_ref().map_or(FromQueue::Never, |claiming| claiming.from_queue);
        let mut groups = Groups::of_inputs(batch.inputs.clone());
        if from_queue == FromQueue::First {
            self.pick(due, &mut groups);
        }
        if !self.each(groups, Verdicts::decide) {
            return false;
        }
        if from_queue != FromQueue::Last {
            return true;
        }
        self.open.values_mut().for_each(|open| open.deciding.inputs_end_here());
        let mut groups = Groups::default();
        self.pick(due, &mut groups);
        self.each(groups, Verdicts::claim)
    }

    /// Puts everything back as it was.
    pub(crate) fn put_back(self) {
        let open = self.open.into_values().map(|open| open.known);
        open.chain(self.waiting.into_values()).for_each(|known| self.parts.known.put(known));
    }

    /// Adds due steps. Those of tasks that this node is changing elsewhere are left for the next look.
    fn pick(&mut self, due: &[Pick], groups: &mut Groups) {
        let Some(mut budget) = self.verdicts.budget.take() else { return };
        let free = due.iter().filter(|pick| !self.is_elsewhere(pick.task));
        let picks = free.filter(|pick| budget.take(pick.task, &pick.handler)).cloned().collect();
        groups.add_picks(picks, &budget);
        self.verdicts.budget = Some(budget);
    }

    fn is_elsewhere(&self, id: TaskId) -> bool {
        let is_here = self.open.contains_key(&id) || self.waiting.contains_key(&id);
        !is_here && self.parts.known.is_out(id)
    }

    fn each(&mut self, groups: Groups, decide: fn(&mut Verdicts, Group, &mut Deciding<'_>)) -> bool {
        for (id, group) in groups.0 {
            let Some(mut open) = self.open(id) else { return false };
            let steps = open.known.steps(&group.needs(&open.known.task, open.deciding.plan()));
            let is_known = steps.map(|steps| open.deciding.add_steps(steps)).is_some();
            if is_known {
                decide(&mut self.verdicts, group, &mut open.deciding);
            }
            self.open.insert(id, open);
            if !is_known {
                return false;
            }
        }
        true
    }

    /// Opens a task, if it is not open yet; `None` if it is not known.
    fn open(&mut self, id: TaskId) -> Option<Open<'a>> {
        if let Some(open) = self.open.remove(&id) {
            return Some(open);
        }
        let known = self.waiting.remove(&id).or_else(|| self.parts.known.take(id))?;
        let Some(plan) = self.parts.plans.known(known.task.revision_id) else {
            self.parts.known.put(known);
            return None;
        };
        let steps = LoadedSteps::default();
        let deciding = Deciding::new(known.task.clone(), plan, steps, self.rules, self.now);
        Some(Open { known, deciding })
    }
}
