//! Templates as they are rendered: their values, their errors, and those that must not get through.

use serde_json::json;

use super::super::program::{MAX_SOURCE_BYTES, MAX_STATEMENTS, MAX_TOKENS};
use super::*;

fn rendered(config: Value) -> Result<Value, TemplateError> {
    let context = json!({
        "order_id": 7, "big": u64::MAX, "half": 0.5, "name": "a<b>&\"c", "list": [1, {"x": null}], "none": null,
        "yes": true, "deep": { "order": { "total": 3 } },
    });
    rendered_with(&context, config)
}

fn rendered_with(context: &Value, config: Value) -> Result<Value, TemplateError> {
    let results = json!({ "reserve_stock": { "body": { "total": 12.5 } }, "my-step": [1, 2] });
    let scope = Scope {
        context,
        inputs: &json!({ "edited": 1 }),
        results: results.as_object().unwrap(),
        step: StepFacts { name: "s", attempt: 2, task_id: "t", idempotency_key: "t/s" },
    };
    super::super::render(&config, &scope)
}

fn check(template: &str, expected: Value) {
    assert_eq!(rendered(json!({ "v": [template] })).unwrap()["v"][0], expected, "{template}");
}

#[test]
fn one_expression_keeps_its_type() {
    check("{{ context.order_id }}", json!(7));
    check("{{ context.big }}", json!(u64::MAX));
    check(" {{- context.half -}}\n", json!(0.5));
    check("{{ context.none }}", json!(null));
    check("{{ context.yes and not false }}", json!(true));
    check("{{ context.list }}", json!([1, { "x": null }]));
    check("{{ context.deep }}", json!({ "order": { "total": 3 } }));
    check("{{ results.reserve_stock.body.total }}", json!(12.5));
    check("{{ results['my-step'][1] }}", json!(2));
    check("{{ step }}", json!({ "name": "s", "attempt": 2, "task_id": "t", "idempotency_key": "t/s" }));
    check("{{ inputs.edited + 1 }}", json!(2));
    check("{{ {'a': [context.order_id]} }}", json!({ "a": [7] }));
    check("{{ context.missing | default('x') }}", json!("x"));
    check("{{ range(3) }}", json!([0, 1, 2]));
}

#[test]
fn what_nests_as_deep_as_it_may_is_no_danger() {
    let most = MAX_TOKENS;
    let repeated = |suffix: &str| {
        let times = MAX_SOURCE_BYTES / MAX_STATEMENTS / suffix.len() - 5;
        let statement = format!("{{% set x = x{} %}}", suffix.repeat(times));
        format!("{{% set x = [1] %}}{}{{{{ x }}}}", statement.repeat(MAX_STATEMENTS - 1))
    };
    let branches = "{% elif context.yes %}".repeat(MAX_STATEMENTS - 2);
    for template in [
        format!("{{{{ {}1 }}}}", "-".repeat(most - 1)),
        format!("{{{{ {}1 }}}}", "not ".repeat(most - 1)),
        format!("{{{{ 1{} }}}}", "~1".repeat(most / 2 - 1)),
        format!("{{{{ 1{} }}}}", "|abs".repeat(most / 2 - 1)),
        format!("{{{{ context{} }}}}", "()".repeat(most / 2 - 1)),
        format!("{{{{ context{} }}}}", ".deep".repeat(most / 2 - 1)),
        format!("{{{{ [1]{} }}}}", "|batch(1)".repeat(most / 5 - 1)),
        format!("{{% if false %}}{branches}{{% endif %}}"),
        format!("{{% if false %}}{branches}{{{{ {}1 }}}}{{% endif %}}", "-".repeat(most - 1)),
        format!("{{% if false %}}{branches}{{{{ 1{} }}}}{{% endif %}}", "~1".repeat(most / 2 - 1)),
        format!("{{% set x = 1 %}}{}{{{{ x }}}}", "{% set x = [x] %}".repeat(MAX_STATEMENTS - 1)),
        format!("{{{{ [1]{} }}}}", "+[1]".repeat(most / 4 - 1)),
        format!("{{{{ [1]{} }}}}", "[:]".repeat(most / 3 - 1)),
        format!("{{{{ [1]{} }}}}", "*1".repeat(most / 2 - 2)),
        repeated("[:]"),
        repeated("|reverse"),
        repeated("|batch(1)"),
        repeated("|map('reverse')"),
    ] {
        let compiled = CompiledConfig::new(&json!([template]));
        assert!(compiled.is_ok(), "{compiled:?}");
        drop(rendered(json!([template])));
    }
    assert_eq!(
        rendered(json!(["{{ -".to_owned() + &"-".repeat(most) + "1 }}"])).unwrap_err().code(),
        "invalid_template"
    );
    check_failed(&format!("{{{{ [1]{} }}}}", "|batch(1)".repeat(70)), "nested deeper than 64 levels");
}

