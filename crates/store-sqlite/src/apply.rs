//! The one path by which tasks change: read what `core` asks for, let it decide, write what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use tasker_core::decide::{Answer, ClaimBudget, Input, Rejection, Rules, Workset, needs};
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::record::TaskRecord;
use tasker_core::time::Timestamp;
use tasker_store::write::{Applied, ApplyBatch, Ended, FromQueue, Logged};

use crate::caches::Revision;
use crate::claim::{self, Pick};
use crate::error::Trouble;
use crate::load;
use crate::recent::{KnownStep, KnownTask};
use crate::rows::StoredTask;
use crate::save::{self, Decided};
use crate::work;
use crate::writer::Writing;

/// Decides and writes a batch.
pub(crate) fn apply(writing: &mut Writing<'_>, batch: &ApplyBatch) -> Result<Applied, Trouble> {
    let from_queue = batch.claiming.as_ref().map_or(FromQueue::Never, |claiming| claiming.from_queue);
    let mut budget = batch.claiming.as_ref().map(|claiming| claiming.budget.clone());
    let mut answers = vec![Answer::Stale; batch.inputs.len()];
    let mut groups = Groups::of_inputs(&batch.inputs);
    if let (FromQueue::First, Some(budget)) = (from_queue, &mut budget) {
        groups.add_picks(claim::pick(writing, budget)?, budget.worker);
    }
    let mut decided = groups.decide(writing, &batch.rules, &mut budget, &mut answers)?;
    save::changes(writing.connection, &decided)?;
    if let (FromQueue::Last, Some(free)) = (from_queue, &mut budget) {
        let mut groups = Groups::default();
        groups.add_picks(claim::pick(writing, free)?, free.worker);
        let claimed = groups.decide(writing, &batch.rules, &mut budget, &mut answers)?;
        save::changes(writing.connection, &claimed)?;
        decided.extend(claimed);
    }
    let next_due = match &budget {
        Some(budget) if from_queue != FromQueue::Never => claim::next_due(writing, budget)?,
        _ => None,
    };
    let work = work::of_all(writing, &decided)?;
    let (ended, logged) = (ended(&decided), logged(&decided));
    Ok(Applied { answers, work, ended, logged, next_due, now: writing.now })
}

/// What is written into the log.
pub(crate) fn logged(decided: &[Decided]) -> Vec<Logged> {
    let of_task = |one: &Decided| Logged::of(one.task.id, &one.revision.plan, &one.change.log);
    decided.iter().filter_map(of_task).collect()
}

fn ended(decided: &[Decided]) -> Vec<Ended> {
    let now_closed = |decided: &Decided| {
        let task = decided.change.task.as_ref()?;
        (decided.task.state.is_open() && !task.state.is_open()).then(|| Ended::from(task))
    };
    decided.iter().filter_map(now_closed).collect()
}

/// Where an input came from, and so where its answer goes.
enum Source {
    /// The batch, at this place.
    Batch(usize),
    /// The queue; a slot of this handler was taken for it.
    Queue(HandlerName),
}

/// The inputs of a batch by task, in the order of the tasks' ids; those of one task see one another's effect.
#[derive(Default)]
struct Groups(BTreeMap<TaskId, Group>);

#[derive(Default)]
struct Group {
    sources: Vec<Source>,
    inputs: Vec<Input>,
}

impl Groups {
    fn of_inputs(inputs: &[(TaskId, Input)]) -> Self {
        let mut groups = Self::default();
        for (at, (task, input)) in inputs.iter().enumerate() {
            groups.add(*task, Source::Batch(at), input.clone());
        }
        groups
    }

    fn add(&mut self, task: TaskId, source: Source, input: Input) {
        let group = self.0.entry(task).or_default();
        group.sources.push(source);
        group.inputs.push(input);
    }

    fn add_picks(&mut self, picks: Vec<Pick>, worker: WorkerId) {
        for pick in picks {
            let input = Input::Claim { step: pick.step, worker };
            self.add(pick.task, Source::Queue(pick.handler), input);
        }
    }

