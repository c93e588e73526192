//! What the hot path asks of this crate, to be counted in instructions: `cargo xtask instructions`.
//!
//! Called with a workload and a number, it does the workload that many times. Instructions do not depend on what else
//! the machine does, so that a change of a few per cent can be seen; what they cost in time is measured by `tasker bench`.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tasker_core::decide::{
    ClaimBudget, Input, QueueChange, Rules, Submission, TaskChange, Workset, needs, submit,
};
use tasker_core::definition::{Definition, DefinitionBuilder, LoadOptions, Priority, StepBuilder, load};
use tasker_core::graph::shapes::{self, Shape};
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Claim, QueueRow, StepRecord, TaskRecord};
use tasker_core::template::{CompiledConfig, Scope, StepFacts};
use tasker_core::time::Timestamp;
use uuid::Uuid;

const WORKFLOW: &str = include_str!("../../../examples/order-fulfilment/workflow.yaml");

/// A name, and what is made ready before its work is counted.
type Workload = (&'static str, fn() -> Box<dyn FnMut()>);

const WORKLOADS: &[Workload] = &[
    ("load_definition", load_definition),
    ("plan_layered_400", plan_layered),
    ("submit_chain_5", || submitting(&shapes::chain(5))),
    ("run_chain_5", || running(&shapes::chain(5))),
    ("run_fan_out_20", || running(&shapes::fan_out(20))),
    ("render_request", render_request),
    ("payload_1k", payload),
];

fn main() {
    // `cargo bench` adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.as_slice() {
        [] => WORKLOADS.iter().for_each(|(name, _)| println!("{name}")),
        [name, times] => {
            let (_, prepare) = WORKLOADS.iter().find(|(known, _)| known == name).expect("a workload's name");
            let mut work = prepare();
            (0..times.parse::<usize>().expect("a number")).for_each(|_| work());
        }
        _ => panic!("nothing, or a workload and a number"),
    }
}

fn load_definition() -> Box<dyn FnMut()> {
    let options = || LoadOptions::default();
    Box::new(move || assert!(black_box(load(WORKFLOW, &options())).definition.is_some()))
}

fn plan_layered() -> Box<dyn FnMut()> {
    let definition = definition(&shapes::layered(20, 20, 3));
    Box::new(move || drop(black_box(Plan::new(definition.clone()))))
}

fn submitting(shape: &Shape) -> Box<dyn FnMut()> {
    let submission = submission(shape);
    Box::new(move || drop(black_box(submit(&submission, &Rules::default(), now(), Some(&mut budget())))))
}

/// Accepts a task and settles its steps one after the other, each with a result.
fn running(shape: &Shape) -> Box<dyn FnMut()> {
    let submission = submission(shape);
    let result = Payload::from_value(&json!({ "ok": true }), 1024).expect("a small result");
    Box::new(move || {
        let mut task = Task::accept(&submission);
        while let Some(claim) = task.claims.pop() {
            task.settle(&claim, &result);
        }
        assert!(!task.record.state.is_open());
    })
}

/// The rows of a task, as a store keeps them.
struct Task {
    plan: Arc<Plan>,
    record: TaskRecord,
    steps: BTreeMap<Ordinal, (StepRecord, Option<QueueRow>)>,
    claims: Vec<Claim>,
}

impl Task {
    fn accept(submission: &Submission) -> Self {
        let new = submit(submission, &Rules::default(), now(), Some(&mut budget()));
        let change = new.expect("the default identity cannot fail").change;
        let record = change.task.clone().expect("a new task has its row");
        let mut task =
            Self { plan: submission.plan.clone(), record, steps: BTreeMap::new(), claims: Vec::new() };
        task.write(change);
        task
    }

    fn settle(&mut self, claim: &Claim, result: &Payload) {
        let outcome = Outcome::Success(result.clone());
        let input = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome };
        let needs = needs(&self.plan, &self.record, std::slice::from_ref(&input));
        let steps: Vec<_> = needs.steps.iter().map(|step| self.steps[step].clone()).collect();
        let rules = Rules::default();
        let mut workset = Workset::new(self.plan.clone(), &rules, now(), self.record.clone(), steps);
        workset.take(input);
        workset.claim_free(&mut budget());
        self.write(workset.finish());
    }

    fn write(&mut self, change: TaskChange) {
        self.record = change.task.unwrap_or_else(|| self.record.clone());
        for step in change.steps {
            let queue = self.steps.remove(&step.record.ordinal).and_then(|(_, queue)| queue);
            self.steps.insert(step.record.ordinal, (step.record, queue));
        }
        for change in change.queue {
            let (ordinal, row) = match change {
                QueueChange::Insert(row) | QueueChange::Update(row) => (row.ordinal, Some(row)),
                QueueChange::Delete(ordinal) => (ordinal, None),
            };
            self.steps.get_mut(&ordinal).expect("a queue row has its step").1 = row;
        }
        self.claims.extend(change.claims);
    }
}

fn render_request() -> Box<dyn FnMut()> {
    let config = CompiledConfig::new(&json!({
        "method": "POST",
        "url": "{{ context.shop_url }}/payments",
        "headers": { "Accept": "application/json" },
        "json": { "order": "{{ context.order_id }}", "amount": "{{ results.reserve_stock.body.total }}" },
    }));
    let config = config.expect("a valid template");
    let context = json!({ "shop_url": "http://shop.example", "order_id": 17 });
    let results =
        Map::from_iter([("reserve_stock".to_owned(), json!({ "status": 200, "body": { "total": 99 } }))]);
    Box::new(move || {
        let step = StepFacts { name: "charge", attempt: 1, task_id: "t", idempotency_key: "t/charge" };
        let scope = Scope { context: &context, inputs: &Value::Null, results: &results, step };
        drop(black_box(config.render(&scope).expect("everything is there")));
    })
}

fn payload() -> Box<dyn FnMut()> {
    let items: Vec<Value> =
        (0..20).map(|n| json!({ "sku": format!("item-{n}"), "quantity": n, "price": 9.5 })).collect();
    let value = json!({ "items": items });
    Box::new(move || drop(black_box(Payload::from_value(&value, 1 << 20).expect("a small value"))))
}

fn definition(shape: &Shape) -> Definition {
    let steps = shape.steps().map(|(name, parents)| {
        let step = StepBuilder::new(name, "work");
        if parents.is_empty() { step } else { step.depends_on(parents) }
    });
    steps.fold(DefinitionBuilder::new("shape"), DefinitionBuilder::step).build().expect("a valid definition")
}

fn submission(shape: &Shape) -> Submission {
    Submission {
        id: TaskId(Uuid::from_u128(1)),
        plan: Plan::new(definition(shape)),
        latest: true,
        context: Payload::from_value(&json!({ "order_id": 17 }), 1024).expect("a small context"),
        initiator: "bench".into(),
        source_system: "bench".into(),
        reason: "bench".into(),
        tags: Vec::new(),
        bypass: Vec::new(),
        priority: Priority::default(),
        not_before: None,
        requested_at: None,
        correlation_id: None,
        created_by: None,
        identity: IdentityStrategy::Default,
        content: Digest([7; 32]),
    }
}

fn budget() -> ClaimBudget {
    let handlers = HashMap::from([(HandlerName::new("work").expect("a valid name"), 64)]);
    ClaimBudget { worker: WorkerId(Uuid::from_u128(2)), slots: 64, handlers, only_task: None }
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000)
}
