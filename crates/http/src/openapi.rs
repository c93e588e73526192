//! The description of the API (OpenAPI 3.1), made from the table of routes.
//!
//! It is written as JSON here: the library that makes the schemas of documents describes a later version of OpenAPI than
//! most tools read.

use serde_json::{Map, Value, json};
use tasker_wire::ProblemDocument;
use utoipa::ToSchema as _;

use crate::operation::{self, BodyDescription, Kind, Operation, Parameter, ReplyDescription};
use crate::reply::codes::{self, Code};
use crate::reply::problem;
use crate::request::forms;
use crate::request::query::MAX_TIMES;
use crate::route::{Cost, Requirement, Route};
use crate::routes;

/// What every route may answer.
const EVERYWHERE: &[&Code] =
    &[&codes::INVALID_PARAMETER, &codes::CROSS_SITE, &codes::PAYLOAD_TOO_LARGE, &codes::INTERNAL_ERROR];

/// What every route but a probe may answer besides.
const WHERE_LIMITED: &[&Code] = &[&codes::RATE_LIMITED, &codes::SERVICE_UNAVAILABLE, &codes::TIMEOUT];

/// What a route may answer besides that asks who calls.
const TO_STRANGERS: &[&Code] = &[&codes::AUTHENTICATION_FAILED, &codes::AUTHORIZATION_FAILED];

/// Headers that go with a status, wherever it is answered.
const HEADERS: &[(&str, &str, &[&Code])] = &[
    ("Retry-After", "In how many seconds to ask again", &[&codes::RATE_LIMITED, &codes::SERVICE_UNAVAILABLE]),
    ("WWW-Authenticate", "Which credentials are taken", &[&codes::AUTHENTICATION_FAILED]),
    (
        "RateLimit-Limit",
        "How many requests a minute are allowed, if there is a limit",
        &[&codes::RATE_LIMITED],
    ),
    ("RateLimit-Remaining", "How many of them are left", &[&codes::RATE_LIMITED]),
    ("RateLimit-Reset", "In how many seconds all of them are", &[&codes::RATE_LIMITED]),
];

/// The document, for routes below a base path.
pub fn document(base_path: &str) -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for (name, schema) in operation::schemas::<ProblemDocument>() {
        add_schema(&mut schemas, name, &schema);
    }
    for route in routes::table() {
        for (name, schema) in described(&route.operation) {
            add_schema(&mut schemas, name, &schema);
        }
        if let Some(body) = &route.operation.body {
            add_rules(&mut schemas[&body.schema], body);
            for (inner, _) in &body.schemas {
                add_rules_of_all(&mut schemas[inner]);
            }
        }
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tasker",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Durable workflows: versioned graphs of steps with dependencies, retries and a full history.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": if base_path.is_empty() { "/" } else { base_path }}],
        "paths": paths,
        "components": {"schemas": schemas, "headers": described_headers()},
    })
}

type Schema = utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>;

