//! The judgement on a round: everything that is known of its tasks is gathered, and each is judged.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_engine::ErrorKind;
use tasker_store::workers::WorkerRow;

use super::{Proof, World};
use crate::error::TortureError;
use crate::feed::{Accepted, PATIENCE};
use crate::finding::{Finding, Kind};
use crate::history::{Attempt, History, whole_log};
use crate::ledger::Execution;
use crate::recovery::recovery;
use crate::round::Round;
use crate::verdict::{Allowance, Case, Verdict};

/// Time between two looks whether all tasks have ended.
const LOOK: Duration = Duration::from_millis(50);

/// A claim that its node knows of begins at once; one whose commit was not answered begins when a heartbeat tells of it,
/// which none does before it is two seconds old.
const LATE: Duration = Duration::from_millis(1_900);

impl World {
    /// Waits for the end of all tasks, and judges.
    pub(super) async fn judge(
        &mut self,
        fault: &str,
        began: Instant,
        accepted: Vec<Accepted>,
        proof: Proof,
    ) -> Result<Round, TortureError> {
        let mut round = Round::new(fault, &proof, accepted.len());
        round.findings.extend(self.open_tasks().await);
        round.findings.extend(self.ended_nodes());
        self.victims.extend(proof.victims.iter().cloned());
        round.findings.extend(self.robbed().await?);
        let names = self.names().await?;
        let history = self.history(&accepted, &mut round).await?;
        // Whatever was found may be why a proof is missing, and says more.
        let proves_nothing = |is_missing: bool, round: &Round| is_missing && round.findings.is_empty();
        if proves_nothing(proof.must_lose && history.lost().next().is_none(), &round) {
            return Err(TortureError::unproven(fault, "no execution was lost with its node"));
        }
        round.repeated = history.lost().count();
        round.recovery = recovery(&history, &proof.moments, &names);
        let allowance = Allowance { names, victims: proof.victims, has_steady_clock: !proof.sets_clock };
        let executions = self.executions(&mut round);
        round.executions = executions.values().map(Vec::len).sum();
        round.taken_up = taken_up(&history, &accepted, &executions);
        if proves_nothing(proof.must_take_up && round.taken_up == 0, &round) {
            return Err(TortureError::unproven(fault, "no claim was in a commit whose answer was lost"));
        }
        self.judge_tasks(accepted, &allowance, history, executions, &mut round).await?;
        round.lasted = began.elapsed();
        Ok(round)
    }

    async fn judge_tasks(
        &mut self,
        accepted: Vec<Accepted>,
        allowance: &Allowance,
        history: History,
        mut executions: HashMap<u64, Vec<Execution>>,
        round: &mut Round,
    ) -> Result<(), TortureError> {
        let mut attempts: HashMap<_, Vec<Attempt>> = HashMap::new();
        history.attempts.into_iter().for_each(|a| attempts.entry(a.task).or_default().push(a));
        for Accepted { number, id, workflow } in accepted {
            let kept = match self.engine.task(id).await {
                Ok(view) => Some((view.detail.record.state, view.steps)),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error.into()),
            };
            let case = Case {
                id,
                workflow,
                kept,
                attempts: attempts.remove(&id).unwrap_or_default(),
                executions: executions.remove(&number).unwrap_or_default(),
            };
            let verdict = Verdict::on(&case, allowance);
            self.excused.extend(verdict.excused.into_iter().map(|(step, n)| (number, step, n)));
            round.add(verdict.findings, case.workflow.seed);
        }
        // Whoever was taken its execution from, and slept, may have begun it after all when its task had ended.
        let is_late = |late: &Execution| self.excused.contains(&(late.task, late.step.clone(), late.attempt));
        for late in executions.into_values().flatten().filter(|late| !is_late(late)) {
            let Execution { task, step, attempt, .. } = late;
            let message = format!("execution {attempt} of step {step} of ended task {task} was one too many");
            round.findings.push(Finding::new(Kind::Doubled, message));
        }
        Ok(())
    }

    /// Waits until every task has ended.
    async fn open_tasks(&self) -> Option<Finding> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let counts = self.engine.health_counts().await;
            let open = counts.map(|counts| counts.pending_tasks + counts.in_progress_tasks);
            if matches!(open, Ok(0)) {
                return None;
            }
            if Instant::now() > deadline {
                let message = format!("after {} s not all tasks have ended: {open:?}", PATIENCE.as_secs());
                return Some(Finding::new(Kind::Lost, message));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Nobody who lived may have been judged lost.
    async fn robbed(&self) -> Result<Vec<Finding>, TortureError> {
        let workers = self.engine.workers().await?.into_iter();
        let robbed =
            workers.filter(|worker| worker.lost_at.is_some() && !self.victims.contains(&worker.name));
        let told = |worker: WorkerRow| format!("{} was judged lost, and lives", worker.name);
        Ok(robbed.map(|worker| Finding::new(Kind::Wrong, told(worker))).collect())
    }

    /// No node may end by itself.
    fn ended_nodes(&mut self) -> Option<Finding> {
        let error = self.nodes.all_alive().err()?;
        Some(Finding::new(Kind::Wrong, error.to_string()))
    }

    /// Names of workers by what the log calls them.
    async fn names(&self) -> Result<HashMap<String, String>, TortureError> {
        let workers = self.engine.workers().await?;
        Ok(workers.into_iter().map(|worker| (worker.id.actor(), worker.name)).collect())
    }

    /// What the log tells, task by task: what others do to the database must not hold it back.
    async fn history(&self, accepted: &[Accepted], round: &mut Round) -> Result<History, TortureError> {
        let mut all = History::default();
        for task in accepted {
            match History::read(&whole_log(&self.engine, Some(task.id)).await?) {
                Ok(one) => all.attempts.extend(one.attempts),
                Err(finding) => round.add(vec![finding], task.workflow.seed),
            }
        }
        Ok(all)
    }

    /// What the ledger says, by the numbers of tasks.
    fn executions(&self, round: &mut Round) -> HashMap<u64, Vec<Execution>> {
        let mut by_task: HashMap<u64, Vec<Execution>> = HashMap::new();
        let (executions, others) = self.ledger.take();
        for execution in executions {
            by_task.entry(execution.task).or_default().push(execution);
        }
        for other in others {
            let message = format!("somebody called {}, as no step does: {}", other.path, other.body);
            round.findings.push(Finding::new(Kind::Wrong, message));
        }
        by_task
    }
}

/// How many executions began so long after their claim that their node had not been told of it.
fn taken_up(history: &History, accepted: &[Accepted], executions: &HashMap<u64, Vec<Execution>>) -> usize {
    let claims: HashMap<(TaskId, &str, usize), Timestamp> =
        history.attempts.iter().map(|a| ((a.task, a.step.as_str(), a.number), a.began)).collect();
    let ids: HashMap<u64, TaskId> = accepted.iter().map(|task| (task.number, task.id)).collect();
    let is_late = |execution: &&Execution| {
        let id = ids.get(&execution.task);
        let claim = id.and_then(|id| claims.get(&(*id, execution.step.as_str(), execution.attempt)));
        claim.is_some_and(|claim| instant_of(execution.came_at).since(*claim) >= LATE)
    };
    executions.values().flatten().filter(is_late).count()
}

fn instant_of(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
