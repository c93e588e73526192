//! What is wrong with the settings of the shipped handlers, told when a definition is loaded.

use std::collections::BTreeSet;

use serde_json::Value;
use tasker_core::definition::{ConfigProblem, HandlerCatalog, StepTemplate};
use tasker_core::names::HandlerName;
use tasker_core::template::{self, TemplateProblem, is_templated};
use tasker_engine::handler::Handlers;

use crate::command::CommandConfig;
use crate::http::{HttpConfig, checked_url};
use crate::settings::{SettingProblem, Settings, is_open};
use crate::{COMMAND, HTTP};

/// Knows the settings of `http` and `command`, and of every step with `type: api`, whatever its handler.
#[derive(Clone, Default, Debug)]
pub struct ShippedCatalog {
    served: Option<BTreeSet<HandlerName>>,
}

impl ShippedCatalog {
    /// A catalog that does not know who serves other handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// A catalog of a node that works alone: what it does not serve, nobody serves.
    pub fn of(handlers: &Handlers) -> Self {
        Self { served: Some(handlers.names().cloned().collect()) }
    }
}

impl HandlerCatalog for ShippedCatalog {
    fn serves(&self, handler: &HandlerName) -> Option<bool> {
        match &self.served {
            Some(served) => Some(served.contains(handler)),
            None => [HTTP, COMMAND].contains(&handler.as_str()).then_some(true),
        }
    }

    fn check(&self, step: &StepTemplate, config: &Value) -> Vec<ConfigProblem> {
        let mut problems = if step.handler.as_str() == HTTP || config["type"] == "api" {
            api_problems(config)
        } else if step.handler.as_str() == COMMAND {
            command_problems(config)
        } else {
            Vec::new()
        };
        if is_templated(&step.handler) {
            problems.extend(template::check(config).into_iter().map(of_template));
        }
        problems
    }
}

fn api_problems(config: &Value) -> Vec<ConfigProblem> {
    let mut problems: Vec<_> = HttpConfig::check(config).into_iter().map(of_setting).collect();
    let wrong = match config.get("url") {
        None | Some(Value::Null) => {
            Some("the url is missing; give one such as https://example.org/v1".into())
        }
        Some(Value::String(url)) if !is_open(&config["url"]) => checked_url(url).err(),
        Some(_) => None,
    };
    if let Some(message) = wrong {
        let pointer = if config.get("url").is_some() { "/url" } else { "" };
        problems.retain(|problem| problem.pointer != "/url");
        problems.push(ConfigProblem {
            code: "invalid_api_url",
            pointer: pointer.into(),
            message,
            help: None,
        });
    }
    problems
}

fn command_problems(config: &Value) -> Vec<ConfigProblem> {
    let mut problems: Vec<_> = CommandConfig::check(config).into_iter().map(of_setting).collect();
    if config.get("program").is_none() {
        problems.push(of_setting(SettingProblem::at("", "the key `program` is missing")));
    }
    problems
}

fn of_setting(problem: SettingProblem) -> ConfigProblem {
    let code = if problem.pointer == "/url" { "invalid_api_url" } else { "invalid_handler_config" };
    ConfigProblem { code, pointer: problem.pointer, message: problem.message, help: problem.help }
}

fn of_template(problem: TemplateProblem) -> ConfigProblem {
    ConfigProblem { code: problem.code, pointer: problem.pointer, message: problem.message, help: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(handler: &str, config: Value) -> Vec<(&'static str, String)> {
        let step = json!({
            "name": "s", "handler": handler, "description": null, "dependent_system": "d", "retryable": true,
            "retry_limit": 3, "skippable": false, "timeout_seconds": 600, "depends_on": [],
            "handler_config": config, "extensions": {},
        });
        let step: StepTemplate = serde_json::from_value(step).unwrap();
        let problems = ShippedCatalog::new().check(&step, &step.handler_config);
        problems.into_iter().map(|problem| (problem.code, problem.pointer)).collect()
    }

    fn check(handler: &str, config: Value, expected: &[(&'static str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(code, pointer)| (*code, (*pointer).to_owned())).collect();
        assert_eq!(found(handler, config.clone()), expected, "{handler} {config}");
    }

    #[test]
    fn as_25_dom_106_urls_are_checked_when_loaded() {
        check("http", json!({ "url": "ftp://x" }), &[("invalid_api_url", "/url")]);
        check("http", json!({ "url": "/relative" }), &[("invalid_api_url", "/url")]);
        check("http", json!({ "url": " " }), &[("invalid_api_url", "/url")]);
        check("http", json!({ "url": "http:///path" }), &[("invalid_api_url", "/url")]);
        check("http", json!({ "url": 5 }), &[("invalid_api_url", "/url")]);
        check("http", json!({ "url": null }), &[("invalid_api_url", "/url")]);
        check("http", json!({}), &[("invalid_api_url", "")]);
        check("http", Value::Null, &[("invalid_api_url", "")]);
        check("museum/quote", json!({ "type": "api" }), &[("invalid_api_url", "")]);
        check("museum/quote", json!({ "url": "/relative" }), &[]);
        check("http", json!({ "url": "{{ context.shop }}/x" }), &[]);
        check("http", json!({ "url": "${SHOP}/x" }), &[]);
        check("http", json!({ "type": "api", "url": "https://example.org/v2/" }), &[]);
    }

    #[test]
    fn settings_and_templates_are_checked_when_loaded() {
        let config = json!({ "url": "http://x", "timout": 3, "json": { "a": "{{ context. }}", "b": "{{ results[inputs.x] }}" } });
        let expected = [
            ("invalid_handler_config", "/timout"),
            ("invalid_template", "/json/a"),
            ("template_dynamic_result", "/json/b"),
        ];
        check("http", config, &expected);
        check(
            "command",
            json!({ "args": "x" }),
            &[("invalid_handler_config", "/args"), ("invalid_handler_config", "")],
        );
        check("command", json!({ "program": "wc" }), &[]);
        check("mine", json!({ "args": "{{ what" }), &[]);
    }

    #[test]
    fn who_is_served_is_known_to_a_node_that_works_alone() {
        let name = |text| HandlerName::new(text).unwrap();
        let alone = ShippedCatalog::of(&crate::shipped(crate::ShippedOptions::default()));
        assert_eq!(alone.serves(&name("http")), Some(true));
        assert_eq!(alone.serves(&name("other")), Some(false));
        assert_eq!(ShippedCatalog::new().serves(&name("command")), Some(true));
        assert_eq!(ShippedCatalog::new().serves(&name("other")), None);
    }
}