fn check_failed(template: &str, expected: &str) {
    let error = rendered(json!([template])).unwrap_err();
    assert_eq!(error.to_string(), format!("the template at /0 failed: {expected}"));
}

#[test]
fn anything_else_is_text_without_escaping() {
    check("#{{ context.order_id }}", json!("#7"));
    check("{{ context.name }}|", json!("a<b>&\"c|"));
    check("{{ context.none }}/{{ context.yes }}/{{ context.list }}", json!("null/true/[1,{\"x\":null}]"));
    check("{% for i in results['my-step'] %}{{ i }},{% endfor %}", json!("1,2,"));
    check("{{ 'a b/c' | urlencode }}!", json!("a%20b/c!"));
    check("no template, ${VAR}, {field}", json!("no template, ${VAR}, {field}"));
    check("x{{ 'y' if false }}", json!("x"));
}

#[test]
fn guards_change_no_value() {
    check("{{ [1, 2] * 2 + [3] }}", json!([1, 2, 1, 2, 3]));
    check("{{ (1, 2) * 2 ~ [1, 2][1:] }}", json!("(1, 2, 1, 2)[2]"));
    check("{{ [3, 1, 2] | sort | reverse | list }}", json!([3, 2, 1]));
    check("{{ [{'a': 2}, {'a': 1}] | min(attribute='a') }}", json!({ "a": 1 }));
    check("{{ {'b': 1, 'a': 2} | dictsort }}", json!([["a", 2], ["b", 1]]));
    check("{{ {'b': 1} | chain({'a': 2}) }}", json!({ "a": 2, "b": 1 }));
    check("{{ [1, 1, 2] | unique | map('string') | join('-') }}", json!("1-2"));
    check("{{ [1, 2, 3] | select('in', [2, 3]) | map('default', 1) | list | length }}", json!(2));
    check("{{ [{'a': 1}, {'a': 2}] | rejectattr('a', 'eq', 1) }}", json!([{ "a": 2 }]));
    check("{{ {'a': [1]} | tojson(indent=1) }}", json!("{\n \"a\": [\n  1\n ]\n}"));
    check(
        "{{ [[1, [2]]] | pprint }}",
        json!("[\n    [\n        1,\n        [\n            2,\n        ],\n    ],\n]"),
    );
    check("{{ 'x' in context.deep or 2 not in [1] and 'order' in context.deep }}", json!(true));
    let groups = "{% for g in [{'a': 1, 'b': 2}, {'a': 1, 'b': 3}] | groupby('a') %}{{ g.grouper }}:{{ g.list }}\
                  {% endfor %}{% for n, list in [{'a': 7}] | groupby('a') %} {{ n }}{% endfor %}";
    check(groups, json!("1:[{\"a\":1,\"b\":2},{\"a\":1,\"b\":3}] 7"));
    check("{% for g in [{}, {'a': 1}] | groupby('a') %}{{ g.list | length }}{% endfor %}!", json!("11!"));
    let entries = json!([["a", 1.5], ["b", 1_234_567_890_123_456_789_i64]]);
    check("{{ {'b': 1234567890123456789, 'a': 1.5} | dictsort }}", entries);
    check("{{--1}}", json!(-1));
    check(
        "{{ '**%d%%** %d%% 2024 %d%%(gr\u{f6}\u{df}e)' | format(50, 5, 6) }}",
        json!("**50%** 5% 2024 6%(gr\u{f6}\u{df}e)"),
    );
    check(
        "{{ [{'i': 1765432109876543210, 's': 0.5, 't': 'b'}, {'t': 'a'}] | sort(attribute='t') | map(attribute='t') | join }}",
        json!("ab"),
    );
    check(
        "{{ [{'a': 2, 'b': 1}, {'a': 1}] | sort(attribute='a', reverse=true) | map(attribute='a') | list }}",
        json!([2, 1]),
    );
    check(
        "{{ ['b', 'A', 'a'] | sort(case_sensitive=true) | join }}{{ ['b', 'A'] | sort | join }}",
        json!("AabAb"),
    );
    check("{{ ('a' if false) == 'b' or ('a' if false) in [1] or 1 in ('a' if false) }}", json!(false));
    check("{{ ('a' if false) | map('upper') | list }}", json!([]));
    check(
        "{{ '2024-%s:8080 ** %% %(n)5.1f Gr\u{fc}\u{df}e' | format({'n': 2.25}) }}",
        json!("2024-{'n': 2.25}:8080 ** %   2.2 Gr\u{fc}\u{df}e"),
    );
    check("{{ 'x' | map('upper') | list ~ [] | map('upper') }}", json!("['X'][]"));
    check("{{ 1 < 2 <= 2 and 3 not in [4] and 'b' > 'a' >= 'a' and 1 != 2 }}", json!(true));
    check("{{ [[1, [2]], {'a': [5]}][0][1][0] + [[3]][0][0] + {'a': [5]}['a'][0] }}", json!(10));
    check("{% set (a, b) = (1, 2) %}{% with c = a + b %}{{ c }}{% endwith %}.", json!("3."));
    check(
        "{% for k, v in context.deep | items if v %}{{ loop.index }}{{ k }}{% else %}{% endfor %}",
        json!("1order"),
    );
    check("{% filter upper %}{% set x | upper %}a{% endset %}b{{ x }}{% endfilter %}", json!("BA"));
    check(
        "{{ none is none and 1 is odd and [1] is sequence and 1 is in [1] and 'A' is upper }}",
        json!(true),
    );
    check(
        "{% do range(1) %}{{ -1 if not 1 == 2 < 3 else 0 }}{% autoescape false %}<{% endautoescape %}",
        json!("-1<"),
    );
}

