//! The world: starts nodes, lets clients ask, makes everything fail at random moments, and in the end looks whether all
//! that was promised has come true.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::request::TaskRequest;
use tasker_store::Store;
use tasker_store::definitions::Registration;
use tokio::time::Instant;

use super::clients::{self, Door};
use super::handler::UNSTORABLE;
use super::node::Node;
use super::oracle::at_once;
use super::shared::{Shared, lock};
use super::vitals::{FAIR, Life, WEATHERS};
use crate::definitions::version;
use crate::driver::task_id;
use crate::random::random_definition;

/// Names of the workflows of the world.
const WORKFLOWS: [&str; 2] = ["first", "second"];

/// Everything and everybody.
pub(super) struct World {
    pub(super) shared: Arc<Shared>,
    pub(super) nodes: Vec<Node>,
    plans: Vec<Arc<Plan>>,
    requests: Vec<TaskRequest>,
}

impl World {
    /// Nodes that run, and workflows to submit.
    pub(super) fn new(seed: u64) -> Self {
        let shared = Shared::new(seed);
        let nodes = (0..2 + shared.below(3)).map(|number| Node::new(&shared, number)).collect();
        let mut world = Self { shared, nodes, plans: Vec::new(), requests: Vec::new() };
        for name in WORKFLOWS {
            world.register(name, "1.0.0");
        }
        for node in &mut world.nodes {
            node.start(&world.shared);
        }
        world
    }

    /// Lets things happen, for a while.
    pub(super) async fn rage(&mut self) {
        let end = Instant::now() + self.shared.millis(8_000, 40_000);
        while Instant::now() < end {
            tokio::time::sleep(self.shared.millis(0, 700)).await;
            self.act();
        }
    }

    fn act(&mut self) {
        let number = self.shared.below(self.nodes.len());
        match self.shared.below(100) {
            0..=31 => self.submit(),
            32..=33 => self.usurp(),
            34..=51 => self.operate(),
            52..=57 => self.watch(),
            58..=65 => self.freeze(number),
            66..=70 => self.nodes[number].kill(&self.shared),
            71..=73 => {
                let grace = Duration::from_secs([0, 1, 5][self.shared.below(3)]);
                self.nodes[number].stop(&self.shared, grace);
            }
            74..=81 => self.nodes[number].start(&self.shared),
            82..=94 => self.change_weather(number),
            95..=97 => lock(&self.shared.living).iter().for_each(|vitals| vitals.hint()),
            _ => self.register_anew(),
        }
    }

    /// The nodes that can be asked now.
    pub(super) fn doors(&self) -> Vec<Door> {
        let running = self.nodes.iter().filter_map(Node::running);
        running
            .map(|running| Door { vitals: running.vitals.clone(), engine: running.engine.clone() })
            .collect()
    }

    fn door(&self) -> Option<Door> {
        let mut doors = self.doors();
        (!doors.is_empty()).then(|| doors.swap_remove(self.shared.below(doors.len())))
    }

    fn submit(&mut self) {
        let doors = self.doors();
        if doors.is_empty() {
            return;
        }
        let request = self.request();
        clients::go(&self.shared, clients::submit(self.shared.clone(), doors, request));
    }

    /// Mostly a new request; sometimes one that was sent before.
    fn request(&mut self) -> TaskRequest {
        if self.shared.percent(10) && !self.requests.is_empty() {
            return self.requests[self.shared.below(self.requests.len())].clone();
        }
        let plan = self.plans[self.shared.below(self.plans.len())].clone();
        let definition = &plan.definition;
        let number = self.requests.len() as u64 + 1;
        let mut request = TaskRequest::new(definition.namespace.clone(), definition.name.clone());
        request.version = self.shared.percent(70).then(|| definition.version.clone());
        let skippable = definition.steps.iter().filter(|step| step.skippable && request.version.is_some());
        request.bypass_steps =
            skippable.filter(|_| self.shared.percent(20)).map(|step| step.name.to_string()).collect();
        request.context = Payload::from_stored(match self.shared.below(40) {
            0 => json!({ "text": UNSTORABLE }).to_string(),
            n => json!({ "order": n % 3 }).to_string(),
        });
        request.priority = self.shared.percent(20).then(|| self.shared.below(10) as u8);
        if self.shared.percent(10) {
            let after = self.shared.millis(0, 6_000);
            request.not_before = Some(at_once(self.shared.store.now()).plus(after));
        }
        if self.shared.percent(85) {
            let id = task_id(number);
            self.shared.story.christen(id.0, format!("t{number}"));
            lock(&self.shared.asked).insert(id, false);
            request.id = Some(id);
        }
        self.requests.push(request.clone());
        request
    }

