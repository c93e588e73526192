//! `context_strict: true`: a schema that refuses properties it does not declare, at every object whose properties
//! it declares at all. An `additionalProperties` or `unevaluatedProperties` that the author wrote stands.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::resolve;

/// Keywords whose schemas apply to values inside of the value.
const INNER: [&str; 2] = ["items", "additionalItems"];
const INNER_LISTS: [&str; 2] = ["prefixItems", "items"];
const INNER_MAPS: [&str; 2] = ["properties", "patternProperties"];
/// Where schemas stand that references lead to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// Keywords whose schemas apply to the value itself.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const IN_PLACE: [&str; 3] = ["if", "then", "else"];

const MAX_DEPTH: usize = 64;

/// The schema, made strict.
pub(super) fn forbid_undeclared(schema: &Value) -> Value {
    Strict { root: schema }.object_schema(schema)
}

struct Strict<'s> {
    root: &'s Value,
}

impl Strict<'_> {
    /// A schema of a value of its own: the root, a property, an item.
    fn object_schema(&self, schema: &Value) -> Value {
        let Some(fields) = schema.as_object() else { return schema.clone() };
        let mut strict = self.with_inner(fields);
        let mut found = Declared::default();
        self.declared(fields, &mut found, MAX_DEPTH);
        let Declared { names: declared, by_branch_pattern, .. } = found;
        let is_open =
            ["additionalProperties", "unevaluatedProperties"].iter().any(|key| fields.contains_key(*key));
        if declared.is_empty() || is_open || by_branch_pattern {
            return Value::Object(strict);
        }
        // Beside `$ref`, older drafts ignore every other keyword.
        if let Some(target) = strict.remove("$ref") {
            let all = strict.entry("allOf").or_insert_with(|| json!([]));
            if let Some(all) = all.as_array_mut() {
                all.push(json!({ "$ref": target }));
            }
        }
        let properties = strict.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            declared.into_iter().for_each(|name| {
                properties.entry(name).or_insert_with(|| json!({}));
            });
        }
        strict.insert("additionalProperties".to_owned(), Value::Bool(false));
        Value::Object(strict)
    }

    /// The schema with the schemas of inner values made strict, wherever they stand in it.
    fn with_inner(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        let strict = |value: &Value| self.object_schema(value);
        let in_place = |value: &Value| match value.as_object() {
            Some(fields) => Value::Object(self.with_inner(fields)),
            None => value.clone(),
        };
        let mut made = fields.clone();
        for (key, value) in &mut made {
            let key = key.as_str();
            *value = match value {
                Value::Object(map) if INNER_MAPS.contains(&key) => each(map, strict),
                Value::Object(map) if DEFINITIONS.contains(&key) => each(map, in_place),
                Value::Object(_) if INNER.contains(&key) => strict(value),
                Value::Object(_) if IN_PLACE.contains(&key) => in_place(value),
                Value::Array(list) if INNER_LISTS.contains(&key) => list.iter().map(strict).collect(),
                Value::Array(list) if IN_PLACE_LISTS.contains(&key) => list.iter().map(in_place).collect(),
                _ => continue,
            };
        }
        made
    }

    /// What a schema declares as properties of its value, references and branches included.
    fn declared<'a>(&'a self, fields: &'a Map<String, Value>, found: &mut Declared, depth: usize) {
        if depth == 0 || !found.seen.insert(fields) {
            return;
        }
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            found.names.extend(properties.keys().cloned());
        }
        found.by_branch_pattern |= fields.contains_key("patternProperties") && depth < MAX_DEPTH;
        let lists = IN_PLACE_LISTS.iter().filter_map(|key| fields.get(*key)?.as_array()).flatten();
        let single = IN_PLACE.iter().filter_map(|key| fields.get(*key));
        for schema in lists.chain(single).chain(resolve(self.root, fields)) {
            if let Some(fields) = schema.as_object() {
                self.declared(fields, found, depth - 1);
            }
        }
    }
}

/// What a schema and the schemas beside it declare.
#[derive(Default)]
struct Declared {
    names: BTreeSet<String>,
    /// Whether a branch or a referenced schema declares by pattern, which cannot be repeated beside it.
    by_branch_pattern: bool,
    seen: HashSet<*const Map<String, Value>>,
}

fn each(map: &Map<String, Value>, f: impl Fn(&Value) -> Value) -> Value {
    Value::Object(map.iter().map(|(key, value)| (key.clone(), f(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::ContextSchema;
    use super::*;

    fn refused(schema: Value, context: Value) -> Vec<String> {
        let schema = ContextSchema::of(&schema, true).map_err(|e| e.message).unwrap();
        schema.check(context).err().unwrap_or_default().into_iter().map(|v| v.pointer).collect()
    }

    #[test]
    fn as_29_undeclared_properties_are_refused_at_every_level() {
        let schema = json!({"properties": {
            "a": {"type": "object", "properties": {"x": {}}},
            "free": {"type": "object"},
            "list": {"items": {"properties": {"y": {}}}},
            "open": {"properties": {"z": {}}, "additionalProperties": true}
        }});
        let context = json!({"b": 1, "a": {"x": 1, "w": 1}, "free": {"q": 1}, "list": [{"y": 1, "v": 1}], "open": {"u": 1}});
        let mut pointers = refused(schema, context);
        pointers.sort();
        assert_eq!(pointers, ["/a/w", "/b", "/list/0/v"]);
    }

    #[test]
    fn references_and_branches_declare_too() {
        for draft in
            ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
        {
            let schema = json!({
                "$schema": draft,
                "definitions": {"address": {"properties": {"city": {"type": "string"}}}},
                "properties": {"home": {"$ref": "#/definitions/address"}, "kind": {}},
                "allOf": [{"properties": {"extra": {}}}]
            });
            let context = json!({"home": {"city": "Bonn", "zip": 1}, "kind": 1, "extra": 1, "other": 1});
            let mut pointers = refused(schema.clone(), context);
            pointers.sort();
            assert_eq!(pointers, ["/home/zip", "/other"], "{draft}");
            assert_eq!(refused(schema, json!({"home": {"city": 1}})), ["/home/city"], "{draft}");
        }
    }

    #[test]
    fn patterns_declare() {
        let schema = json!({"properties": {"a": {}}, "patternProperties": {"^x_": {}}});
        assert_eq!(refused(schema, json!({"a": 1, "x_1": 1, "b": 1})), ["/b"]);
    }
}