#[test]
fn keys_and_other_values_stay_as_they_are() {
    let config = json!({ "{{ key }}": 1, "b": [true, null, 1.5], "page.html": "{{ context.name }}." });
    let expected = json!({ "{{ key }}": 1, "b": [true, null, 1.5], "page.html": "a<b>&\"c." });
    assert_eq!(rendered(config).unwrap(), expected);
}

fn fails(template: &str, code: &str, message: &str) {
    let error = rendered(json!({ "json": { "v": template } })).unwrap_err();
    assert_eq!((error.code(), error.pointer()), (code, "/json/v"), "{template}");
    assert_eq!(error.to_string(), message, "{template}");
}

#[test]
fn undefined_values_are_named_with_what_was_meant() {
    let code = "template_undefined";
    fails(
        "{{ context.oder_id }}",
        code,
        "the template at /json/v uses context.oder_id, which is not defined; did you mean context.order_id?",
    );
    fails(
        "x{{ context.deep.ordr.total }}",
        code,
        "the template at /json/v uses context.deep.ordr, which is not defined; did you mean context.deep.order?",
    );
    fails(
        "{{ results['my-stp'] }}",
        code,
        "the template at /json/v uses results['my-stp'], which is not defined; did you mean results['my-step']?",
    );
    fails("{{ context.zzz }}", code, "the template at /json/v uses context.zzz, which is not defined");
    fails("{{ context.zzz == 1 }}", code, "the template at /json/v uses context.zzz, which is not defined");
    fails("{{ 1 in context.zzz }}", code, "the template at /json/v uses context.zzz, which is not defined");
    fails(
        "{{ context.zzz | groupby('a') }}",
        code,
        "the template at /json/v uses context.zzz, which is not defined",
    );
    let other = "the template at /json/v uses context.yyy, which is not defined";
    fails("{% if context.zzz is defined %}{% endif %}{{ context.yyy }}", code, other);
    fails("{{ context.zzz | default(context.yyy) }}", code, other);
    fails("{{ context.name[0] ~ context.yyy }}", code, other);
    fails("{{ context.zzz[1] }}", code, "the template at /json/v uses context.zzz, which is not defined");
    check("{{ context.zzz is defined or context.zzz is undefined }}", json!(true));
    check("{{ context.zzz is defined and results.zzz is defined }}", json!(false));
    check("{{ context.zzz | default([1]) }}", json!([1]));
    fails("{{ [context.zzz] }}", code, "the template at /json/v uses context.zzz, which is not defined");
    fails("{{ 'a' if false }}", code, "the template at /json/v uses a value, which is not defined");
}

