//! Keys, types, ranges and names.

use serde_json::json;

use crate::{at, codes, good, problems, with_steps, with_top};

#[test]
fn as_6_what_is_no_mapping() {
    assert_eq!(codes(""), ["not_a_mapping"]);
    assert_eq!(codes("- a\n- b\n"), ["not_a_mapping"]);
    let tab = problems("name: n\nschema:\n  type: object\n\tminProperties: 1\n");
    assert_eq!((tab[0].code, tab[0].line), ("yaml_syntax", Some(4)));
    assert!(tab[0].help.as_deref().unwrap().contains("spaces"));
    let twice = problems("name: n\nname: m\nstep_templates: [{name: a, handler: h}]\n");
    assert_eq!((twice[0].code, twice[0].line, twice[0].column), ("duplicate_key", Some(2), Some(1)));
    assert_eq!(twice[0].message, "the key `name` stands twice: in line 1 and in line 2");
}

#[test]
fn as_7_all_errors_come_in_one_report() {
    assert_eq!(
        at("description: x\nenvironments: {}\ndefault_retry_limit: \"3\"\n"),
        [
            ("missing_key", String::new()),
            ("missing_key", String::new()),
            ("unknown_key", "/default_retry_limit".to_owned()),
        ]
    );
    assert_eq!(
        at("step_templates:\n  - handler: h\n    default_retry_limit: \"3\"\n"),
        [
            ("missing_key", String::new()),
            ("missing_key", "/step_templates/0".to_owned()),
            ("wrong_type", "/step_templates/0/default_retry_limit".to_owned()),
        ]
    );
}

#[test]
fn as_8_no_steps() {
    assert_eq!(codes("name: n\nstep_templates: []\n"), ["no_steps"]);
}

#[test]
fn as_9_a_near_key_is_proposed() {
    let problem =
        &problems(&with_steps(&["{name: a, handler: h}", "{name: b, handler: h, depends_on: a}"]))[0];
    assert_eq!(problem.code, "unknown_key");
    assert_eq!(problem.message, "unknown key `depends_on`; did you mean `depends_on_step`?");
    assert_eq!((problem.line, problem.column), (Some(4), Some(27)));
    for (key, meant) in [("steps", "step_templates"), ("namespace", "namespace_name"), ("shema", "schema")] {
        let found = problems(&with_top(&format!("{key}: x")));
        assert_eq!(found[0].message, format!("unknown key `{key}`; did you mean `{meant}`?"));
    }
}

#[test]
fn as_10_keys_that_begin_with_x_are_free() {
    let text = "
name: n
x-owner: {team: depot}
custom_events: [{name: order.done, x-owner: me}]
annotations: [{type: t, from_step: a, value: /x, x-owner: me}]
step_templates:
  - {name: a, handler: h, x-owner: me}
environments: {development: {x-stage: dev, step_templates: [{name: a, x-more: 1}]}}
";
    assert_eq!(codes(text), [] as [&str; 0]);
    let definition = good(text);
    assert_eq!(definition.extensions, json!({"x-owner": {"team": "depot"}, "x-stage": "dev"}));
    assert_eq!(definition.steps[0].extensions, json!({"x-owner": "me", "x-more": 1}));
}

#[test]
fn as_16_null_is_not_nothing() {
    for key in ["depends_on_steps", "depends_on_step", "description", "handler_config", "custom_events"] {
        let found = at(&with_steps(&[&format!("{{name: a, handler: h, {key}: null}}")]));
        assert_eq!(found, [("wrong_type", format!("/step_templates/0/{key}"))]);
    }
}

#[test]
fn as_20_numbers_have_ranges() {
    for (key, value, code) in [
        ("default_retry_limit", "0", "out_of_range"),
        ("default_retry_limit", "-1", "out_of_range"),
        ("default_retry_limit", "5000000000", "out_of_range"),
        ("default_retry_limit", "1.5", "wrong_type"),
        ("timeout_seconds", "0", "out_of_range"),
        ("handler_config", "{retries: 0}", "out_of_range"),
        ("handler_config", "{retries: many}", "wrong_type"),
        ("handler_config", "{retry_delay: 0}", "out_of_range"),
        ("handler_config", "{jitter_factor: 1.1}", "out_of_range"),
        ("handler_config", "{enable_exponential_backoff: 1}", "wrong_type"),
    ] {
        assert_eq!(
            codes(&with_steps(&[&format!("{{name: a, handler: h, {key}: {value}}}")])),
            [code],
            "{key}: {value}"
        );
    }
    assert_eq!(codes(&with_top("priority: 10")), ["out_of_range"]);
    assert_eq!(good(&with_top("priority: 0")).priority.get(), 0);
}

