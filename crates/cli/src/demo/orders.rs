//! The orders of the demo: what its customers want, by number.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::payload::{DEFAULT_MAX_BYTES, Payload};
use tasker_core::request::TaskRequest;

const CUSTOMERS: [&str; 6] = ["ada", "grace", "edsger", "barbara", "tony", "leslie"];
const ARTICLES: [(&str, u64); 5] =
    [("teapot", 2_490), ("kettle", 3_990), ("tray", 1_250), ("cup", 690), ("tin", 450)];

/// The request for one order, from 1.
pub fn request(number: u32, shop_url: &str) -> Result<TaskRequest> {
    let namespace = Namespace::new("demo").context("the demo's namespace")?;
    let name = DefinitionName::new("order").context("the demo's definition")?;
    let context = Payload::from_value(&context(number, shop_url), DEFAULT_MAX_BYTES)?;
    Ok(TaskRequest {
        context,
        initiator: Some("demo".to_owned()),
        source_system: Some("shop".to_owned()),
        reason: Some(format!("order {number}")),
        ..TaskRequest::new(namespace, name)
    })
}

fn context(number: u32, shop_url: &str) -> Value {
    let customer = CUSTOMERS[number as usize % CUSTOMERS.len()];
    let items: Vec<Value> = (0..1 + number % 3).map(|line| item(number + line)).collect();
    json!({
        "order": number,
        "shop_url": shop_url,
        "customer": format!("{customer}@example.org"),
        "items": items,
    })
}

fn item(number: u32) -> Value {
    let (article, cents) = ARTICLES[number as usize % ARTICLES.len()];
    json!({ "article": article, "quantity": 1 + number % 2, "cents": cents })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_depends_on_its_number_alone() {
        let expected = json!({
            "order": 4,
            "shop_url": "http://127.0.0.1:1",
            "customer": "tony@example.org",
            "items": [
                { "article": "tin", "quantity": 1, "cents": 450 },
                { "article": "teapot", "quantity": 2, "cents": 2490 },
            ],
        });
        assert_eq!(context(4, "http://127.0.0.1:1"), expected);
        assert_eq!(request(4, "http://127.0.0.1:1").unwrap().context.to_value(), expected);
    }
}