#[test]
fn work_and_size_are_limited() {
    let endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
    assert_eq!(
        rendered(json!({ "a": endless })).unwrap_err(),
        TemplateError::OutOfFuel { pointer: "/a".into() }
    );
    let large = format!("{{% for i in range(5000) %}}{}{{% endfor %}}", "x".repeat(1000));
    assert_eq!(
        rendered(json!({ "a": large })).unwrap_err(),
        TemplateError::TooLarge { pointer: "/a".into() }
    );
    let large = "{{ 'x' * 5000000 }}";
    assert_eq!(
        rendered(json!({ "a": large })).unwrap_err(),
        TemplateError::TooLarge { pointer: "/a".into() }
    );
    let error = rendered(json!({ "a": "{{ 'x' * 500000000 }}" })).unwrap_err();
    assert_eq!(error.code(), "template_fuel");
}

/// Each makes, from a few words, a value that takes all memory where it is written.
const ENORMOUS: [&str; 29] = [
    "{{ [[[[[[[[[[[[[[[[[[[[[0] * 100000]]]]]]]]]]]]]]]]]]]] | tojson(true) }}",
    "{{ [1] | tojson(indent=18446744073709551615) }}",
    "{{ ([1e308] * 400000) | map('string') | length }}",
    "{{ [1e308] * 900000 ~ '' }}",
    "{% set x = 'x' * 3000000 %}{% set x = x ~ x %}{{ x | length }}",
    "{{ ['a'] * 90000000 ~ '' }}",
    ".{{ 10 ~ 22 * 2 * 15e5 * ['b'] }}",
    "{{ ['a'] * context.many ~ '' }}",
    "x{{ ['a'] * context.many }}",
    "{{ ['a'] * context.many == ['a'] * context.many }}",
    "{{ 'b' in ['a'] * context.many }}",
    "{{ (['a'] * context.many) | sort }}",
    "{{ (['a'] * context.many) | join }}",
    "{{ {(['a'] * context.many): 1} }}",
    "{{ context.deep[['a'] * context.many] }}",
    "{% set x = context.wide %}{{ [x, x, x, x, x] ~ '' }}",
    "{% set x = context.wide %}{{ (x, x, x, x, x) ~ '' }}",
    "{% set x = context.wide %}{{ {'a': x, 'b': x, 'c': x, 'd': x, 'e': x} ~ '' }}",
    "{{ [1] | batch(100, context.wide) ~ '' }}",
    "{{ (['x' * 1000000] * 5) | length }}",
    "{% set x = [[[[[[[[1]]]]]]]] * 9999 %}{{ [x, x, x, x] | length }}",
    "{{ [[10 ** 38] * 500] * 500 }}",
    "{{ context.wide | tojson(indent=900000000000) }}",
    "{{ [[[[[[[[[0] * 200000]]]]]]]] | pprint }}",
    "{{ ('%(a)s' * 20000) | format({'a': 'x' * 4000000}) }}",
    "{{ 'a' | indent(20000000) }}",
    "{% for i in range(100000) %}{{ 'x' * 100 }}{% endfor %}!",
    "{% for i in range(100000) %}------------------------------------------------------{% endfor %}!",
    "{% set x %}{% for i in range(100000) %}{{ 'x' * 100 }}{% endfor %}{% endset %}!",
];