    fn decide(
        self,
        writing: &mut Writing<'_>,
        rules: &Rules,
        budget: &mut Option<ClaimBudget>,
        answers: &mut [Answer],
    ) -> Result<Vec<Decided>, Trouble> {
        let mut all = Vec::with_capacity(self.0.len());
        for (id, group) in self.0 {
            let (decided, given) = group.decide(writing, id, rules, budget)?;
            for (source, answer) in given {
                match (source, &mut *budget) {
                    (Source::Batch(at), _) => answers[at] = answer,
                    (Source::Queue(handler), Some(budget)) if answer != Answer::Claimed => {
                        claim::refund(budget, &handler);
                    }
                    (Source::Queue(_), _) => {}
                }
            }
            all.extend(decided);
        }
        Ok(all)
    }
}

type Given = Vec<(Source, Answer)>;

impl Group {
    fn decide(
        self,
        writing: &mut Writing<'_>,
        id: TaskId,
        rules: &Rules,
        budget: &mut Option<ClaimBudget>,
    ) -> Result<(Option<Decided>, Given), Trouble> {
        let Some(mut known) = known(writing, id)? else {
            return Ok((None, self.refuse(|| not_found(id))));
        };
        match self.load(writing, &mut known) {
            Ok(loaded) => {
                let (decided, given) = loaded.decide(self, writing.now, rules, budget);
                known.follow(&decided.change);
                writing.recent.keep(known);
                Ok((Some(decided), given))
            }
            // One unreadable task must not hold up the others of the batch.
            Err(trouble) if trouble.is_about_data() => Ok((None, self.refuse(|| unreadable(id, &trouble)))),
            Err(trouble) => Err(trouble),
        }
    }

    fn load(&self, writing: &Writing<'_>, known: &mut KnownTask) -> Result<Loaded, Trouble> {
        let revision = writing.revisions.get(writing.connection, known.task.revision_id)?;
        let record = known.task.record(revision.plan.digest);
        let needs = needs(&revision.plan, &record, &self.inputs);
        let steps = load::steps(writing.connection, known, revision.plan.graph.n_steps(), &needs)?;
        Ok(Loaded { task: known.task.clone(), revision, record, steps })
    }

    /// Answers inputs that cannot be decided: `Stale`, to an operator a refusal.
    fn refuse(self, why: impl Fn() -> Rejection) -> Given {
        let answer = |input: &Input| match input {
            Input::Operate { .. } => Answer::Refused(why()),
            _ => Answer::Stale,
        };
        self.sources.into_iter().zip(&self.inputs).map(|(source, input)| (source, answer(input))).collect()
    }
}

/// What is known of a task, from memory or from the file.
fn known(writing: &mut Writing<'_>, id: TaskId) -> Result<Option<KnownTask>, Trouble> {
    match writing.recent.take(id) {
        Some(known) => Ok(Some(known)),
        None => Ok(load::task(writing.connection, id)?.map(KnownTask::without_steps)),
    }
}

struct Loaded {
    task: StoredTask,
    revision: Arc<Revision>,
    record: TaskRecord,
    steps: Vec<KnownStep>,
}

impl Loaded {
    fn decide(
        self,
        group: Group,
        now: Timestamp,
        rules: &Rules,
        budget: &mut Option<ClaimBudget>,
    ) -> (Decided, Given) {
        let Self { task, revision, record, steps } = self;
        let with_inputs =
            steps.iter().filter(|step| step.has_inputs).map(|step| step.record.ordinal).collect();
        let rows = steps.into_iter().map(|step| (step.record, step.queue));
        let mut workset = Workset::new(revision.plan.clone(), rules, now, record, rows);
        let answers: Vec<Answer> = group.inputs.into_iter().map(|input| workset.take(input)).collect();
        if let Some(budget) = budget {
            workset.claim_free(budget);
        }
        let change = workset.finish();
        let decided = Decided { task, revision, change, with_inputs };
        (decided, group.sources.into_iter().zip(answers).collect())
    }
}

fn not_found(id: TaskId) -> Rejection {
    Rejection::new("not_found", format!("there is no task {id}")).help("list tasks: tasker task list")
}

fn unreadable(id: TaskId, trouble: &Trouble) -> Rejection {
    Rejection::new("unreadable_task", format!("task {id} cannot be read: {trouble}"))
        .help("see what is wrong: tasker db check")
}
