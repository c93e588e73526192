//! Every answer that a test gets is compared with what the served description says of its route: status, media type and
//! JSON Schema of the body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::server::Answer;

/// What all answers are compared with.
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// The one of this process: all its servers describe the same routes.
static CONTRACT: OnceLock<Contract> = OnceLock::new();

/// Asks a server what it says of itself, to compare all answers with it from now on.
pub async fn learn(mut router: Router) {
    let request = Request::get("/tasker/openapi.json").body(Body::empty()).expect("a request");
    let Ok(response) = router.call(request).await;
    let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let document = serde_json::from_slice(&text).expect("the description is JSON");
    CONTRACT.get_or_init(|| Contract { document, validators: Mutex::default() });
}

/// Compares an answer with the description, if there is one yet; the path is that of the request.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    if let Some(contract) = CONTRACT.get() {
        contract.check(method, path, answer).unwrap_or_else(|found| {
            panic!("{method} {path} is answered with {}, but {found}\n{:#}", answer.status, answer.body)
        });
    }
}

impl Contract {
    fn check(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        let Some(responses) = self.responses(method, path) else {
            // No route, or no such method: all that can be answered is a problem.
            return self.check_body(&json!({"$ref": "#/components/schemas/ProblemDocument"}), &answer.body);
        };
        let Some(described) = responses.get(answer.status.as_str()) else {
            return Err(format!("described are {:?}", keys(responses)));
        };
        let Some(content) = described.get("content") else {
            let is_empty = answer.body.as_str() == Some("");
            return if is_empty { Ok(()) } else { Err("described is no body".into()) };
        };
        let media = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default();
        match content.get(media) {
            None => Err(format!("it comes as {media:?}; described are {:?}", keys(content))),
            Some(form) if media.ends_with("json") => self.check_body(&form["schema"], &answer.body),
            Some(_) => Ok(()),
        }
    }

    /// What is said of the answers of a route.
    fn responses(&self, method: &Method, path: &str) -> Option<&Value> {
        let below = path.strip_prefix("/tasker").unwrap_or(path);
        let below = below.strip_prefix("/v1").unwrap_or(below);
        let paths = self.document["paths"].as_object().expect("a description has paths");
        // What is written out goes before what a parameter stands for.
        let matching = paths.iter().filter(|(template, _)| fits(template, below));
        let (_, item) = matching.min_by_key(|(template, _)| template.matches('{').count())?;
        item.get(method.as_str().to_lowercase())?.get("responses")
    }

    fn check_body(&self, schema: &Value, body: &Value) -> Result<(), String> {
        let validator = self.validator(schema);
        let found: Vec<String> =
            validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if found.is_empty() { Ok(()) } else { Err(format!("it is not as described: {}", found.join("; "))) }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut all = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let make = || {
            let mut whole = schema.clone();
            whole["components"] = self.document["components"].clone();
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&whole).expect("the description holds usable schemas"))
        };
        all.entry(schema.to_string()).or_insert_with(make).clone()
    }
}

fn keys(object: &Value) -> Vec<&String> {
    object.as_object().map(|members| members.keys().collect()).unwrap_or_default()
}

/// Whether a path is one of those that a template stands for.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(name, part)| name == part || (name.starts_with('{') && !part.is_empty()))
}
