//! Defaults of a schema, inserted into a context: properties of objects, recursively, through references inside of
//! the schema.

use serde_json::Value;

use super::resolve;

/// Deepest object that gets defaults; deeper than any context.
const MAX_DEPTH: usize = 64;

/// Most properties looked at, so that defaults which hold further defaults come to an end.
const MAX_VISITS: usize = 100_000;

/// Adds to each object of the context the properties it lacks and the schema has a default for.
pub(super) fn insert(schema: &Value, context: &mut Value) {
    Insertion { root: schema, visits: MAX_VISITS }.fill(schema, context, MAX_DEPTH);
}

struct Insertion<'s> {
    root: &'s Value,
    visits: usize,
}

impl<'s> Insertion<'s> {
    fn fill(&mut self, schema: &'s Value, value: &mut Value, depth: usize) {
        let Some(schema) = schema.as_object().filter(|_| depth > 0) else { return };
        if let Some(target) = resolve(self.root, schema) {
            self.fill(target, value, depth - 1);
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let Some(object) = value.as_object_mut() else { return };
        for (name, property) in properties {
            if self.visits == 0 {
                return;
            }
            self.visits -= 1;
            if !object.contains_key(name)
                && let Some(default) = property.get("default")
            {
                object.insert(name.clone(), default.clone());
            }
            if let Some(child) = object.get_mut(name) {
                self.fill(property, child, depth - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(schema: Value, mut context: Value) -> Value {
        insert(&schema, &mut context);
        context
    }

    #[test]
    fn as_28_missing_properties_get_their_defaults() {
        let schema = json!({"properties": {
            "days": {"default": 90},
            "address": {"properties": {"country": {"default": "DE"}}},
            "options": {"default": {}, "properties": {"fast": {"default": false}}},
            "shared": {"$ref": "#/$defs/shared"}
        }, "$defs": {"shared": {"properties": {"x": {"default": 1}}}}});
        assert_eq!(
            filled(schema.clone(), json!({"address": {}, "shared": {}})),
            json!({"address": {"country": "DE"}, "shared": {"x": 1}, "days": 90, "options": {"fast": false}})
        );
        assert_eq!(
            filled(schema, json!({"days": null, "address": 7, "options": {"fast": true}})),
            json!({"days": null, "address": 7, "options": {"fast": true}})
        );
    }

    #[test]
    fn defaults_that_hold_defaults_come_to_an_end() {
        let node =
            json!({"properties": {"a": {"$ref": "#", "default": {}}, "b": {"$ref": "#", "default": {}}}});
        let context = filled(node, json!({}));
        assert!(context["a"]["a"].is_object());
    }
}
