//! Links between objects of external systems, and what a store says about itself.

use tasker_store::{ObjectRef, StoreError};

use crate::StoreUnderTest;
use crate::definitions::plan;
use crate::driver::{Driver, success};

fn object(system: &str, id: &str) -> ObjectRef {
    ObjectRef { system: system.into(), id: id.into() }
}

pub async fn dom_18_a_pair_is_found_in_either_order(store: StoreUnderTest) {
    let d = Driver::new(store);
    let (one, two) = (object("S1", "x"), object("S2", "y"));
    let link =
        async |a: &ObjectRef, b: &ObjectRef| d.store.link_objects(a.clone(), b.clone()).await.expect("link");
    let stored = link(&one, &two).await;
    assert_eq!(stored, (one.clone(), two.clone()), "the smaller one first");
    assert_eq!(link(&two, &one).await, stored);
    assert_eq!(link(&one, &two).await, stored);
    let other = link(&one, &object("S2", "z")).await;
    assert_ne!(other, stored, "one object may be linked to many");
    assert_ne!(link(&object("S1", "y"), &object("S2", "x")).await, stored, "ids belong to their systems");
}

pub async fn dom_18_a_pair_linked_at_once_in_both_orders_is_one(store: StoreUnderTest) {
    let d = Driver::new(store);
    let calls = (0..10).map(|n| {
        let (one, two) = (object("S1", "x"), object("S2", "y"));
        let (one, two) = if n % 2 == 0 { (one, two) } else { (two, one) };
        let store = d.store.clone();
        tokio::spawn(async move { store.link_objects(one, two).await.expect("link") })
    });
    let mut pairs = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        pairs.push(call.await.expect("the call ends"));
    }
    assert!(pairs.iter().all(|pair| *pair == pairs[0]), "{pairs:?}");
}

pub async fn an_object_has_an_id(store: StoreUnderTest) {
    let d = Driver::new(store);
    for id in ["", &"x".repeat(129)] {
        let answer = d.store.link_objects(object("S1", id), object("S2", "y")).await;
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
    }
    let longest = object("S1", &"ä".repeat(128));
    assert!(d.store.link_objects(longest, object("S2", "y")).await.is_ok());
}

pub async fn a_store_knows_its_schema_and_its_time(store: StoreUnderTest) {
    let d = Driver::new(store);
    let schema = d.store.schema().await.expect("schema");
    assert_eq!(schema.version, Some(schema.expected), "an open store has the schema of its program");
    assert!(["memory", "sqlite", "postgres"].contains(&schema.store));
    assert_eq!(d.store.now().await.expect("now"), d.clock.now());
    d.clock.advance_seconds(5);
    assert_eq!(d.store.now().await.expect("now"), d.clock.now());
    assert!(!d.store.patience().is_zero());
}

pub async fn a_healthy_store_has_no_findings(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.assert_sound().await;
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    for _ in 0..3 {
        d.start(&plan).await;
    }
    d.assert_sound().await;
    d.claim_as(d.worker, 2).await;
    d.assert_sound().await;
    d.drive(|_, _| success("1")).await;
    d.assert_sound().await;
}
