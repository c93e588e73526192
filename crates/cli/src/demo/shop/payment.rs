//! The desks that deal with money: the fraud check, and the till with its ledger.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Desk, OrderCall, Shop, Takings, problem};

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new().route("/fraud-checks", post(check_fraud)).route("/payments", post(charge))
}

/// Every charge there was, and which idempotency key made it.
#[derive(Default)]
pub(super) struct Ledger {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    by_key: HashMap<String, Charge>,
    by_order: HashMap<u32, usize>,
    repeats: usize,
}

#[derive(Clone)]
struct Charge {
    number: usize,
    cents: u64,
}

#[derive(Deserialize)]
struct Payment {
    order: u32,
    cents: u64,
}

async fn check_fraud(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Fraud, call.order, |_| json!({ "risk": call.order % 10 })).await
}

async fn charge(State(shop): State<Arc<Shop>>, headers: HeaderMap, Json(call): Json<Payment>) -> Response {
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned)
    else {
        return problem(StatusCode::BAD_REQUEST, "a payment needs an Idempotency-Key");
    };
    shop.answer(Desk::Payment, call.order, move |shop| shop.ledger.charge(key, &call)).await
}

impl Ledger {
    /// Charges once per key, however often it is asked.
    fn charge(&self, key: String, payment: &Payment) -> Value {
        let mut book = self.book.lock().expect("no holder of this lock panics");
        let charge = book.charge(key, payment);
        json!({ "charge": format!("ch_{:05}", charge.number), "cents": charge.cents })
    }

    pub(super) fn takings(&self) -> Takings {
        let book = self.book.lock().expect("no holder of this lock panics");
        Takings {
            charged: book.by_order.len(),
            charged_twice: book.by_order.values().filter(|charges| **charges > 1).count(),
            repeats: book.repeats,
        }
    }
}

impl Book {
    fn charge(&mut self, key: String, payment: &Payment) -> Charge {
        if let Some(charge) = self.by_key.get(&key) {
            self.repeats += 1;
            return charge.clone();
        }
        let charge = Charge { number: self.by_key.len() + 1, cents: payment.cents };
        self.by_key.insert(key, charge.clone());
        *self.by_order.entry(payment.order).or_default() += 1;
        charge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_is_answered_without_charging() {
        let ledger = Ledger::default();
        let payment = Payment { order: 7, cents: 1200 };
        let first = ledger.charge("key".to_owned(), &payment);
        assert_eq!(first, json!({ "charge": "ch_00001", "cents": 1200 }));
        assert_eq!(ledger.charge("key".to_owned(), &payment), first);
        let takings = ledger.takings();
        assert_eq!((takings.charged, takings.charged_twice, takings.repeats), (1, 0, 1));
    }

    #[test]
    fn another_key_for_the_same_order_is_a_double_charge() {
        let ledger = Ledger::default();
        let payment = Payment { order: 7, cents: 1200 };
        ledger.charge("one".to_owned(), &payment);
        ledger.charge("two".to_owned(), &payment);
        let takings = ledger.takings();
        assert_eq!((takings.charged, takings.charged_twice, takings.repeats), (1, 1, 0));
    }
}
