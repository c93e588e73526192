//! Whether one value is contained in another, as PostgreSQL's `jsonb @> jsonb` means it.

use serde_json::{Number, Value};

/// Whether everything wanted is there: of an object each wanted key with a value that contains the wanted one, of a list
/// for each wanted item one that contains it, whatever the order; anything else must be the same. Numbers are compared by
/// value.
pub(super) fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| contains(value, wanted)))
        }
        (Value::Array(value), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| value.iter().any(|value| contains(value, wanted)))
        }
        (Value::Number(value), Value::Number(wanted)) => same_number(value, wanted),
        _ => value == wanted,
    }
}

fn same_number(value: &Number, wanted: &Number) -> bool {
    match (value.as_i128(), wanted.as_i128()) {
        (Some(value), Some(wanted)) => value == wanted,
        _ => value.as_f64() == wanted.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_is_wanted_must_be_there() {
        let order = json!({"id": 7, "paid": true, "to": {"city": "Bonn", "zip": null}, "items": [1, {"sku": "a", "n": 2}, [3]]});
        for wanted in [
            json!({}),
            json!({"id": 7.0}),
            json!({"to": {"zip": null}}),
            json!({"to": {}, "paid": true}),
            json!({"items": [{"sku": "a"}, 1, 1]}),
            json!({"items": [[]]}),
        ] {
            assert!(contains(&order, &wanted), "{wanted}");
        }
        for wanted in [
            json!({"id": "7"}),
            json!({"id": 7.5}),
            json!({"to": "Bonn"}),
            json!({"to": {"street": null}}),
            json!({"items": 1}),
            json!({"items": [2]}),
            json!({"items": [{"sku": "a", "n": 1}]}),
            json!({"paid": false}),
        ] {
            assert!(!contains(&order, &wanted), "{wanted}");
        }
    }
}
