//! A small shop on a loopback port: the outside world of the demo.
//!
//! Its answers look like the real world's (busy, broken, slow, an answer that got lost, a refusal for good) and yet
//! depend on the seed alone, so two runs with one seed see the same.

mod fate;
mod mail;
mod payment;
mod shipping;
mod stock;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use fate::{Answer, Fates};
use payment::Ledger;

/// The shop's desks, one per kind of call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Desk {
    /// Takes orders in.
    Reception,
    /// Reserves goods.
    Stock,
    /// Checks for fraud.
    Fraud,
    /// Charges cards.
    Payment,
    /// Books parcels.
    Shipping,
    /// Prints labels.
    Label,
    /// Sends mail.
    Mail,
    /// Closes orders.
    Books,
}

/// What the shop remembers.
struct Shop {
    fates: Fates,
    calls: Mutex<HashMap<(Desk, u32), u32>>,
    ledger: Ledger,
}

/// A shop that is open for calls until it is dropped.
pub struct OpenShop {
    shop: Arc<Shop>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What the shop can say when all is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Takings {
    /// Orders that were charged.
    pub charged: usize,
    /// Orders that were charged more than once.
    pub charged_twice: usize,
    /// Charges that were asked for again with the same key and were answered without charging.
    pub repeats: usize,
}

/// The part of every call that says which order it is about.
#[derive(Deserialize)]
struct OrderCall {
    order: u32,
}

impl OpenShop {
    /// Opens a shop at an address (port 0 is a free one) for orders `1..=orders`.
    pub async fn open(address: SocketAddr, seed: u64, orders: u32) -> io::Result<Self> {
        let shop = Arc::new(Shop::new(seed, orders));
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = router().with_state(Arc::clone(&shop));
        let server = tokio::spawn(async move {
            // axum's server ends only with the runtime or by `abort`: errors of single connections are its own.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shop, address, server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happened so far.
    pub fn takings(&self) -> Takings {
        self.shop.ledger.takings()
    }
}

impl Drop for OpenShop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shop {
    fn new(seed: u64, orders: u32) -> Self {
        Self { fates: Fates::new(seed, orders), calls: Mutex::default(), ledger: Ledger::default() }
    }

    /// Answers one call: as fate wills, with what `work` makes.
    async fn answer(&self, desk: Desk, order: u32, work: impl FnOnce(&Self) -> Value + Send) -> Response {
        let call = self.count_call(desk, order);
        let fate = self.fates.of(desk, order, call);
        tokio::time::sleep(fate.delay).await;
        match fate.answer {
            Answer::Done => Json(work(self)).into_response(),
            Answer::Lost => {
                work(self);
                problem(StatusCode::INTERNAL_SERVER_ERROR, "the work was done, but the answer got lost")
            }
            Answer::Broken => problem(StatusCode::INTERNAL_SERVER_ERROR, "something broke"),
            Answer::Busy => later(StatusCode::SERVICE_UNAVAILABLE, "busy, come back in a second"),
            Answer::TooMany => later(StatusCode::TOO_MANY_REQUESTS, "too many calls, come back in a second"),
            Answer::Refused => problem(StatusCode::UNPROCESSABLE_ENTITY, "the bank refuses this card"),
        }
    }

    fn count_call(&self, desk: Desk, order: u32) -> u32 {
        let mut calls = self.calls.lock().expect("no holder of this lock panics");
        let count = calls.entry((desk, order)).or_default();
        *count += 1;
        *count
    }
}

fn router() -> Router<Arc<Shop>> {
    Router::new()
        .merge(stock::routes())
        .merge(payment::routes())
        .merge(shipping::routes())
        .merge(mail::routes())
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

fn later(status: StatusCode, message: &str) -> Response {
    (status, [(RETRY_AFTER, "1")], Json(json!({ "error": message }))).into_response()
}
