//! A server for a test, and how it is asked.

use std::sync::Arc;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tasker_core::definition::Definition;
use tasker_core::plan::Plan;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_http::{Api, ApiOptions};
use tasker_store::Store;
use tasker_store::definitions::Registration;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::plan_with;
use tasker_testkit::driver::Driver;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::contract;

/// How the media type of an answer begins that has no end, so that it is left unread.
const STREAM: &[u8] = b"text/event-stream";

/// A server that runs, and a client.
pub struct Server {
    pub api: Api,
    pub engine: Engine,
    pub store: Arc<dyn Store>,
    clock: TestClock,
    address: String,
    client: Client,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Server {
    /// One with the definition `order`, steps `one` and `two`.
    pub async fn start() -> Self {
        Self::with(ApiOptions::default()).await
    }

    pub async fn with(options: ApiOptions) -> Self {
        Self::over(|store| store, options).await
    }

    /// One whose engine has these options.
    pub async fn with_engine(options: EngineOptions) -> Self {
        Self::made(StoreUnderTest::memory(), |store| store, Handlers::new(), options, ApiOptions::default())
            .await
    }

    /// One that has handlers of its own.
    pub async fn serving(handlers: Handlers) -> Self {
        let options = (EngineOptions::default(), ApiOptions::default());
        Self::made(StoreUnderTest::memory(), |store| store, handlers, options.0, options.1).await
    }

    /// One over a store that stands before the memory store.
    pub async fn over(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>, options: ApiOptions) -> Self {
        Self::made(StoreUnderTest::memory(), wrap, Handlers::new(), EngineOptions::default(), options).await
    }

    /// Another one over the store of this one.
    pub async fn beside(&self, options: ApiOptions) -> Self {
        let under_test = StoreUnderTest { store: self.store.clone(), clock: self.clock.clone(), keep: None };
        Self::made(under_test, |store| store, Handlers::new(), EngineOptions::default(), options).await
    }

    async fn made(
        under_test: StoreUnderTest,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        handlers: Handlers,
        engine: EngineOptions,
        options: ApiOptions,
    ) -> Self {
        let StoreUnderTest { store, clock, .. } = under_test;
        let store = wrap(store);
        let engine = Engine::new(store.clone(), handlers, engine);
        // What is served by itself, whatever this server is to be like: it may be too busy to say.
        contract::learn(Api::new(engine.clone(), ApiOptions::default()).expect("the defaults").router())
            .await;
        let api = Api::new(engine.clone(), options).expect("options that can be used");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn({
            let (api, stop) = (api.clone(), stop.clone());
            async move { api.serve(listener, stop).await }
        });
        // The client wants one, though nothing here is encrypted. A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().expect("a client");
        let server = Self { api, engine, store, clock, address, client, stop, serving };
        server.register("order", |_| {}).await;
        server
    }

    /// Stores a definition with the steps `one` and `two`, one after the other.
    pub async fn register(&self, name: &str, change: impl FnOnce(&mut Definition)) -> Arc<Plan> {
        let plan = plan_with(name, &[("one", &[]), ("two", &["one"])], change);
        self.store.register(Registration { plan: plan.clone(), replace: false }).await.expect("register");
        plan
    }

    /// What a worker would do, one step after the other.
    pub fn driver(&self) -> Driver {
        Driver::new(StoreUnderTest { store: self.store.clone(), clock: self.clock.clone(), keep: None })
    }

    /// Lets time pass for tasks.
    pub fn advance_seconds(&self, seconds: u64) {
        self.clock.advance_seconds(seconds);
    }

    /// Where it listens.
    pub fn socket_address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// A request to be completed; the path begins below the base path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/tasker{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Asks for a task of `order`; answers with its id.
    pub async fn task(&self) -> String {
        let created = self.post("/tasks", &serde_json::json!({"name": "order", "context": {}})).await;
        created.expect(201).body["task"]["task_id"].as_str().expect("an id").to_owned()
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.await.expect("it does not panic").expect("it ends well");
    }
}

/// Sends a request. What comes back must be as described (spec/api.md, 131).
pub async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let is_endless = headers.get("content-type").is_some_and(|media| media.as_bytes().starts_with(STREAM));
    let text = if is_endless { String::new() } else { response.text().await.expect("a body") };
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let answer = Answer { status, headers, body };
    contract::check(&method, &path, &answer);
    answer
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self
    }

    /// That it is a problem with this code, as all problems are.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.body["code"], code, "{:#}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json; charset=utf-8");
        assert_eq!(answer.body["type"], format!("urn:tasker:problem:{}", code.to_lowercase()));
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        answer
    }

    /// Where something is wrong: pointers and parameters.
    pub fn places(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|entry| entry["pointer"].as_str().or(entry["parameter"].as_str())).collect()
    }

    #[track_caller]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("text")
    }
}