/// The schemas that an operation refers to.
fn described(operation: &Operation) -> impl Iterator<Item = (String, Schema)> {
    let of_body = operation.body.iter().flat_map(|body| body.schemas.clone());
    of_body
        .chain(operation.replies.iter().flat_map(|reply| reply.schemas.clone()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn add_schema(schemas: &mut Map<String, Value>, name: String, schema: &Schema) {
    let schema = serde_json::to_value(schema).expect("a schema has text keys");
    schemas.insert(name, schema);
}

/// Adds what the schema of a body does not say by itself: what holds for several fields together.
fn add_rules(schema: &mut Value, body: &BodyDescription) {
    let rules = serde_json::from_str(body.rules).expect("the rules are written as JSON");
    merge(schema, rules);
    add_rules_of_all(schema);
}

/// Adds what holds for all that is asked: that no text has a NUL in it, and that `null` is the same as absent.
fn add_rules_of_all(schema: &mut Value) {
    exclude_nul(schema);
    take_null(schema);
}

/// Lets fields that need not be there be `null`.
fn take_null(schema: &mut Value) {
    let required = schema["required"].take();
    let is_required =
        |name: &String| required.as_array().is_some_and(|all| all.contains(&name.as_str().into()));
    let properties = schema["properties"].as_object_mut().into_iter().flatten();
    for (_, property) in properties.filter(|(name, _)| !is_required(name)) {
        if let Some(kind @ Value::String(_)) = property.get_mut("type") {
            *kind = json!([kind, "null"]);
        }
        if let Some(reference) = property.as_object_mut().and_then(|property| property.remove("$ref")) {
            property["anyOf"] = json!([{"$ref": reference}, {"type": "null"}]);
        }
    }
    if required.is_array() {
        schema["required"] = required;
    } else if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

fn exclude_nul(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_free = ["pattern", "format", "enum"].iter().all(|rule| !members.contains_key(*rule));
            if is_free && members.get("type") == Some(&"string".into()) {
                members.insert("pattern".into(), forms::TEXT.into());
            }
            members.values_mut().for_each(exclude_nul);
        }
        Value::Array(items) => items.iter_mut().for_each(exclude_nul),
        _ => {}
    }
}

fn operation(route: &Route) -> Value {
    let described = &route.operation;
    let mut operation = json!({
        "operationId": described.id,
        "summary": described.summary,
        "tags": [tag(route.path)],
        "responses": responses(route),
    });
    if !described.description.is_empty() {
        operation["description"] = described.description.into();
    }
    if described.is_deprecated {
        operation["deprecated"] = true.into();
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = &described.body {
        operation["requestBody"] = request_body(body);
    }
    if let Requirement::Permission(permission) = route.requirement {
        operation["x-permission"] = permission.to_string().into();
    }
    operation
}

/// The first part of the path.
fn tag(path: &str) -> &str {
    path.split('/').find(|part| !part.is_empty()).unwrap_or("api")
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = path_parameters(route.path).map(|name| {
        let schema = match name {
            "task_id" => json!({"type": "string", "format": "uuid"}),
            _ => schema_of(&forms::of_path(name)),
        };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let other = |place: &'static str| {
        move |parameter: &Parameter| {
            json!({
                "name": parameter.name, "in": place, "required": false, "description": parameter.about,
                "schema": schema_of(&parameter.kind),
            })
        }
    };
    let operation = &route.operation;
    let given =
        operation.query.iter().map(other("query")).chain(operation.headers.iter().map(other("header")));
    in_path.chain(given).collect()
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn schema_of(kind: &Kind) -> Value {
    match kind {
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count { min, max, default } => {
            let mut schema = json!({"type": "integer", "minimum": min, "maximum": max});
            if let Some(default) = default {
                schema["default"] = (*default).into();
            }
            schema
        }
        Kind::Text { max } => text(forms::TEXT, *max),
        Kind::Texts { max } => {
            json!({"type": "array", "maxItems": MAX_TIMES, "items": text(forms::TEXT, *max)})
        }
        Kind::Formed { pattern, max } => text(pattern, *max),
        Kind::Choice { words, default } => {
            let mut schema = json!({"type": "string", "enum": words});
            if let Some(default) = default {
                schema["default"] = (*default).into();
            }
            schema
        }
        Kind::Choices(words) => {
            let word = words.join("|");
            json!({"type": "string", "pattern": format!("^({word})(,({word}))*$")})
        }
        Kind::Time => json!({"type": "string", "format": "date-time"}),
    }
}

fn text(pattern: &str, max: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max, "pattern": pattern})
}

/// The body by itself, or in an object of its own name.
fn request_body(body: &BodyDescription) -> Value {
    let plain = reference(&body.schema);
    let schema = match body.wrapper {
        None => plain,
        Some(wrapper) => json!({"anyOf": [
            plain,
            {"type": "object", "properties": {wrapper: plain}, "required": [wrapper], "additionalProperties": false},
        ]}),
    };
    let content: Map<String, Value> =
        body.media.iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect();
    json!({"required": body.is_required, "content": content})
}

fn responses(route: &Route) -> Map<String, Value> {
    let mut responses: Map<String, Value> = Map::new();
    for reply in &route.operation.replies {
        add_response(&mut responses, reply);
    }
    for code in problems(route) {
        let entry = responses.entry(code.status.as_str()).or_insert_with(problem_response);
        let told = entry["description"].as_str().unwrap_or_default();
        let told =
            if told.is_empty() { format!("`{}`", code.name) } else { format!("{told}, `{}`", code.name) };
        entry["description"] = told.into();
        for (name, ..) in HEADERS.iter().filter(|(_, _, codes)| codes.contains(&code)) {
            entry["headers"][*name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
    }
    responses
}

fn described_headers() -> Map<String, Value> {
    let described = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    HEADERS.iter().map(|(name, about, _)| ((*name).to_owned(), described(about))).collect()
}

/// Adds an answer; another one with the same status is another form of it.
fn add_response(responses: &mut Map<String, Value>, reply: &ReplyDescription) {
    let mut response = response(reply);
    let status = reply.status.to_string();
    let Some(before) = responses.get_mut(&status) else {
        responses.insert(status, response);
        return;
    };
    if let (Some(all), Value::Object(more)) = (before["content"].as_object_mut(), response["content"].take())
    {
        all.extend(more);
    }
}

/// Everything that may go wrong, each once.
fn problems(route: &Route) -> Vec<&'static Code> {
    let mut all: Vec<&Code> = EVERYWHERE.to_vec();
    if route.cost != Cost::Probe {
        all.extend(WHERE_LIMITED);
    }
    if route.requirement != Requirement::Public {
        all.extend(TO_STRANGERS);
    }
    if path_parameters(route.path).next().is_some() {
        all.push(&codes::INVALID_ID);
    }
    if route.operation.body.is_some() {
        all.extend(BodyDescription::PROBLEMS);
    }
    all.extend(route.operation.problems);
    all.sort_by_key(|code| (code.status, code.name));
    all.dedup();
    all
}

fn response(reply: &ReplyDescription) -> Value {
    let mut response = json!({"description": reply.about});
    if let Some((media, schema)) = &reply.content {
        let schema = schema.as_deref().map_or_else(|| json!({}), reference);
        response["content"] = json!({*media: {"schema": schema}});
    }
    for (name, about) in reply.headers {
        response["headers"][*name] = json!({"description": about, "schema": {"type": "string"}});
    }
    response
}

fn problem_response() -> Value {
    let media = problem::MEDIA_TYPE.split(';').next().unwrap_or_default();
    json!({"description": "", "content": {media: {"schema": reference(&ProblemDocument::name())}}})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}
