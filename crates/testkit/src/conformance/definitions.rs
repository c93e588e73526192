//! Definitions and namespaces in a store.

use std::sync::Arc;

use tasker_core::plan::Plan;
use tasker_core::state::TaskState;
use tasker_store::StoreError;
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use tasker_store::write::SubmitAnswer;

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan, plan_with, version};
use crate::driver::Driver;

const A: &[(&str, &[&str])] = &[("a", &[])];
const AB: &[(&str, &[&str])] = &[("a", &[]), ("b", &["a"])];

fn at_version(text: &str) -> Arc<Plan> {
    plan_with("order", A, |x| x.version = version(text))
}

fn selector(plan: &Plan, text: Option<&str>) -> Selector {
    let definition = &plan.definition;
    Selector {
        namespace: definition.namespace.clone(),
        name: definition.name.clone(),
        version: text.map(version),
    }
}

async fn resolve(d: &Driver, plan: &Plan, text: Option<&str>) -> Resolved {
    d.store.resolve(selector(plan, text)).await.expect("resolve")
}

/// The version that a request gets.
async fn resolved(d: &Driver, plan: &Plan, text: Option<&str>) -> String {
    match resolve(d, plan, text).await {
        Resolved::Found { plan, .. } => plan.definition.version.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn replace(d: &Driver, plan: &Arc<Plan>) -> Registered {
    d.store.register(Registration { plan: plan.clone(), replace: true }).await.expect("register")
}

pub async fn dom_1_registering_creates_the_namespace(store: StoreUnderTest) {
    let d = Driver::new(store);
    let in_payments = |name: &str| plan_with(name, A, |x| x.namespace = namespace("payments"));
    let plan = in_payments("charge");
    assert!(matches!(resolve(&d, &plan, None).await, Resolved::NoNamespace));
    assert!(!d.store.namespaces().await.expect("list").contains(&"payments".to_owned()));
    d.start(&plan).await;
    d.start(&in_payments("refund")).await;
    let namespaces = d.store.namespaces().await.expect("list");
    assert_eq!(namespaces.iter().filter(|name| *name == "payments").count(), 1);
}

pub async fn dom_2_9_only_registered_versions_are_found(store: StoreUnderTest) {
    let d = Driver::new(store);
    let one = at_version("1.0.0");
    d.register(&one).await;
    match resolve(&d, &one, Some("0.1.0")).await {
        Resolved::NoVersion { versions } => assert_eq!(versions, [version("1.0.0")]),
        other => panic!("{other:?}"),
    }
    d.register(&at_version("0.1.0")).await;
    assert_eq!(resolved(&d, &one, Some("0.1.0")).await, "0.1.0");
    assert_eq!(at_version("0.1.0").definition.full_name(), "default.order@0.1.0");
}

pub async fn dom_3_five_registrations_at_once_make_one_namespace(store: StoreUnderTest) {
    let d = Driver::new(store);
    let calls = (0..5).map(|n| {
        let plan = plan_with(&format!("order{n}"), A, |x| x.namespace = namespace("race"));
        let store = d.store.clone();
        tokio::spawn(
            async move { store.register(Registration { plan, replace: false }).await.expect("register") },
        )
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.expect("the call ends"), Registered::Created);
    }
    let namespaces = d.store.namespaces().await.expect("list");
    assert_eq!(namespaces.iter().filter(|name| *name == "race").count(), 1);
    assert_eq!(d.store.definitions(Some("race")).await.expect("list").len(), 5);
}

pub async fn dom_4_namespaces_differ_in_case(store: StoreUnderTest) {
    let d = Driver::new(store);
    for name in ["payments", "Payments", "payments"] {
        d.register(&plan_with("charge", A, |x| x.namespace = namespace(name))).await;
    }
    let mut namespaces = d.store.namespaces().await.expect("list");
    assert!(namespaces.is_sorted());
    namespaces.retain(|name| name.eq_ignore_ascii_case("payments"));
    assert_eq!(namespaces, ["Payments", "payments"]);
}

pub async fn dom_7_one_name_may_stand_in_two_namespaces(store: StoreUnderTest) {
    let d = Driver::new(store);
    let payments = plan_with("process_order", A, |x| x.namespace = namespace("payments"));
    let inventory = plan_with("process_order", AB, |x| x.namespace = namespace("inventory"));
    d.register(&payments).await;
    d.register(&inventory).await;
    for plan in [&payments, &inventory] {
        match resolve(&d, plan, None).await {
            Resolved::Found { plan: found, .. } => assert_eq!(found.digest, plan.digest),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn dom_8_as_32_each_task_runs_its_own_version(store: StoreUnderTest) {
    let d = Driver::new(store);
    let one = at_version("1.0.0");
    let two = plan_with("order", AB, |x| x.version = version("2.0.0"));
    let (first, second) = (d.start(&one).await, d.start(&two).await);
    assert_eq!((d.steps(first).await.len(), d.steps(second).await.len()), (1, 2));
    for work in d.claim().await {
        let expected = if work.claim.task == first { one.digest } else { two.digest };
        assert_eq!(work.plan.digest, expected);
    }
}

pub async fn dom_10_as_33_without_version_the_latest_is_meant(store: StoreUnderTest) {
    let d = Driver::new(store);
    for (register, expected) in [
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        ("2.0.0-rc.2", "2.0.0-rc.2"),
        ("0.9.0", "0.9.0"),
        ("0.10.0", "0.10.0"),
        ("9.0.0", "9.0.0"),
        ("10.0.0", "10.0.0"),
        ("10.1.0-rc.1", "10.0.0"),
    ] {
        let plan = at_version(register);
        d.register(&plan).await;
        assert_eq!(resolved(&d, &plan, None).await, expected, "after {register}");
    }
}

pub async fn dom_11_as_35_as_37_other_content_needs_permission(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (old, new) = (plan("order", A), plan("order", AB));
    assert_eq!(d.register(&old).await, Registered::Created);
    assert_eq!(d.register(&old).await, Registered::Unchanged);
    assert_eq!(replace(&d, &old).await, Registered::Unchanged);
    assert_eq!(d.register(&new).await, Registered::ContentChanged);
    let found = async || match resolve(&d, &old, None).await {
        Resolved::Found { plan, .. } => plan.digest,
        other => panic!("{other:?}"),
    };
    assert_eq!(found().await, old.digest);
    let running = d.start(&old).await;
    d.clock.advance_seconds(1);
    assert_eq!(replace(&d, &new).await, Registered::Replaced);
    assert_eq!(found().await, new.digest);
    assert_eq!(d.submit(d.request(&old)).await, SubmitAnswer::NotLatest, "resolve again");
    assert_eq!(d.store.definitions(None).await.expect("list").len(), 1);
    assert_eq!(d.store.task(running).await.expect("read").expect("exists").plan.digest, old.digest);
    assert_eq!(replace(&d, &old).await, Registered::Replaced, "and back");
    assert_eq!(found().await, old.digest);
}

pub async fn dom_13_a_namespace_in_use_stays(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.register(&plan_with("charge", A, |x| x.namespace = namespace("payments"))).await;
    let before = d.store.namespaces().await.expect("list");
    match d.store.delete_namespace("payments").await {
        Err(StoreError::Refused(rejection)) => assert_eq!(rejection.code, "in_use"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(d.store.delete_namespace("nobody").await, Err(StoreError::Refused(_))));
    assert_eq!(d.store.namespaces().await.expect("list"), before);
}

pub async fn as_34_what_is_not_there_is_told_with_what_is(store: StoreUnderTest) {
    let d = Driver::new(store);
    for text in ["2.0.0", "1.0.0", "10.0.0"] {
        d.register(&at_version(text)).await;
    }
    d.register(&plan("b/refund", A)).await;
    match resolve(&d, &at_version("1.0.0"), Some("3.0.0")).await {
        Resolved::NoVersion { versions } => {
            assert_eq!(versions, [version("1.0.0"), version("2.0.0"), version("10.0.0")]);
        }
        other => panic!("{other:?}"),
    }
    match resolve(&d, &plan("ghost", A), None).await {
        Resolved::NoName { names } => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["b/refund", "order"]);
        }
        other => panic!("{other:?}"),
    }
}

pub async fn as_36_a_task_keeps_its_steps(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", A)).await;
    replace(&d, &plan("order", AB)).await;
    assert_eq!(d.steps(id).await.len(), 1);
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    assert_eq!(d.summary(id).await, "complete: a complete");
    d.assert_sound().await;
}

pub async fn as_39_a_retired_version_takes_no_new_tasks(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (one, two) = (at_version("1.0.0"), at_version("2.0.0"));
    d.register(&one).await;
    let running = d.start(&two).await;
    let retire =
        async |text, retired| d.store.retire(selector(&one, Some(text)), retired).await.expect("retire");
    assert!(retire("2.0.0", true).await);
    assert!(!retire("3.0.0", true).await, "no such version");
    assert_eq!(resolved(&d, &one, None).await, "1.0.0");
    assert!(matches!(resolve(&d, &one, Some("2.0.0")).await, Resolved::Found { retired: true, .. }));
    assert!(matches!(d.submit(d.request(&two)).await, SubmitAnswer::Refused(_)));
    let mut latest = d.request(&two);
    latest.latest = true;
    assert_eq!(d.submit(latest).await, SubmitAnswer::NotLatest);
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    assert_eq!(d.state(running).await, TaskState::Complete, "running tasks go on");
    assert!(retire("1.0.0", true).await);
    match resolve(&d, &one, None).await {
        Resolved::NoVersion { versions } => assert_eq!(versions, [version("1.0.0"), version("2.0.0")]),
        other => panic!("{other:?}"),
    }
    assert!(retire("2.0.0", false).await);
    assert_eq!(resolved(&d, &one, None).await, "2.0.0");
}

pub async fn definitions_are_listed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let in_shop = plan_with("order", AB, |x| {
        x.namespace = namespace("shop");
        x.description = Some("sells".into());
        x.deprecated = true;
    });
    for plan in [&in_shop, &at_version("10.0.0"), &at_version("9.0.0"), &plan("b", A)] {
        d.register(plan).await;
    }
    let rows = d.store.definitions(None).await.expect("list");
    let keys: Vec<_> =
        rows.iter().map(|row| format!("{}.{}@{}", row.namespace, row.name, row.version)).collect();
    assert_eq!(keys, ["default.b@1.0.0", "default.order@9.0.0", "default.order@10.0.0", "shop.order@1.0.0"]);
    let expected = DefinitionRow {
        namespace: namespace("shop"),
        name: in_shop.definition.name.clone(),
        version: version("1.0.0"),
        description: Some("sells".into()),
        steps: 2,
        digest: in_shop.digest.to_string(),
        deprecated: true,
        retired: false,
        registered_at: d.clock.now(),
    };
    assert_eq!(d.store.definitions(Some("shop")).await.expect("list"), [expected]);
    assert_eq!(d.store.definitions(Some("nobody")).await.expect("list"), []);
}

pub async fn a_plan_comes_back_as_it_was_registered(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", AB, |x| {
        x.schema =
            Some(serde_json::json!({"type": "object", "properties": {"z": {}, "a": {"default": 1.5}}}));
        x.steps[0].handler_config = serde_json::json!({"url": "${URL}/x", "n": [1, -2, 0.1, 1e300]});
        x.extensions = serde_json::json!({"x-owner": "ä"});
    });
    assert!(d.store.plan(plan.digest).await.expect("read").is_none());
    d.register(&plan).await;
    let found = d.store.plan(plan.digest).await.expect("read").expect("it is registered");
    assert_eq!((found.digest, found.definition.digest()), (plan.digest, plan.digest));
    assert_eq!(found.definition.document(), plan.definition.document());
    assert_eq!(found.graph, plan.graph);
}
