//! What is known of the stores, and the chance that decides what is done to them next.

use std::sync::Arc;
use std::time::Duration;

use tasker_core::decide::{ClaimBudget, Input, Rules, Submission};
use tasker_core::definition::Priority;
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;
use tasker_store::definitions::{Registration, Selector};
use tasker_store::workers::{ClaimKey, Heartbeat};
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, Prune, SubmitBatch};

use super::observe::Observed;
use super::operations::{Answered, Operation};
use crate::definitions::{handler, version};
use crate::driver::{LEASE, task_id, worker_id};
use crate::random::{HANDLERS, Rng, random_action, random_outcome, random_plan};

/// What is known of the stores, and the chance that decides what happens next.
pub(super) struct World {
    rng: Rng,
    rules: Arc<Rules>,
    plans: Vec<Arc<Plan>>,
    requests: Vec<Submission>,
    seen: Option<Observed>,
    /// Every claim that was ever handed out.
    claims: Vec<ClaimKey>,
    to_rescue: Vec<ClaimKey>,
    n_tasks: u64,
    n_workers: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            rules: Arc::default(),
            plans: Vec::new(),
            requests: Vec::new(),
            seen: None,
            claims: Vec::new(),
            to_rescue: Vec::new(),
            n_tasks: 0,
            n_workers: 3,
        }
    }

    pub(super) fn learn(&mut self, answered: Answered, seen: Observed) {
        self.claims.extend(answered.claims);
        self.to_rescue = answered.orphans;
        self.seen = Some(seen);
    }

    pub(super) fn next_operation(&mut self) -> Operation {
        if self.plans.len() < 2 {
            return self.register();
        }
        if !self.to_rescue.is_empty() && self.rng.percent(80) {
            return self.rescue();
        }
        match self.rng.below(100) {
            0..=14 => self.submit(),
            15..=74 => self.apply(),
            75..=87 => self.advance(),
            88..=94 => self.beat(),
            95 => self.stop(),
            96 => self.prune(),
            97 => self.retire(),
            _ => self.register(),
        }
    }

    fn register(&mut self) -> Operation {
        let name = ["first", "second"][self.rng.below(2)];
        let mut definition = random_plan(&mut self.rng, name).definition.clone();
        definition.version = version(["1.0.0", "1.1.0", "2.0.0-rc.1"][self.rng.below(3)]);
        let plan = Plan::new(definition);
        self.plans.push(plan.clone());
        Operation::Register(Registration { plan, replace: self.rng.percent(50) })
    }

    fn retire(&mut self) -> Operation {
        let definition = &self.plans[self.rng.below(self.plans.len())].definition;
        let selector = Selector {
            namespace: definition.namespace.clone(),
            name: definition.name.clone(),
            version: Some(definition.version.clone()),
        };
        Operation::Retire(selector, self.rng.percent(50))
    }

    fn submit(&mut self) -> Operation {
        let submissions: Vec<_> = (0..1 + self.rng.below(3)).map(|_| self.request()).collect();
        let budget = self.rng.percent(40).then(|| self.budget());
        Operation::Submit(SubmitBatch { budget, ..SubmitBatch::of(submissions, self.rules.clone()) })
    }

    fn request(&mut self) -> Submission {
        if self.rng.percent(10) && !self.requests.is_empty() {
            return self.repeated_request();
        }
        let plan = self.plans[self.rng.below(self.plans.len())].clone();
        let skippable = plan.graph.steps().filter(|step| plan.step(*step).skippable);
        let bypass: Vec<Ordinal> = skippable.filter(|_| self.rng.percent(30)).collect();
        self.n_tasks += 1;
        let request = Submission {
            id: task_id(self.n_tasks * 3 + self.rng.below(3) as u64),
            latest: self.rng.percent(20),
            context: Payload::from_stored(format!(r#"{{"order":{}}}"#, self.rng.below(3))),
            initiator: "chance".into(),
            source_system: "unknown".into(),
            reason: "unknown".into(),
            tags: vec![format!("tag{}", self.rng.below(3))],
            bypass,
            priority: if self.rng.percent(20) {
                Priority::new(0).expect("0 is low")
            } else {
                plan.definition.priority
            },
            not_before: self.rng.percent(10).then(|| self.now().plus_seconds(5)),
            requested_at: None,
            correlation_id: self.rng.percent(30).then(|| "abc-1".to_owned()),
            // No chance of its own, so that seeds that were kept stay what they are.
            created_by: self.n_tasks.is_multiple_of(3).then(|| "ada".to_owned()),
            identity: if self.rng.percent(30) { IdentityStrategy::Hash } else { IdentityStrategy::Default },
            content: Digest::of(&self.n_tasks.to_le_bytes()),
            plan,
        };
        self.requests.push(request.clone());
        request
    }

    fn repeated_request(&mut self) -> Submission {
        let mut request = self.requests[self.rng.below(self.requests.len())].clone();
        if self.rng.percent(30) {
            request.content = Digest::of(b"something else");
        }
        request
    }

    fn apply(&mut self) -> Operation {
        let inputs = (0..self.rng.below(5)).filter_map(|_| self.input()).collect();
        let claiming = self.rng.percent(60).then(|| Claiming {
            budget: self.budget(),
            from_queue: [FromQueue::Never, FromQueue::First, FromQueue::Last][self.rng.below(3)],
        });
        Operation::Apply(ApplyBatch { inputs, rules: self.rules.clone(), claiming })
    }

    fn input(&mut self) -> Option<(TaskId, Input)> {
        match self.rng.below(20) {
            0..=11 => self.settle(),
            12 => {
                let claim = self.some_claim()?;
                Some((claim.task, Input::GiveBack { step: claim.ordinal, fence: claim.fence }))
            }
            13 => {
                let (task, plan) = self.some_task()?;
                let step = Ordinal(self.rng.below(plan.graph.n_steps()) as u32);
                Some((task, Input::Claim { step, worker: self.some_worker() }))
            }
            _ => {
                let (task, plan) = self.some_task()?;
                let action = random_action(&mut self.rng, &plan);
                let reason = self.rng.percent(50).then(|| "by chance".to_owned());
                Some((task, Input::Operate { action, actor: "ops".into(), reason, expected: None }))
            }
        }
    }

    fn settle(&mut self) -> Option<(TaskId, Input)> {
        let claim = self.some_claim()?;
        let outcome = random_outcome(&mut self.rng);
        Some((claim.task, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome }))
    }

    /// Mostly one of the latest, which are likely to be held still.
    fn some_claim(&mut self) -> Option<ClaimKey> {
        let recent = self.claims.len().min(8);
        let skip = if self.rng.percent(85) { self.claims.len() - recent } else { 0 };
        let claims = &self.claims[skip..];
        self.rng.pick(claims).copied()
    }

    /// Mostly one that exists; sometimes one that was asked for, and perhaps refused or pruned.
    fn some_task(&mut self) -> Option<(TaskId, Arc<Plan>)> {
        if self.rng.percent(15) {
            return self.rng.pick(&self.requests).map(|request| (request.id, request.plan.clone()));
        }
        let seen = self.seen.as_ref()?;
        let tasks: Vec<_> = seen.tasks.iter().map(|(id, task)| (*id, task.record.revision)).collect();
        let (id, revision) = *self.rng.pick(&tasks)?;
        let plan = self.plans.iter().find(|plan| plan.digest == revision)?;
        Some((id, plan.clone()))
    }

    fn some_worker(&mut self) -> WorkerId {
        worker_id(self.n_workers - self.rng.below(3) as u64)
    }

    fn budget(&mut self) -> ClaimBudget {
        let served = HANDLERS.iter().filter(|_| self.rng.percent(80));
        let handlers: Vec<&str> = served.copied().collect();
        let handlers = handlers.into_iter().map(|name| (handler(name), self.rng.below(6) as u32)).collect();
        let only_task = self.rng.percent(10).then(|| self.some_task()).flatten().map(|(task, _)| task);
        ClaimBudget { worker: self.some_worker(), slots: self.rng.below(7) as u32, handlers, only_task }
    }

    fn rescue(&mut self) -> Operation {
        let settle = |claim: ClaimKey| {
            let input =
                Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: Outcome::LeaseExpired };
            (claim.task, input)
        };
        let inputs = std::mem::take(&mut self.to_rescue).into_iter().map(settle).collect();
        Operation::Apply(ApplyBatch { inputs, rules: self.rules.clone(), claiming: None })
    }

    /// Sometimes to the time at which the next step is due, sometimes back.
    fn advance(&mut self) -> Operation {
        let now = self.now();
        if self.rng.percent(40) {
            let seen = self.seen.iter().flat_map(|seen| seen.tasks.values());
            let rows = seen.flat_map(|task| task.steps.iter()).filter_map(|step| step.queue.as_ref());
            let next =
                rows.filter(|row| row.worker.is_none() && row.run_at > now).map(|row| row.run_at).min();
            if let Some(next) = next {
                return Operation::SetClock(next);
            }
        }
        if self.rng.percent(5) {
            return Operation::SetClock(now.minus(Duration::from_secs(7)));
        }
        let millis = [1, 400, 1_000, 2_500, 7_000, 100_000][self.rng.below(6)];
        Operation::Advance(Duration::from_millis(millis))
    }

    fn now(&self) -> Timestamp {
        self.seen.as_ref().map(|seen| seen.now).unwrap_or_default()
    }

    fn beat(&mut self) -> Operation {
        let worker = self.some_worker();
        let held: Vec<ClaimKey> =
            self.claims.iter().rev().take(6).copied().filter(|_| self.rng.percent(70)).collect();
        Operation::Beat(Heartbeat {
            worker,
            name: format!("host:{worker}"),
            version: "0.1.0".into(),
            handlers: HANDLERS.iter().map(|name| handler(name)).collect(),
            capacity: 1 + self.rng.below(9) as u32,
            held,
            lease: LEASE,
            may_judge: self.rng.percent(80),
            rescue_limit: 100,
        })
    }

    /// The worker that stops is replaced by a new one.
    fn stop(&mut self) -> Operation {
        let worker = worker_id(self.n_workers - 2);
        self.n_workers += 1;
        Operation::Stop(worker)
    }

    fn prune(&mut self) -> Operation {
        let finished_before = Duration::from_secs([0, 10, 1_000][self.rng.below(3)]);
        Operation::Prune(Prune {
            finished_before,
            dry_run: self.rng.percent(40),
            batch: 1 + self.rng.below(4),
        })
    }
}
