//! Drives a store as an engine would, one call at a time, under a clock that stands still in between.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tasker_core::backoff::BackoffPolicy;
use tasker_core::decide::{Action, Answer, ClaimBudget, Input, NewLimit, Rejection, Rules, Submission};
use tasker_core::definition::Priority;
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Change, Claim, StepDetail, TaskRecord, Transition};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::definitions::{Registered, Registration};
use tasker_store::read::LogQuery;
use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer};
use tasker_store::write::{
    Applied, ApplyBatch, Claiming, FromQueue, SubmitAnswer, SubmitBatch, Submitted, Work,
};
use tasker_store::{Store, StoreError};

use crate::StoreUnderTest;
use crate::clock::TestClock;
use crate::definitions::{HANDLER, handler};

/// Time without heartbeat after which the workers of tests are lost.
pub const LEASE: Duration = Duration::from_secs(6);

/// A store, and what is needed to call it.
pub struct Driver {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: TestClock,
    /// The worker in whose name steps are claimed.
    pub worker: WorkerId,
    /// Settings of the decisions: the default waits, without jitter.
    pub rules: Arc<Rules>,
    next_id: AtomicU64,
    _keep: Option<Box<dyn std::any::Any + Send + Sync>>,
}

/// A made-up id in the form of a UUIDv7; a higher number is later in every order.
pub fn task_id(number: u64) -> TaskId {
    TaskId(uuid(0x0198_0000_0000, number))
}

/// Like [`task_id`], for workers.
pub fn worker_id(number: u64) -> WorkerId {
    WorkerId(uuid(0x0197_0000_0000, number))
}

fn uuid(millis: u64, number: u64) -> uuid::Uuid {
    let time = u128::from(millis + number) << 80;
    uuid::Uuid::from_u128(time | 0x7000_8000_0000_0000_0000 | u128::from(number))
}

/// The default waits without jitter.
pub fn steady_rules() -> Arc<Rules> {
    Arc::new(Rules { backoff: BackoffPolicy { jitter: None, ..BackoffPolicy::default() } })
}

/// Room for everything these handlers do.
pub fn budget_for(worker: WorkerId, slots: u32, handlers: &[&str]) -> ClaimBudget {
    let handlers: HashMap<HandlerName, u32> = handlers.iter().map(|name| (handler(name), slots)).collect();
    ClaimBudget { worker, slots, handlers, only_task: None }
}

impl Driver {
    /// Takes over a store.
    pub fn new(under_test: StoreUnderTest) -> Self {
        let StoreUnderTest { store, clock, keep } = under_test;
        let (worker, rules) = (worker_id(1), steady_rules());
        Self { store, clock, worker, rules, next_id: AtomicU64::new(1), _keep: keep }
    }

    /// An id that was not given out before.
    pub fn new_id(&self) -> TaskId {
        task_id(self.next_id.fetch_add(1, Ordering::SeqCst))
    }

    /// Stores a definition.
    pub async fn register(&self, plan: &Arc<Plan>) -> Registered {
        self.store.register(Registration { plan: plan.clone(), replace: false }).await.expect("register")
    }

