//! From a definition's text and a request's JSON to stored rows (`spec/domain.md` 14.1 and 14.2).

use std::sync::Arc;

use tasker_core::decide::Submission;
use tasker_core::definition::{self, ContextSchema, Definition, LoadOptions};
use tasker_core::identity::IdentityStrategy;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::DEFAULT_MAX_BYTES;
use tasker_core::plan::Plan;
use tasker_core::request::{self, Acceptance, RequestProblem, TaskRequest};
use tasker_core::state::{StepState, TaskState};
use tasker_store::read::TaskFilter;

use crate::StoreUnderTest;
use crate::definitions::plan;
use crate::driver::Driver;

/// Loads a definition, or says with which codes it is refused.
fn load(yaml: &str) -> Result<Definition, Vec<&'static str>> {
    let loaded = definition::load(yaml, &LoadOptions::default());
    let codes = loaded.problems.iter().map(|problem| problem.code).collect();
    loaded.definition.ok_or(codes)
}

/// Checks a request as an engine does before it calls the store.
fn check(d: &Driver, plan: &Arc<Plan>, json: &str) -> Result<Submission, Vec<RequestProblem>> {
    let schema = ContextSchema::compile(&plan.definition).expect("the schema was checked");
    let acceptance = Acceptance {
        schema: schema.as_ref(),
        id: d.new_id(),
        identity: &IdentityStrategy::Default,
        max_context_bytes: DEFAULT_MAX_BYTES,
    };
    request::submission(TaskRequest::from_json(json)?, plan, &acceptance)
}

pub async fn dom_12_a_refused_definition_leaves_nothing_behind(store: StoreUnderTest) {
    let d = Driver::new(store);
    let before = d.store.namespaces().await.expect("list");
    let refused = load(
        "name: order\nnamespace_name: shop\ncustom_events:\n  - name: step.mine\n\
         step_templates:\n  - name: a\n    handler: work\n",
    );
    assert!(!refused.expect_err("the name of the event is taken").is_empty());
    assert_eq!(d.store.namespaces().await.expect("list"), before);
    assert_eq!(d.store.definitions(None).await.expect("list"), []);
}

pub async fn dom_21_a_default_of_the_schema_is_stored(store: StoreUnderTest) {
    let d = Driver::new(store);
    let definition = load(
        "name: lend\nschema:\n  type: object\n  required: [artifact]\n  properties:\n    artifact: {type: integer}\n    \
         days: {type: integer, default: 90}\n    note: {type: string}\n\
         step_templates:\n  - name: a\n    handler: work\n",
    );
    let plan = Plan::new(definition.expect("the definition is valid"));
    d.register(&plan).await;
    let submission =
        check(&d, &plan, r#"{"name":"lend","context":{"artifact":7}}"#).expect("days and note are optional");
    let id = submission.id;
    d.submit(submission).await;
    let stored = d.store.task(id).await.expect("read").expect("exists").input.context.to_value();
    assert_eq!(stored, serde_json::json!({"artifact": 7, "days": 90}));
}

pub async fn dom_20_23_a_request_is_checked_and_completed_first(store: StoreUnderTest) {
    let d = Driver::new(store);
    let definition = load(
        "name: dummy\nschema:\n  type: object\n  required: [dummy]\n  properties:\n    dummy: {type: boolean}\n\
         step_templates:\n  - name: a\n    handler: work\n",
    );
    let plan = Plan::new(definition.expect("the definition is valid"));
    d.register(&plan).await;
    let problems = check(&d, &plan, r#"{"name":"dummy","context":{"bad_param":true,"dummy":12}}"#)
        .expect_err("dummy is no boolean");
    assert_eq!((problems[0].code, problems[0].pointer.as_str()), ("schema", "/context/dummy"));
    let page = d.store.tasks(TaskFilter { limit: 9, ..TaskFilter::default() }).await.expect("list");
    assert!(page.tasks.is_empty());
    let submission =
        check(&d, &plan, r#"{"name":"dummy","context":{"dummy":true}}"#).expect("it is complete");
    let id = submission.id;
    d.submit(submission).await;
    let input = d.store.task(id).await.expect("read").expect("exists").input;
    assert_eq!(
        (input.initiator.as_str(), input.source_system.as_str(), input.reason.as_str()),
        ("unknown", "unknown", "unknown")
    );
    assert!(input.tags.is_empty() && input.bypass_steps.is_empty());
}

pub async fn dom_33_cycles_are_refused_and_second_paths_are_not(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps = |edges: &[(&str, &str)]| {
        let lines = edges.iter().map(|(step, parents)| {
            format!("  - name: {step}\n    handler: work\n    depends_on_steps: [{parents}]\n")
        });
        format!("name: order\nstep_templates:\n{}", lines.collect::<String>())
    };
    for cycle in [&[("a", "b"), ("b", "a")][..], &[("a", "c"), ("b", "a"), ("c", "b")]] {
        assert_eq!(load(&steps(cycle)).expect_err("a cycle"), ["dependency_cycle"]);
    }
    assert_eq!(d.store.definitions(None).await.expect("list"), []);
    let two_paths = load(&steps(&[("a", ""), ("b", "a"), ("c", "a, b")])).expect("no cycle");
    let id = d.start(&Plan::new(two_paths)).await;
    assert_eq!(d.step(id, "c").await.record.waits, 2);
}

pub async fn dom_94_whatever_a_step_has_seen_it_can_fail(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let list = serde_json::json!([1, [2], {"three": 3}]);
    let claim = d.claim_one("a").await;
    let failure = Failure::permanent("Refused", "refused", "no").with_context(list.clone());
    d.settle(&claim, Outcome::Failure(failure)).await;
    let step = d.step(id, "a").await;
    assert_eq!((step.record.state, d.state(id).await), (StepState::Error, TaskState::Error));
    assert_eq!(step.error.expect("it says why").context, Some(list));
    assert_eq!(step.results, None);
}