/// Each goes, from a few words, through values for hours, or copies too much.
const ENDLESS: [&str; 52] = [
    "{{ ('x' * 3900000) | map('map', 'batch', 1) | length }}",
    "{{ ('x' * 500000) | select('startingwith', context.wide) | length }}",
    "{{ ('x' * 1000000) | sum(attribute='a' * 3000000) }}",
    "{{ ('x' * 1500000) | sum(start='') | length }}",
    "{% set l = [['\\u0001' * 1000000]] %}{% for i in range(99999) %}{{ l | select('startingwith', 'x') | list | length }}{% endfor %}",
    "{% set l = [['\\u0001' * 1000000]] %}{% for i in range(99999) %}{{ l | select('in', 'x') | list | length }}{% endfor %}",
    "{% set l = ['\\u0001' * 1000000] %}{% for i in range(99999) %}{{ ['a'] | join(l) | length }}{% endfor %}",
    "{% set p = '0.' * 500000 ~ '0' %}{{ (['x'] * 800) | sort(attribute=p) | length }}",
    "{{ (['aaaaaaaa'] * 400000) | sum(none, none, start='') | length }}",
    "{% set x = 'x' * 4000000 %}{% for i in range(99999) %}{{ x is iterable }}{% endfor %}",
    "{% set l = ['x' * 4000000] %}{% for i in range(99999) %}{{ l | map('length') | sum }}{% endfor %}",
    "{% set l = ['x' * 4000000] %}{% for i in range(99999) %}{{ l | map(attribute='3999999') | length }}{% endfor %}",
    "{% set l = [{'a': 'x' * 3900000}] %}{% for i in range(99999) %}{{ l | selectattr('a.3899999') | list | length }}{% endfor %}",
    "{% set l = ['\\u0001' * 1000000] %}{% for i in range(99999) %}{{ l is startingwith('x') }}{% endfor %}",
    "{% set x = 'x' * 2000000 %}{% for i in range(99999) %}{{ x is upper }}{% endfor %}",
    "{% set l = ['x' * 1000000] %}{% for i in range(99999) %}{{ l | map('title') | length }}{% endfor %}",
    "{{ ([[0]] * 60) | map('tojson', indent=1900000) | length }}",
    "{{ range(1000) | sort(attribute='a,' * 60000) | length }}",
    "{% set l = ['x' * 4000000] %}{% for i in range(99999) %}{{ l[0][3999999] }}{% endfor %}",
    "{% for g in range(20000) | groupby('a') %}{% for i in range(99999) %}{{ g.list[-1] }}{% endfor %}{% endfor %}",
    "{% for g in range(20000) | groupby('a') %}{% for i in range(99999) %}{{ g.list | attr(19999) }}{% endfor %}{% endfor %}",
    "{{ ([1.1e-3] * 600000) | map('round', -1) | length }}",
    "{{ ([1.1e-3] * 600000) | map('round', precision=1074) | length }}",
    "{% set x = {'x' * 1000000: 1} %}{% for i in range(90000) %}{% set y = [x] %}{% endfor %}",
    "{{ (1, 2) * context.many }}",
    "{{ dict(a=context.wide, b=context.wide, c=context.wide, d=context.wide, e=context.wide) ~ '' }}",
    "{% set x = context.wide %}{{ x | chain(x, x, x) | length }}",
    "{{ context.deep | chain(*([{}] * 100000)) | length }}",
    "{{ [] | slice(1990000, 0) | length }}",
    "{{ ([[1]] * 10000) | map('batch', 1000000, 0) | length }}",
    "{{ range(1000) | sort(attribute='a,' * 1000000) | length }}",
    "{{ range(99999) | sum(attribute='a' * 1000000) }}",
    "{{ range(99999) | map(attribute=context.wide) | length }}",
    "{{ range(99999) | select('in', [context.wide]) | length }}",
    "{{ range(99999) | map('select', 'in', [context.wide]) | length }}",
    "{{ (['a'] * 600000) | sum(start='') | length }}",
    "{{ (['a' * 3000000] + ['b'] * 200000) | min | length }}",
    "{{ ('y' * 1000000) | trim('x' * 1000000 ~ 'y') }}",
    "{% set x = [context.wide] %}{% for i in range(99999) %}{{ x == [context.wide] }}{% endfor %}",
    "{% for i in range(99999) %}{{ context.wide == context.wide == context.wide }}{% endfor %}",
    "{% for i in range(99999) %}{{ context.wide in [1] and context.wide is in([1]) }}{% endfor %}",
    "{% for i in range(99999) %}{{ [context.wide] is startingwith('x') }}{% endfor %}",
    "{% for i in range(99999) %}{{ loop.changed(context.wide) }}{% endfor %}",
    "{% for i in range(99999) %}{{ context.deep[context.wide] is defined }}{% endfor %}",
    "{% for i in range(99999) %}{{ [context.wide, context.wide] | max | length }}{% endfor %}",
    "{% for i in range(99999) %}{{ [] | map('default', context.wide) | length }}{% endfor %}",
    "{% for i in range(99999) %}{{ 'a' | indent(999999) | length }}{% endfor %}",
    "{% for i in range(99999) %}{{ 1.1e-300 | round(1074) }}{% endfor %}",
    "{% set x = 'x' * 1000000 %}{% for i in range(99999) %}{{ x[999999] }}{% endfor %}",
    "{% set x = 'x' * 1000000 %}{% for i in range(99999) %}{{ x[-1:] }}{% endfor %}",
    "{% set x = 'x' * 1000000 %}{% for i in range(99999) %}{{ {x: 1} | length }}{% endfor %}",
    "{% set x = 'x' * 1000000 %}{% for i in range(99999) %}{{ 'a' | replace(x, x) }}{% endfor %}",
];

