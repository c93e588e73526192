//! Requests for tasks: what is accepted reads the same after it was written, and means the same task each time; what
//! is refused says where.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use tasker_core::definition::{ContextSchema, LoadOptions, load};
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::TaskId;
use tasker_core::payload::DEFAULT_MAX_BYTES;
use tasker_core::plan::Plan;
use tasker_core::request::{Acceptance, RequestProblem, TaskRequest, submission};

use crate::{leads_somewhere, text};

/// The definition that tasks are asked for.
const DEFINITION: &str = r#"
name: ship
namespace_name: shop
version: 1.2.0
schema:
  type: object
  required: [order]
  properties:
    order: { type: integer, minimum: 1 }
    mail: { type: string, format: email }
    lines: { type: array, items: { type: object, properties: { n: { type: integer, default: 1 } } } }
    fast: { type: boolean, default: false }
step_templates:
  - { name: pack, handler: pack }
  - { name: gift, handler: gift, skippable: true, depends_on_step: pack }
  - { name: send, handler: send, depends_on_step: gift }
"#;

static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let loaded = load(DEFINITION, &LoadOptions::default());
    Plan::new(loaded.definition.unwrap_or_else(|| panic!("{:?}", loaded.problems)))
});

static SCHEMA: LazyLock<ContextSchema> = LazyLock::new(|| {
    let schema = ContextSchema::compile(&PLAN.definition).expect("the schema is valid");
    schema.expect("the definition has a schema")
});

/// Checks a request.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match TaskRequest::from_json(text) {
        Err(problems) => say_where(text, &problems),
        Ok(request) => {
            let written = serde_json::to_string(&request).expect("a request can be written");
            assert_eq!(TaskRequest::from_json(&written).as_ref(), Ok(&request), "{written}");
            is_checked_the_same_each_time(&written, request);
        }
    }
}

fn is_checked_the_same_each_time(written: &str, request: TaskRequest) {
    let identity = IdentityStrategy::Hash;
    let id = TaskId(uuid::Uuid::nil());
    let acceptance =
        Acceptance { schema: Some(&SCHEMA), id, identity: &identity, max_context_bytes: DEFAULT_MAX_BYTES };
    let again = submission(request.clone(), &PLAN, &acceptance);
    match (submission(request, &PLAN, &acceptance), again) {
        (Ok(one), Ok(other)) => {
            assert_eq!((one.content, &one.context), (other.content, &other.context));
            assert!(
                SCHEMA.check(one.context.to_value()).is_ok_and(|complete| complete == one.context.to_value())
            );
            assert!(one.bypass.iter().all(|step| PLAN.step(*step).skippable));
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            say_where(written, &one);
        }
        _ => panic!("accepted once and refused once"),
    }
}

fn say_where(text: &str, problems: &[RequestProblem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    for problem in problems {
        assert!(!problem.message.is_empty() && !problem.to_string().is_empty());
        let is_whole = problem.code == "invalid_json" && problem.pointer.is_empty();
        assert!(is_whole || leads_somewhere(&document, &problem.pointer), "{problem:?}");
    }
}