    /// Another request under an id that is taken.
    fn usurp(&mut self) {
        let taken: Vec<TaskId> = lock(&self.shared.oracle).tasks().map(|(id, _)| id).collect();
        let (Some(door), false) = (self.door(), taken.is_empty()) else { return };
        let id = taken[self.shared.below(taken.len())];
        let definition = &self.plans[0].definition;
        let mut request = TaskRequest::new(definition.namespace.clone(), definition.name.clone());
        request.context = Payload::from_stored(r#"{"another":"request"}"#);
        request.id = Some(id);
        clients::go(&self.shared, clients::usurp(self.shared.clone(), door, request));
    }

    fn operate(&mut self) {
        let (Some(door), Some((task, plan))) = (self.door(), self.some_task()) else { return };
        let operation = clients::random_operation(&self.shared, &plan);
        clients::go(&self.shared, clients::operate(self.shared.clone(), door, task, operation));
    }

    fn watch(&mut self) {
        let (Some(door), Some((task, _))) = (self.door(), self.some_task()) else { return };
        clients::go(&self.shared, clients::watch(self.shared.clone(), door, task));
    }

    fn some_task(&self) -> Option<(TaskId, Arc<Plan>)> {
        let oracle = lock(&self.shared.oracle);
        let tasks: Vec<_> = oracle.tasks().map(|(id, seen)| (id, seen.detail.plan.clone())).collect();
        (!tasks.is_empty()).then(|| tasks[self.shared.below(tasks.len())].clone())
    }

    /// Stops a node for a while, often for longer than its lease.
    fn freeze(&mut self, number: usize) {
        let Some(running) = self.nodes[number].running() else { return };
        let (vitals, span) = (running.vitals.clone(), self.shared.millis(10, 16_000));
        if !vitals.turn(Life::Frozen) {
            return;
        }
        self.shared.count(|counts| counts.freezes += 1);
        self.shared.story.tell(&vitals.name, format_args!("freezes for {} ms", span.as_millis()));
        let shared = self.shared.clone();
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            if vitals.life() == Life::Frozen {
                shared.story.tell(&vitals.name, "goes on");
                vitals.turn(Life::Awake);
            }
        });
    }

    /// Of one node, or of all.
    fn change_weather(&mut self, number: usize) {
        let weather = WEATHERS[self.shared.below(WEATHERS.len())];
        let everywhere = self.shared.percent(25);
        for vitals in lock(&self.shared.living).iter() {
            let concerned = everywhere || vitals.name.starts_with(&format!("n{number}."));
            if concerned {
                self.shared.story.tell(&vitals.name, format_args!("weather: {}", weather.name));
                vitals.set_weather(weather);
            }
        }
    }

    fn register_anew(&mut self) {
        let name = WORKFLOWS[self.shared.below(WORKFLOWS.len())];
        self.register(name, &format!("1.{}.0", self.plans.len()));
    }

    fn register(&mut self, name: &str, number: &str) {
        let mut definition = random_definition(&mut self.shared.fork(), name);
        definition.version = version(number);
        for step in &mut definition.steps {
            step.timeout_seconds = [2, 5, 20, 60][self.shared.below(4)];
        }
        let plan = Plan::new(definition);
        let registration = Registration { plan: plan.clone(), replace: false };
        let registered = at_once(self.shared.store.register(registration));
        self.shared.story.tell("world", format_args!("{name} {number}: {registered:?}"));
        self.plans.push(plan);
    }

    /// The faults stop: every node runs, and nothing fails any more.
    pub(super) fn calm_down(&mut self) {
        self.shared.story.tell("world", "calm");
        self.shared.calm_down();
        for node in &mut self.nodes {
            if let Some(running) = node.running() {
                running.vitals.turn(Life::Awake);
            } else {
                node.start(&self.shared);
            }
        }
        for vitals in lock(&self.shared.living).iter() {
            vitals.turn(Life::Awake);
            vitals.set_weather(FAIR);
        }
        for _ in 0..2 {
            let (Some(door), Some((task, _))) = (self.door(), self.some_task()) else { continue };
            let cancel = tasker_engine::use_cases::Operation::CancelTask { force: false };
            clients::go(&self.shared, clients::operate(self.shared.clone(), door, task, cancel));
        }
    }
}