    /// A request with default answers to everything.
    pub fn request(&self, plan: &Arc<Plan>) -> Submission {
        Submission {
            id: self.new_id(),
            plan: plan.clone(),
            latest: false,
            context: Payload::from_stored(r#"{"order":7}"#),
            initiator: "unknown".into(),
            source_system: "unknown".into(),
            reason: "unknown".into(),
            tags: Vec::new(),
            bypass: Vec::new(),
            priority: Priority::default(),
            not_before: None,
            requested_at: None,
            correlation_id: None,
            created_by: None,
            identity: IdentityStrategy::Default,
            content: Digest::of(b"content"),
        }
    }

    /// Submits one request that claims nothing.
    pub async fn submit(&self, submission: Submission) -> SubmitAnswer {
        self.submit_all(vec![submission], None).await.answers.remove(0)
    }

    /// Submits requests in one transaction.
    pub async fn submit_all(&self, submissions: Vec<Submission>, budget: Option<ClaimBudget>) -> Submitted {
        let batch = SubmitBatch { budget, ..SubmitBatch::of(submissions, self.rules.clone()) };
        self.store.submit(batch).await.expect("submit")
    }

    /// Registers the definition and submits a task that must be accepted.
    pub async fn start(&self, plan: &Arc<Plan>) -> TaskId {
        self.start_with(plan, |_| {}).await
    }

    /// [`Driver::start`] with a changed request.
    pub async fn start_with(&self, plan: &Arc<Plan>, change: impl FnOnce(&mut Submission)) -> TaskId {
        self.register(plan).await;
        let mut request = self.request(plan);
        change(&mut request);
        let id = request.id;
        let answer = self.submit(request).await;
        assert!(matches!(answer, SubmitAnswer::Accepted { .. }), "{answer:?}");
        id
    }

    /// One transaction.
    pub async fn apply(&self, inputs: Vec<(TaskId, Input)>, claiming: Option<Claiming>) -> Applied {
        let batch = ApplyBatch { inputs, rules: self.rules.clone(), claiming };
        self.store.apply(batch).await.expect("apply")
    }

    /// Claims whatever is due for the handler of tests.
    pub async fn claim(&self) -> Vec<Work> {
        self.claim_as(self.worker, 1000).await
    }

    /// Claims for a worker with so many free slots.
    pub async fn claim_as(&self, worker: WorkerId, slots: u32) -> Vec<Work> {
        let budget = budget_for(worker, slots, &[HANDLER]);
        self.apply(Vec::new(), Some(Claiming { budget, from_queue: FromQueue::First })).await.work
    }

    /// Claims whatever is due; it must be exactly these steps.
    pub async fn claim_exactly(&self, steps: &[&str]) -> Vec<Claim> {
        let claims: Vec<(String, Claim)> =
            self.claim().await.into_iter().map(|work| (step_of(&work), work.claim)).collect();
        let mut names: Vec<&str> = claims.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut expected = steps.to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected, "claimed steps");
        let of =
            |name: &&str| claims.iter().find(|(step, _)| step == name).expect("it was claimed").1.clone();
        steps.iter().map(of).collect()
    }

    /// Claims the one step that is due.
    pub async fn claim_one(&self, step: &str) -> Claim {
        self.claim_exactly(&[step]).await.remove(0)
    }

