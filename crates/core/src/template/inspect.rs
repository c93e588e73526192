//! What templates say before they are rendered: the results they name, and everything wrong with them.

use std::collections::HashSet;

use serde_json::Value;

use super::environment::{FUNCTIONS, has_filter, has_test};
use super::names::{Names, Path, results_in_words};
use super::program::{Program, parsed};
use super::{TemplateProblem, is_template};
use crate::nearest::nearest;
use crate::pointer::pointer_to;

/// Names that a template may use.
pub(super) const ROOTS: [&str; 4] = ["context", "inputs", "results", "step"];

/// The steps whose results the templates in these settings name, each once, in order of appearance.
///
/// `results[context.x]` names nothing that is known before the step runs; [`check`] reports it.
pub fn results_named_in(config: &Value) -> Vec<String> {
    let (mut named, mut seen) = (Vec::new(), HashSet::new());
    each_text(config, "", &mut |_, text| {
        let steps = match parsed(text) {
            Ok(parsed) => {
                let results = Names::of(&parsed).paths.into_iter().filter(|path| path.root == "results");
                results.filter_map(|path| path.keys.into_iter().next()).collect()
            }
            Err(_) => results_in_words(text),
        };
        named.extend(steps.into_iter().filter(|step| seen.insert(step.clone())));
    });
    named
}

/// Everything wrong with the templates in these settings that can be known before they are rendered.
pub fn check(config: &Value) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    each_text(config, "", &mut |pointer, text| {
        let mut report =
            |code, message| problems.push(TemplateProblem { code, pointer: pointer.into(), message });
        match Program::new(text) {
            Err(reason) => report("invalid_template", reason),
            Ok(program) => {
                for message in unknown_names(program.names()) {
                    report("invalid_template", message);
                }
                let of_any = |path: &Path| path.root == "results" && path.keys.is_empty() && path.dynamic;
                if program.names().paths.iter().any(of_any) {
                    report("template_dynamic_result", DYNAMIC.into());
                }
            }
        }
    });
    problems
}

const DYNAMIC: &str = "results[...] must name its step as a text, such as results['my-step']: which results a step \
                       reads is settled before it runs";

/// Calls `visit` with the pointer and the source of every template.
fn each_text(value: &Value, pointer: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) if is_template(text) => visit(pointer, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &pointer_to(pointer, &index.to_string()), visit);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                each_text(item, &pointer_to(pointer, key), visit);
            }
        }
        _ => {}
    }
}

/// Messages about names that no template knows.
fn unknown_names(names: &Names) -> Vec<String> {
    let known = |name: &String| ROOTS.contains(&name.as_str()) || FUNCTIONS.contains(&name.as_str());
    let values = names.unset.iter().filter(|name| !known(name));
    let filters = names.filters.iter().filter(|name| !has_filter(name));
    let tests = names.tests.iter().filter(|name| !has_test(name));
    values
        .map(|name| not_known("name", name, nearest(name, ROOTS)))
        .chain(filters.map(|name| not_known("filter", name, None)))
        .chain(tests.map(|name| not_known("test", name, None)))
        .collect()
}

fn not_known(kind: &str, name: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("there is no {kind} {name}; did you mean {nearest}?"),
        None if kind == "name" => format!("there is no name {name}; templates know {}", ROOTS.join(", ")),
        None => format!("there is no {kind} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_are_found_wherever_they_are_named() {
        let config = json!({
            "url": "{{ context.shop }}/x/{{ results.reserve.body.id }}",
            "json": { "list": ["{{ results['my-step'].total + results.reserve.n }}", 1, null] },
            "headers": { "X": "{% if results[\"c\"].ok %}{% for i in results.d %}{{ i }}{% endfor %}{% endif %}" },
            "results.key": "results.text",
        });
        assert_eq!(results_named_in(&config), ["reserve", "my-step", "c", "d"]);
        assert_eq!(results_named_in(&json!({ "a": "{{ results[context.x] }}" })), [""; 0]);
    }

    fn problems(config: Value) -> Vec<(&'static str, String, String)> {
        check(&config).into_iter().map(|p| (p.code, p.pointer, p.message)).collect()
    }

    #[test]
    fn sound_templates_have_no_problems() {
        let config = json!({
            "a": "{{ context.x|default('y') }} {{ step.attempt }} {{ inputs }} {{ results }}",
            "b": "{% set n = 0 %}{% for i in range(3) %}{{ loop.index }}{{ i }}{% endfor %}{{ n }}",
            "c": "${VAR} and {field}",
            "e": "{% if context.a %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}",
            "d": "{{ dict(a=1) | tojson }}{{ context.q | urlencode }}",
        });
        assert_eq!(problems(config), []);
    }

    #[test]
    fn problems_tell_where_and_what() {
        let found = problems(
            json!({ "json": { "a/b": ["{{ context.x ", "{{ contxt.y }}"] }, "u": "{{ 1 | nope }}" }),
        );
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].0, found[0].1.as_str()), ("invalid_template", "/json/a~1b/0"));
        assert_eq!(found[1].2, "there is no name contxt; did you mean context?");
        assert_eq!(found[1].1, "/json/a~1b/1");
        assert_eq!(found[2].2, "there is no filter nope");
        assert_eq!(problems(json!({ "a": "{% set n = namespace() %}" }))[0].0, "invalid_template");
        for (template, name) in [
            ("{{ x }}{% set x = 1 %}", "x"),
            ("{% for i in context.a %}{{ loop.index }}{% endfor %}{{ i }}", "i"),
            ("{% for i in context.a %}{% else %}{{ loop.index }}{% endfor %}", "loop"),
            ("{% with x = 1 %}{{ x }}{% endwith %}{{ x }}", "x"),
        ] {
            let found = problems(json!({ "a": template }));
            assert_eq!(found.len(), 1, "{template}: {found:?}");
            assert!(found[0].2.starts_with(&format!("there is no name {name};")), "{found:?}");
        }
        assert_eq!(
            problems(json!({ "a": format!("{{{{ {}1 }}}}", "-".repeat(100_000)) }))[0].0,
            "invalid_template"
        );
        assert_eq!(problems(json!({ "a": "{{ 1 is nope }}" }))[0].2, "there is no test nope");
        let dynamic = problems(json!({ "url": "{{ results[context.x] }}" }));
        assert_eq!((dynamic[0].0, dynamic[0].1.as_str()), ("template_dynamic_result", "/url"));
        assert_eq!(problems(json!({ "url": "{% include 'x' %}" }))[0].0, "invalid_template");
    }
}