#[test]
fn no_value_takes_all_memory_or_time() {
    let context = json!({ "many": 90_000_000, "wide": vec![0; 500_000], "deep": {} });
    let large = ENORMOUS.map(|template| (template, "template_too_large"));
    let endless = ENDLESS.map(|template| (template, "template_fuel"));
    for (template, code) in large.into_iter().chain(endless) {
        drop(super::super::check(&json!([template])));
        let error = rendered_with(&context, json!([template])).unwrap_err();
        assert_eq!(error.code(), code, "{template}: {error}");
    }
}

#[test]
fn what_the_engine_cannot_bear_fails() {
    check_failed("{{ '%.70000f' | format(1) }}", "format: a width is beyond 999");
    check_failed("{{ '%*d' | format(70000, 1) }}", "format: a width has to be a number, not *");
    check_failed("{{ '%(é)s' | format({'é': 1}) }}", "format: the name é has to be ASCII");
    check_failed("{{ range(9223372036854775807, -2, -1) }}", "range: a number is beyond 2^53");
    check_failed(
        "{{ ([1e30, 18446744073709551615] * 20) | sort }}",
        "integers beyond 2^53 cannot be ordered among floats",
    );
    check_failed("{{ 1 in 5 }}", "nothing can be looked for in a value of type number");
    check_failed("{{ [1] | map('nope') }}", "filter nope is unknown");
    check_failed("{{ 1 is nope }}", "test nope is unknown");
    check("{{ 'abc'[::-9223372036854775808] }}", json!("c"));
    check_failed(
        "{{ ([{'k': 18446744073709551615}, {}] * 20) | groupby('k', default=1.0) }}",
        "integers beyond 2^53 cannot be ordered among floats",
    );
    check_failed("{{ '%(\u{e9}' | format(1) }}", "format: the name \u{e9} has to be ASCII");
    check_failed("{{ '%(a%b).70000f' | format({'a%b': 1}) }}", "format: a width is beyond 999");
    check_failed("{{ {10 ** 30: 1} }}", "keys are texts, or numbers of 64 bits");
    check_failed("{{ {(1, 2): 1} }}", "keys are texts, or numbers of 64 bits");
    check_failed("{{ {'nan' | float: 1} }}", "keys are texts, or numbers of 64 bits");
    let items = "([{'a': {'b': 9}}, {'a': {'b': 5}}] * 4 + [{}] * 4 + [{'a': {'b': 1}}] * 12)";
    for key in ["a.b", "a.b,", ", a.b"] {
        let sorted =
            format!("{{{{ {items} | sort(attribute='{key}') | map(attribute='a.b', default=0) | join }}}}");
        check(&sorted, json!("000011111111111155559999"));
    }
    let endless = |name: &str| format!("{{{{ 'a' | {name}('{name}', *(['{name}'] * 2600)) }}}}");
    check_failed(&endless("map"), "nested deeper than 64 levels");
    check_failed("{{ [1] | map('(filter)', 'abs') }}", "filter (filter) is unknown");
    check_failed("{{ [1] | select('(test)', '(test)') }}", "test (test) is unknown");
    for cycle in ["loop.cycle()", "loop.cycle(*[])", "loop['cycle'](*[])"] {
        let template = format!("{{% for i in [1] %}}{{{{ {cycle} }}}}{{% endfor %}}");
        assert!(rendered(json!([template])).is_err());
    }
    check("{% for i in [1] %}{% do loop.changed(loop) %}{% endfor %}!", json!("!"));
}

