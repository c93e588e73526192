//! Counting everything: once, however many ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_store::analytics::Census;
use tasker_store::wrapper::Wrapper;
use tasker_store::{Store, StoreError};
use tasker_testkit::StoreUnderTest;
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(3_600);

/// A store that counts when it is let, and how often.
struct Gated {
    inner: Arc<dyn Store>,
    gate: Arc<Semaphore>,
    counted: Arc<AtomicUsize>,
}

#[async_trait]
impl Wrapper for Gated {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn census_through(&self) -> Result<Census, StoreError> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.expect("the gate is never closed").forget();
        self.inner.census().await
    }
}

/// An engine, what lets its store count, and how often it did.
fn gated() -> (Engine, Arc<Semaphore>, Arc<AtomicUsize>) {
    let StoreUnderTest { store: inner, .. } = StoreUnderTest::memory();
    let (gate, counted) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let store = Gated { inner, gate: gate.clone(), counted: counted.clone() };
    (Engine::new(Arc::new(store), Handlers::new(), EngineOptions::default()), gate, counted)
}

#[tokio::test]
async fn whoever_asks_while_it_is_counted_gets_the_same() {
    let (engine, gate, counted) = gated();
    let asking = futures::future::join_all((0..50).map(|_| engine.counted(LONG)));
    gate.add_permits(1);
    let told: Vec<_> = asking.await.into_iter().map(Result::unwrap).collect();
    assert!(told.iter().all(|one| Arc::ptr_eq(one, &told[0])));
    assert_eq!(counted.load(Ordering::SeqCst), 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn what_nobody_waited_for_was_counted_all_the_same() {
    let (engine, gate, counted) = gated();
    let impatient = tokio::spawn({
        let engine = engine.clone();
        async move { engine.counted(LONG).await }
    });
    while counted.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    engine.counted(LONG).await.unwrap();
    assert_eq!(counted.load(Ordering::SeqCst), 1);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn counting_takes_a_small_share_of_the_time() {
    let (engine, gate, counted) = gated();
    let ask = || engine.counted(Duration::ZERO);
    tokio::join!(async { ask().await.unwrap() }, async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.add_permits(2);
    });
    tokio::time::advance(Duration::from_secs(19)).await;
    ask().await.unwrap();
    assert_eq!(counted.load(Ordering::SeqCst), 1, "it took a second");
    tokio::time::advance(Duration::from_secs(2)).await;
    ask().await.unwrap();
    assert_eq!(counted.load(Ordering::SeqCst), 2);
    engine.shutdown().await;
}
