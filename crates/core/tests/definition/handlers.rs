//! Handlers, their settings, the variables and the templates in these.

use serde_json::Value;
use tasker_core::definition::{
    ConfigProblem, HandlerCatalog, LoadOptions, Severity, StepTemplate, Unserved, load,
};
use tasker_core::names::HandlerName;

use crate::{FULL, problems, with_steps, with_top};

#[test]
fn as_4_a_missing_variable_is_reported_where_it_is_named() {
    let unset = |_: &str| None;
    let options = LoadOptions { variables: Some(&unset), ..LoadOptions::default() };
    let loaded = load(FULL, &options);
    assert!(loaded.definition.is_none());
    let problem = loaded.problems.iter().find(|p| p.code == "missing_env_var").unwrap();
    assert_eq!(problem.pointer, "/step_templates/2/handler_config/headers/Authorization");
    assert_eq!(problem.line, Some(40));
    assert!(problem.message.contains("INSURER_TOKEN"));
    let inherited = with_top("handler_config: {token: '${TOKEN}'}");
    let loaded = load(&inherited, &options);
    assert_eq!(loaded.problems[0].pointer, "/handler_config/token");
    let set = |name: &str| (name == "INSURER_TOKEN").then(|| "secret".to_owned());
    let loaded = load(FULL, &LoadOptions { variables: Some(&set), ..LoadOptions::default() });
    assert!(loaded.definition.is_some());
}

/// Serves `known` only, runs the hooks `Hooks`, and objects to a `url` that is no text.
pub(crate) struct Catalog;

impl HandlerCatalog for Catalog {
    fn serves(&self, handler: &HandlerName) -> Option<bool> {
        Some(handler.as_str() == "known")
    }

    fn check(&self, _step: &StepTemplate, config: &Value) -> Vec<ConfigProblem> {
        if config["url"].is_null() || config["url"].is_string() {
            return Vec::new();
        }
        let (pointer, message) = ("/url".to_owned(), "`url` must be text".to_owned());
        vec![ConfigProblem { code: "invalid_handler_config", pointer, message, help: None }]
    }

    fn serves_hooks(&self, task_handler: &str) -> bool {
        task_handler == "Hooks"
    }
}

#[test]
fn as_18_a_handler_that_nobody_serves() {
    let text = with_steps(&[
        "{name: a, handler: known}",
        "{name: b, handler_class: other}",
        "{name: c, handler: other}",
    ]);
    for (unserved, expected) in [
        (Unserved::Ignored, None),
        (Unserved::Warning, Some((Severity::Warning, "handler_not_served"))),
        (Unserved::Error, Some((Severity::Error, "handler_not_found"))),
    ] {
        let loaded = load(&text, &LoadOptions { handlers: &Catalog, unserved, ..LoadOptions::default() });
        assert_eq!(loaded.definition.is_none(), unserved == Unserved::Error);
        assert_eq!(loaded.problems.first().map(|p| (p.severity, p.code)), expected);
        assert_eq!(loaded.problems.len(), usize::from(expected.is_some()));
        if let Some(problem) = loaded.problems.first() {
            assert_eq!(
                (problem.pointer.as_str(), problem.line),
                ("/step_templates/1/handler_class", Some(4))
            );
        }
    }
    let hooks = |name: &str| {
        let options = LoadOptions { handlers: &Catalog, ..LoadOptions::default() };
        load(&with_top(&format!("task_handler: {name}")), &options).problems.len()
    };
    assert_eq!((hooks("Hooks"), hooks("Others")), (0, 1));
}

#[test]
fn as_25_problems_with_settings_are_placed_in_the_source() {
    let text = "
name: n
handler_config: {url: [1]}
step_templates:
  - {name: a, handler: known}
  - name: b
    handler: known
    handler_config:
      url: 7
";
    let loaded = load(text, &LoadOptions { handlers: &Catalog, ..LoadOptions::default() });
    let found: Vec<_> = loaded.problems.iter().map(|p| (p.code, p.pointer.as_str(), p.line)).collect();
    assert_eq!(
        found,
        [
            ("invalid_handler_config", "/handler_config/url", Some(3)),
            ("invalid_handler_config", "/step_templates/1/handler_config/url", Some(9)),
        ]
    );
}

#[test]
fn templates_are_read_and_name_ancestors_only() {
    let text = r#"
name: n
handler_config: {note: "{{ results.mail.body }}"}
step_templates:
  - {name: reserve, handler: h}
  - {name: charge, handler: h, depends_on_step: reserve}
  - {name: other, handler: h}
  - name: mail
    handler: http
    depends_on_step: charge
    handler_config:
      url: "{{ context.url }}"
      note: fine
      json: {a: "{{ results.reserve.id }}", b: ["{{ results.charge.id }}"], c: "{{ results.other.id }}"}
      text: "{{ results['reserv'].x }} {{ 1 + }}"
  - {name: free, handler: mine, handler_config: {text: "{{ results.nobody }} {{ what"}}
"#;
    let found: Vec<_> =
        problems(text).into_iter().map(|p| (p.line.unwrap(), p.code, p.pointer, p.message)).collect();
    let at = |rest: &str| format!("/step_templates/3/handler_config/{rest}");
    assert_eq!(found.len(), 3, "{found:#?}");
    let other = "a template of step `mail` reads the result of `other`, which it does not depend on";
    assert_eq!(found[0], (14, "template_unknown_result", at("json/c"), other.to_owned()));
    assert_eq!((found[1].1, &found[1].2), ("invalid_template", &at("text")));
    assert_eq!((found[2].1, &found[2].2), ("template_unknown_result", &at("text")));
    let fixed = text.replace("{{ 1 + }}", "").replace("other.id", "charge.id");
    let found: Vec<_> = problems(&fixed).into_iter().map(|p| p.message).collect();
    assert_eq!(
        found,
        ["a template of step `mail` reads the result of `reserv`, which is no step; did you mean `reserve`?"]
    );
}