#[test]
fn ordinary_work_on_thousands_of_values_is_within_the_limits() {
    let order = |n| json!({ "id": n, "sku": format!("s{n}"), "total": n, "note": "n".repeat(50) });
    let context = json!({
        "list": (0..1500).collect::<Vec<_>>(),
        "table": (0..1000).map(|n| (format!("k{n}"), json!(n))).collect::<Map<_, _>>(),
        "rows": vec![vec![1; 1500]; 20],
        "customers": (0..500).map(order).collect::<Vec<_>>(),
        "orders": (0..1000).map(order).collect::<Vec<_>>(),
    });
    for template in [
        "{% for i in range(1500) %}{{ context.list[i] }}{{ context['list'] is defined }}{% endfor %}",
        "{% for i in range(1000) %}{{ context.table['k' ~ i] }}{{ i in context.table }}{% endfor %}",
        "{% for i in range(500) %}{{ i in context.list }}{% endfor %}",
        "{% for r in range(20) %}{% for c in range(500) %}{{ context.rows[r][c] }}{% endfor %}{% endfor %}",
        "{% for o in context.orders if o.sku != 's7' and o.total > 3 %}{{ o.sku | upper ~ o.note }}{% endfor %}",
        "{{ context.orders | sum(attribute='total') + context.orders | map(attribute='id') | sum }}",
        "{{ context.orders | selectattr('id', 'in', context.list) | map(attribute='id') | list | length }}",
        "{{ context.orders | sort(attribute='note') | unique(attribute='sku') | groupby('note') | length }}",
        "{% for o in context.orders[:500] %}{{ (context.customers | selectattr('id', 'eq', o.id) | first).note }}{% endfor %}",
        "{% for a, b in context.list | zip(context.list) %}{{ a + b }}{% endfor %}",
        "{{ context.orders | chain(context.orders) | list | length }}{{ context.table | chain({'a': 1}) | length }}",
        "{{ context.rows | sum(start=[]) | length }}{{ context.orders | tojson(indent=2) | length }}",
        "{{ '%05d %-8.2f %s' | format(42, 1.5, context.orders[0].note) | indent(4) | trim }}",
    ] {
        assert_eq!(super::super::check(&json!([template])), [], "{template}");
        rendered_with(&context, json!([template])).unwrap_or_else(|error| panic!("{template}: {error}"));
    }
}

#[test]
fn what_cannot_be_done_fails_with_its_reason() {
    assert_eq!(rendered(json!({ "a": "{{ 1 + {} }}" })).unwrap_err().code(), "template_failed");
    assert_eq!(rendered(json!({ "a": "{{ 1 | nope }}" })).unwrap_err().code(), "template_failed");
    assert_eq!(rendered(json!({ "a": "{{ 1 +" })).unwrap_err().code(), "invalid_template");
}

#[test]
fn it_is_known_which_names_are_used() {
    let compiled = CompiledConfig::new(&json!({ "a": "{{ results.x }}", "b": "context" })).unwrap();
    assert!(compiled.uses("results") && compiled.reads("x"));
    assert!(!compiled.uses("context") && !compiled.reads("y"));
    assert!(CompiledConfig::new(&json!(["{{ results | length }}!"])).unwrap().reads("y"));
}