#[test]
fn as_21_dom_6_versions_are_texts() {
    let found = problems(&with_top("version: 1.0"));
    assert_eq!(found[0].code, "invalid_version");
    assert!(found[0].help.as_deref().unwrap().contains("quotes"));
    assert_eq!(codes(&with_top("version: \"1.0\"")), ["invalid_version"]);
    assert_eq!(codes(&with_top("version: v1.0.0")), ["invalid_version"]);
    assert_eq!(codes(&with_top("version: null")), ["wrong_type"]);
    for version in ["1.0.0-rc.1", "1.0.0-beta.1", "1.0.0"] {
        assert_eq!(good(&with_top(&format!("version: {version}"))).version.to_string(), version);
    }
    assert_eq!(good(&with_top("")).version.to_string(), "0.1.0");
}

#[test]
fn as_22_the_context_schema_must_be_one() {
    let found = problems(&with_top("schema:\n  type: object\n  properties:\n    a: {type: objekt}"));
    assert_eq!(
        (found[0].code, found[0].pointer.as_str()),
        ("invalid_context_schema", "/schema/properties/a/type")
    );
    assert_eq!(found[0].line, Some(5));
    assert_eq!(codes(&with_top("schema: {type: objekt}")), ["invalid_context_schema"]);
    assert_eq!(codes(&with_top("schema: {$ref: 'https://example.org/x.json'}")), ["invalid_context_schema"]);
    assert_eq!(codes(&with_top("schema: [1]")), ["wrong_type"]);
}

#[test]
fn dom_4_namespaces_differ_by_case() {
    let of = |space: &str| good(&with_top(&format!("namespace_name: {space}")));
    assert_ne!(of("payments").digest(), of("Payments").digest());
    assert_eq!(good(&with_top("")).namespace.as_str(), "default");
}

#[test]
fn dom_5_lengths_are_limited() {
    let long = |key: &str, n: usize| with_top(&format!("{key}: {}", "n".repeat(n)));
    let name = |n: usize| format!("name: {}\nstep_templates: [{{name: a, handler: h}}]", "n".repeat(n));
    assert_eq!((codes(&name(65)), codes(&name(64))), (vec!["too_long"], vec![]));
    assert_eq!(
        (codes(&long("namespace_name", 65)), codes(&long("namespace_name", 64))),
        (vec!["too_long"], vec![])
    );
    assert_eq!(
        (codes(&long("description", 256)), codes(&long("description", 255))),
        (vec!["too_long"], vec![])
    );
    assert_eq!(good(&with_top("")).description, None);
}

#[test]
fn one_setting_is_given_by_one_key() {
    let found = |keys: &str| codes(&with_steps(&[&format!("{{name: a, handler: h, {keys}}}")]));
    assert_eq!(found("handler_class: h"), ["conflicting_keys"]);
    assert_eq!(found("default_retry_limit: 2, handler_config: {retries: 3}"), ["conflicting_keys"]);
    assert_eq!(found("default_retry_limit: 3, handler_config: {retries: 3}"), [] as [&str; 0]);
    assert_eq!(codes(&with_top("task_handler: A\ntask_handler_class: A"))[0], "hooks_not_served");
    let inherited = "name: n\nhandler_config: {retries: 7}\nstep_templates: [{name: a, handler: h}, {name: b, handler: h, default_retry_limit: 2}]";
    let limits: Vec<_> = good(inherited).steps.iter().map(|s| s.retry_limit).collect();
    assert_eq!(limits, [7, 2]);
}

#[test]
fn annotations_name_steps_and_pointers() {
    let rule = |rule: &str| at(&with_top(&format!("annotations: [{rule}]")));
    let one = |code, rest: &str| vec![(code, format!("/annotations/0{rest}"))];
    assert_eq!(rule("{type: t, from_step: b, value: /x}"), one("unknown_annotation_step", "/from_step"));
    assert_eq!(rule("{type: t, from_step: a, value: x}"), one("invalid_pointer", "/value"));
    assert_eq!(rule("{type: t, from_step: a, value: 7}"), one("wrong_type", "/value"));
    assert_eq!(rule("{type: t, from_step: a}"), one("missing_key", ""));
    assert_eq!(
        rule(&format!("{{type: {}, from_step: a, value: ''}}", "t".repeat(65))),
        one("too_long", "/type")
    );
    assert_eq!(rule("{type: t, from_step: a, value: {k: 1}}"), []);
}
