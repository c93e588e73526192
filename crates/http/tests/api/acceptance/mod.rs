//! The acceptance scenarios of `spec/api.md` 11.1 to 11.3 that no other test here has: each test has their numbers in its
//! name. As there, authentication and authorization are on, and `payments.process_payment@1.0.0` is registered.

mod change;
mod create;
mod read;
mod steps;

use reqwest::Method;
use serde_json::{Value, json};
use tasker_core::outcome::{Failure, Outcome};
use tasker_testkit::driver::{Driver, success};

use crate::roles::believing;
use crate::server::{Answer, Server, answer};

const ADMIN: &str = "=ada admin";
const OPERATOR: &str = "=olga operator";
const VIEWER: &str = "=vera viewer";

/// `validate`, then `charge`, then `update` and `notify`.
const PAYMENT: &str = r#"
name: process_payment
namespace_name: payments
version: VERSION
STRICT
schema:
  type: object
  required: [payment_id]
  properties:
    payment_id: { type: integer }
    currency: { type: string, default: USD }
step_templates:
  - { name: validate, handler: work }
  - { name: charge, handler: work, depends_on_step: validate }
  - { name: update, handler: work, depends_on_step: charge }
  - { name: notify, handler: work, depends_on_step: charge, skippable: true }
"#;

/// A server with the definition, and what callers do there.
struct World {
    server: Server,
}

impl World {
    async fn new() -> Self {
        let world = Self { server: Server::with(believing()).await };
        world.register("1.0.0", "").await;
        world
    }

    /// Registers a version of the definition, with a line of its own.
    async fn register(&self, version: &str, line: &str) {
        let text = PAYMENT.replace("VERSION", version).replace("STRICT", line);
        let request = self.server.request(Method::POST, "/definitions").header("x-claims", ADMIN);
        answer(request.header("content-type", "application/yaml").body(text)).await.expect(201);
    }

    async fn ask(&self, who: &str, method: Method, path: &str, body: Value) -> Answer {
        answer(self.server.request(method, path).header("x-claims", who).json(&body)).await
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        self.server.get_as(who, path).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(OPERATOR, Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(OPERATOR, Method::PATCH, path, body).await
    }

    async fn delete(&self, who: &str, path: &str) -> Answer {
        answer(self.server.request(Method::DELETE, path).header("x-claims", who)).await
    }

    /// Asks for a task of the definition; answers with its path.
    async fn task(&self) -> String {
        let created = self.post("/tasks", payment(json!({"payment_id": 1}))).await.expect(201);
        format!("/tasks/{}", created.body["task"]["task_id"].as_str().expect("an id"))
    }

    /// A task as a viewer sees it.
    async fn shown(&self, path: &str) -> Value {
        self.get(VIEWER, path).await.expect(200).body["task"].clone()
    }

    /// The states of the steps of a task, in their order.
    async fn states(&self, path: &str) -> Vec<String> {
        let task = self.shown(path).await;
        let steps = task["steps"].as_array().expect("steps");
        steps.iter().map(|step| step["status"].as_str().expect("a state").to_owned()).collect()
    }

    /// How many tasks there are.
    async fn count(&self) -> u64 {
        let list = self.get(ADMIN, "/tasks?include_total=true").await.expect(200);
        list.body["pagination"]["total_count"].as_u64().expect("a number")
    }

    fn driver(&self) -> Driver {
        self.server.driver()
    }

    /// Works until nothing is left to do.
    async fn work(&self) {
        self.driver().drive(|_, _| success("{}")).await;
    }

    /// Works; a step fails whenever it is executed.
    async fn work_but(&self, failing: &str) {
        self.driver().drive(|step, _| if step == failing { failure() } else { success("{}") }).await;
    }
}

/// A request for a task of the definition.
fn payment(context: Value) -> Value {
    json!({"name": "process_payment", "namespace": "payments", "version": "1.0.0", "context": context})
}

/// A request with some of its members replaced.
fn with(mut request: Value, members: Value) -> Value {
    let (Some(request_members), Value::Object(members)) = (request.as_object_mut(), members) else {
        panic!("objects")
    };
    request_members.extend(members);
    request
}

/// An outcome after which a step may be tried again.
fn failure() -> Outcome {
    Outcome::Failure(Failure::retryable("Broken", "broken", "it broke"))
}