    /// Reports how one execution ended.
    pub async fn settle(&self, claim: &Claim, outcome: Outcome) -> Answer {
        self.one(claim.task, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome }).await
    }

    /// Reports success.
    pub async fn succeed(&self, claim: &Claim) -> Answer {
        self.settle(claim, Outcome::Success(Payload::from_stored(r#"{"ok":true}"#))).await
    }

    /// Reports an ordinary failure.
    pub async fn fail(&self, claim: &Claim) -> Answer {
        self.settle(claim, Outcome::Failure(Failure::retryable("Broken", "broken", "it broke"))).await
    }

    /// Reports a failure that must not be tried again.
    pub async fn fail_for_good(&self, claim: &Claim) -> Answer {
        self.settle(claim, Outcome::Failure(Failure::permanent("Refused", "refused", "not possible"))).await
    }

    /// Decides one input.
    pub async fn one(&self, task: TaskId, input: Input) -> Answer {
        self.apply(vec![(task, input)], None).await.answers.remove(0)
    }

    /// Lets an operator act.
    pub async fn operate(&self, task: TaskId, action: Action) -> Answer {
        self.one(
            task,
            Input::Operate { action, actor: "ops".into(), reason: Some("because".into()), expected: None },
        )
        .await
    }

    /// Lets an operator act, who must be refused.
    pub async fn refused(&self, task: TaskId, action: Action) -> Rejection {
        match self.operate(task, action.clone()).await {
            Answer::Refused(rejection) => rejection,
            other => panic!("{action:?} was answered {other:?}"),
        }
    }

    /// Retries a step under the limit it has.
    pub async fn retry_step(&self, task: TaskId, step: Ordinal) -> Answer {
        let action = Action::RetryStep { step, limit: NewLimit::Keep, new_idempotency_key: false };
        self.operate(task, action).await
    }

    /// Claims and settles until nothing is scheduled, advancing the clock to each due time. `outcome` is asked for
    /// each execution. Answers with the executions in order: step and attempt.
    pub async fn drive(&self, mut outcome: impl FnMut(&str, u32) -> Outcome) -> Vec<(String, u32)> {
        let mut executed = Vec::new();
        loop {
            let budget = budget_for(self.worker, 1000, &[HANDLER]);
            let claiming = Claiming { budget, from_queue: FromQueue::First };
            let applied = self.apply(Vec::new(), Some(claiming)).await;
            for work in &applied.work {
                let (step, attempt) = (step_of(work), work.claim.attempt);
                self.settle(&work.claim, outcome(&step, attempt)).await;
                executed.push((step, attempt));
            }
            match applied.next_due {
                _ if !applied.work.is_empty() => {}
                Some(due) => self.clock.set(due.max(self.clock.now())),
                None => return executed,
            }
        }
    }

    /// The task's row.
    pub async fn record(&self, task: TaskId) -> TaskRecord {
        self.store.task(task).await.expect("read a task").expect("the task exists").record
    }

    /// The task's state.
    pub async fn state(&self, task: TaskId) -> TaskState {
        self.record(task).await.state
    }

    /// The steps of a task.
    pub async fn steps(&self, task: TaskId) -> Vec<StepDetail> {
        self.store.steps(task).await.expect("read steps")
    }

    /// One step.
    pub async fn step(&self, task: TaskId, name: &str) -> StepDetail {
        let detail = self.store.task(task).await.expect("read a task").expect("the task exists");
        let ordinal = detail.plan.position(name).expect("the step exists");
        self.steps(task).await.swap_remove(ordinal.index())
    }

    /// Task and steps in one line: `in_progress: one complete, two pending`.
    pub async fn summary(&self, task: TaskId) -> String {
        let detail = self.store.task(task).await.expect("read a task").expect("the task exists");
        let steps = self.steps(task).await;
        let steps: Vec<String> = steps
            .iter()
            .map(|step| format!("{} {}", detail.plan.name(step.record.ordinal), step.record.state))
            .collect();
        format!("{}: {}", detail.record.state, steps.join(", "))
    }

    /// Names of the steps that have a queue row, in document order, with the seconds until they are due.
    pub async fn queued(&self, task: TaskId) -> Vec<(String, i64)> {
        let detail = self.store.task(task).await.expect("read a task").expect("the task exists");
        let now = self.clock.now().as_micros();
        let steps = self.steps(task).await;
        let rows = steps.iter().filter_map(|step| step.queue.as_ref());
        rows.map(|row| {
            (detail.plan.name(row.ordinal).to_string(), (row.run_at.as_micros() - now) / 1_000_000)
        })
        .collect()
    }

    /// The log of a task.
    pub async fn log(&self, task: TaskId) -> Vec<Transition> {
        let query = LogQuery { task: Some(task), limit: 100_000, ..LogQuery::default() };
        let entries = self.store.log(query).await.expect("read the log");
        entries.into_iter().map(|entry| entry.transition).collect()
    }

    /// The log of a task in short: `task pending`, `one in_progress`, ...
    pub async fn history(&self, task: TaskId) -> Vec<String> {
        let query = LogQuery { task: Some(task), limit: 100_000, ..LogQuery::default() };
        let entries = self.store.log(query).await.expect("read the log");
        let line = |entry: tasker_store::read::LogEntry| match entry.transition.change {
            Change::Task { to, .. } => format!("task {to}"),
            Change::Step { to, .. } => {
                format!("{} {to}", entry.step.expect("an entry about a step names it"))
            }
        };
        entries.into_iter().map(line).collect()
    }

    /// A heartbeat of a worker that holds these claims and may judge others.
    pub async fn beat(&self, worker: WorkerId, held: &[ClaimKey]) -> HeartbeatAnswer {
        self.try_beat(worker, held).await.expect("heartbeat")
    }

    /// [`Driver::beat`] that may fail.
    pub async fn try_beat(&self, worker: WorkerId, held: &[ClaimKey]) -> Result<HeartbeatAnswer, StoreError> {
        self.store.heartbeat(heartbeat(worker, held)).await
    }

    /// Asserts that the store finds nothing wrong with itself.
    pub async fn assert_sound(&self) {
        let findings = self.store.check(100).await.expect("check");
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

/// A heartbeat of a worker that may judge others.
pub fn heartbeat(worker: WorkerId, held: &[ClaimKey]) -> Heartbeat {
    Heartbeat {
        worker,
        name: "host:1".into(),
        version: "0.1.0".into(),
        handlers: vec![handler(HANDLER)],
        capacity: 10,
        held: held.to_vec(),
        lease: LEASE,
        may_judge: true,
        rescue_limit: 100,
    }
}

/// The name of the claimed step.
pub fn step_of(work: &Work) -> String {
    work.plan.name(work.claim.ordinal).to_string()
}

/// The identity of a claim.
pub fn key(claim: &Claim) -> ClaimKey {
    ClaimKey { task: claim.task, ordinal: claim.ordinal, fence: claim.fence }
}

/// When something happened, in seconds after another instant.
pub fn seconds_after(start: Timestamp, later: Timestamp) -> i64 {
    (later.as_micros() - start.as_micros()) / 1_000_000
}

/// The position of a step.
pub fn at(plan: &Plan, name: &str) -> Ordinal {
    plan.position(name).expect("a test names steps of its plan")
}

/// The identity of what was asked for and answered: an execution that succeeded with this JSON.
pub fn success(json: &str) -> Outcome {
    Outcome::Success(Payload::from_stored(json))
}
