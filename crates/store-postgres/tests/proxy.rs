//! Everything works through a proxy that hands every transaction to another session: Debian's pgbouncer.

use std::time::Duration;

use tasker_store::StoreError;
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::plan;
use tasker_testkit::differential::{self, Side};
use tasker_testkit::driver::Driver;
use tasker_testkit::postgres::{Cluster, Durability, Proxy, Server};

async fn open(url: &str, clock: &TestClock) -> PostgresStore {
    let options = PostgresOptions {
        clock: Some(clock.source()),
        log_patience: Duration::from_secs(20),
        ..PostgresOptions::default()
    };
    PostgresStore::connect(url, options).await.unwrap()
}

/// Few sessions for many connections, so that no two transactions can count on the same one.
#[tokio::test]
async fn random_operations_through_a_proxy_have_the_same_effect() {
    let cluster = Cluster::start(Durability::None);
    let proxy = Proxy::before(&cluster, 3);
    for seed in 1..=3 {
        let database = Server::at(&cluster.url("postgres")).database().await;
        let name = database.url().split('?').next().and_then(|url| url.rsplit('/').next()).unwrap();
        let clock = TestClock::default();
        let store = open(&proxy.url(name), &clock).await;
        let reference = Side { name: "memory", under_test: StoreUnderTest::memory() };
        let proxied = Side { name: "proxied", under_test: StoreUnderTest::new(store, clock) };
        differential::run(seed, &[reference, proxied]).await;
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_named_is_found_out() {
    let cluster = Cluster::start(Durability::None);
    PostgresStore::migrate(&cluster.url("postgres")).await.unwrap();
    let proxy = Proxy::before(&cluster, 2);
    let url = proxy.url("postgres");
    let migrated = PostgresStore::migrate(&url).await.unwrap();
    assert_eq!(migrated.version, Some(migrated.expected));
    let d = Driver::new(StoreUnderTest::new(open(&url, &TestClock::default()).await, TestClock::default()));
    d.start(&plan("order", &[("a", &[])])).await;
    let not_named = url.replace("&pooled=true", "");
    let refused = PostgresStore::connect(&not_named, PostgresOptions::default()).await.err().unwrap();
    assert!(matches!(refused, StoreError::Schema(_) | StoreError::Unavailable { .. }), "{refused:?}");
}
