//! Deciding a batch: its inputs by task, and what `core` says to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tasker_core::decide::{Answer, ClaimBudget, Input, Needs, Rejection, Rules, Workset, needs};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;
use tasker_store::write::{Ended, Logged};

use crate::claim::{self, Pick};
use crate::load::LoadedSteps;
use crate::rows::StoredTask;
use crate::save::Decided;

/// The inputs of a batch by task, in the order of the tasks' ids; those of one task see one another's effect.
#[derive(Default)]
pub(crate) struct Groups(pub(crate) BTreeMap<TaskId, Group>);

/// Inputs of one task, with their places in the batch; claims from the queue have none.
#[derive(Default)]
pub(crate) struct Group {
    places: Vec<Option<usize>>,
    inputs: Vec<Input>,
}

impl Groups {
    pub(crate) fn of_inputs(inputs: Vec<(TaskId, Input)>) -> Self {
        let mut groups = Self::default();
        for (place, (task, input)) in inputs.into_iter().enumerate() {
            groups.add(task, Some(place), input);
        }
        groups
    }

    pub(crate) fn add_picks(&mut self, picks: Vec<Pick>, budget: &ClaimBudget) {
        for pick in picks {
            self.add(pick.task, None, pick.input(budget));
        }
    }

    fn add(&mut self, task: TaskId, place: Option<usize>, input: Input) {
        let group = self.0.entry(task).or_default();
        group.places.push(place);
        group.inputs.push(input);
    }
}

impl Group {
    /// What must be known of the task to decide these inputs.
    pub(crate) fn needs(&self, task: &StoredTask, plan: &Plan) -> Needs {
        needs(plan, &task.record(plan.digest), &self.inputs)
    }
}

/// A task that is being decided.
pub(crate) struct Deciding<'r> {
    task: StoredTask,
    plan: Arc<Plan>,
    workset: Workset<'r>,
    with_inputs: BTreeSet<Ordinal>,
    n_logged_first: usize,
}

impl<'r> Deciding<'r> {
    pub(crate) fn new(
        task: StoredTask,
        plan: Arc<Plan>,
        loaded: LoadedSteps,
        rules: &'r Rules,
        now: Timestamp,
    ) -> Self {
        let workset = Workset::new(plan.clone(), rules, now, task.record(plan.digest), loaded.steps);
        Self { task, plan, workset, with_inputs: loaded.with_inputs, n_logged_first: 0 }
    }

    /// Takes in more steps of the task, as they were before the batch.
    pub(crate) fn add_steps(&mut self, loaded: LoadedSteps) {
        self.workset.add_steps(loaded.steps);
        self.with_inputs.extend(loaded.with_inputs);
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What follows is claimed from the queue. It is told in the log after what happened to all tasks of the batch.
    pub(crate) fn inputs_end_here(&mut self) {
        self.n_logged_first = self.workset.n_logged();
    }

    pub(crate) fn decided(self) -> Decided {
        let Self { task, plan, workset, with_inputs, n_logged_first } = self;
        Decided { task, plan, change: workset.finish(), with_inputs, n_logged_first }
    }
}

/// What was decided for a batch.
pub(crate) struct Verdicts {
    pub(crate) budget: Option<ClaimBudget>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) decided: Vec<Decided>,
}

impl Verdicts {
    /// Nothing is decided yet.
    pub(crate) fn new(n_inputs: usize, budget: Option<ClaimBudget>) -> Self {
        Self { budget, answers: vec![Answer::Stale; n_inputs], decided: Vec::new() }
    }

    /// Decides the inputs of one task and claims what became free.
    pub(crate) fn decide(&mut self, group: Group, deciding: &mut Deciding<'_>) {
        let not_claimable = self.take(group, deciding);
        if let Some(budget) = &mut self.budget {
            deciding.workset.claim_free(budget);
        }
        // What turned out not to be claimable leaves its slot to the tasks that follow.
        self.refund(&deciding.plan, &not_claimable);
    }

    /// Claims due steps of one task, after its inputs were decided.
    pub(crate) fn claim(&mut self, group: Group, deciding: &mut Deciding<'_>) {
        let not_claimable = self.take(group, deciding);
        self.refund(&deciding.plan, &not_claimable);
    }

    /// Decides inputs; answers the steps of the queue that could not be claimed.
    fn take(&mut self, group: Group, deciding: &mut Deciding<'_>) -> Vec<Ordinal> {
        let mut not_claimable = Vec::new();
        for (place, input) in group.places.into_iter().zip(group.inputs) {
            let picked = if let Input::Claim { step, .. } = &input { Some(*step) } else { None };
            let answer = deciding.workset.take(input);
            match (place, picked) {
                (Some(place), _) => self.answers[place] = answer,
                (None, Some(step)) if answer != Answer::Claimed => not_claimable.push(step),
                (None, _) => {}
            }
        }
        not_claimable
    }

    fn refund(&mut self, plan: &Plan, steps: &[Ordinal]) {
        if let Some(budget) = &mut self.budget {
            steps.iter().for_each(|step| claim::refund(budget, &plan.step(*step).handler));
        }
    }

    /// Answers inputs about a task that is not there.
    pub(crate) fn no_task(&mut self, id: TaskId, group: Group) {
        self.refuse(group, || not_found(id));
    }

    /// Answers inputs about a task that cannot be decided.
    pub(crate) fn unreadable(&mut self, id: TaskId, group: Group) {
        self.refuse(group, || unreadable(id));
    }

    fn refuse(&mut self, group: Group, why: impl Fn() -> Rejection) {
        for (place, input) in group.places.iter().zip(&group.inputs) {
            if let Some(place) = place {
                self.answers[*place] = refusal(input, &why);
            }
        }
    }

    /// Tasks that stopped being open, with what they are after the whole batch.
    pub(crate) fn ended(&self) -> Vec<Ended> {
        let mut ended: BTreeMap<TaskId, Ended> = BTreeMap::new();
        let mut order = Vec::new();
        for Decided { task, change, .. } in &self.decided {
            let Some(record) = &change.task else { continue };
            if task.is_open() && !record.state.is_open() {
                order.push(task.id);
            }
            ended.insert(task.id, Ended::from(record));
        }
        order.into_iter().map(|id| ended[&id]).collect()
    }

    /// What is written into the log.
    pub(crate) fn logged(&self) -> Vec<Logged> {
        let of_task = |one: &Decided| Logged::of(one.task.id, &one.plan, &one.change.log);
        self.decided.iter().filter_map(of_task).collect()
    }

    /// Whether a step became due that nobody claimed yet.
    pub(crate) fn leave_work(&self, now: Timestamp) -> bool {
        use tasker_core::decide::QueueChange::{Delete, Insert, Update};
        self.decided.iter().flat_map(|decided| &decided.change.queue).any(|change| match change {
            Insert(row) | Update(row) => row.worker.is_none() && row.run_at <= now,
            Delete(_) => false,
        })
    }
}

/// The answer to an input that cannot be decided: `Stale`, to an operator a refusal.
fn refusal(input: &Input, why: impl Fn() -> Rejection) -> Answer {
    match input {
        Input::Operate { .. } => Answer::Refused(why()),
        _ => Answer::Stale,
    }
}

fn not_found(id: TaskId) -> Rejection {
    Rejection::new("not_found", format!("there is no task {id}")).help("list tasks: tasker task list")
}

fn unreadable(id: TaskId) -> Rejection {
    let message = format!("task {id} cannot be read: its definition or some of its steps are missing");
    Rejection::new("unreadable_task", message).help("see what is wrong: tasker db check")
}
