//! A server for a test, and a client of it.

use std::sync::Arc;

use tasker_client::Client;
use tasker_client::request::CreateTaskRequest;
use tasker_core::definition::Definition;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_http::{Api, ApiOptions};
use tasker_store::Store;
use tasker_store::definitions::Registration;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::plan_with;
use tasker_wire::TaskDocument;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that runs, and a client of it.
pub struct Server {
    pub client: Client,
    store: Arc<dyn Store>,
    address: String,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// One with the definition `order`, steps `one` and `two`, the second after the first.
    pub async fn start() -> Self {
        let StoreUnderTest { store, .. } = StoreUnderTest::memory();
        let server = Self::at("127.0.0.1:0", store).await;
        server.register("order", |_| {}).await;
        server
    }

    /// Stops it, and starts one in its place over the same store.
    pub async fn restart(self) -> Self {
        let (address, store) = (self.address.clone(), self.store.clone());
        self.stop().await;
        Self::at(&address, store).await
    }

    async fn at(address: &str, store: Arc<dyn Store>) -> Self {
        let engine = Engine::new(store.clone(), Handlers::new(), EngineOptions::default());
        let api = Api::new(engine, ApiOptions::default()).expect("options that can be used");
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let stop = CancellationToken::new();
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { api.serve(listener, stop).await }
        });
        let client = Client::builder(&format!("http://{address}")).build().expect("a client");
        Self { client, store, address, stop, serving }
    }

    /// Stores a definition with the steps `one` and `two`.
    pub async fn register(&self, name: &str, change: impl FnOnce(&mut Definition)) {
        let plan = plan_with(name, &[("one", &[]), ("two", &["one"])], change);
        self.store.register(Registration { plan, replace: false }).await.expect("register");
    }

    /// A task of `order`.
    pub async fn task(&self) -> TaskDocument {
        self.client.create_task(order()).await.expect("a task").task
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.await.expect("it does not panic").expect("it ends well");
    }
}

/// A request for a task of `order`.
pub fn order() -> CreateTaskRequest {
    let context = serde_json::json!({"id": 7});
    CreateTaskRequest { name: "order".into(), context, ..CreateTaskRequest::default() }
}
