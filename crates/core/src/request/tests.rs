//! What requests may say, and everything that is told when they say something else.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::driver::{SMALL, define, start};

fn schema() -> serde_json::Value {
    json!({
        "type": "object",
        "required": ["order_id"],
        "properties": {"order_id": {"type": "integer"}, "currency": {"type": "string", "default": "EUR"}},
    })
}

fn shop() -> Arc<Plan> {
    define(&SMALL, |definition| definition.schema(schema()).priority(3), |step| step)
}

fn skippable() -> Arc<Plan> {
    define(&SMALL, |definition| definition, |step| step.skippable(true))
}

fn task_id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

fn request(text: serde_json::Value) -> TaskRequest {
    let mut whole = json!({"name": "shape", "context": {}});
    whole.as_object_mut().unwrap().extend(text.as_object().unwrap().clone());
    TaskRequest::from_json(&whole.to_string()).unwrap()
}

fn submit_to(plan: &Arc<Plan>, request: TaskRequest) -> Result<Submission, Vec<RequestProblem>> {
    let schema = ContextSchema::compile(&plan.definition).unwrap();
    let acceptance = Acceptance {
        schema: schema.as_ref(),
        id: task_id(1),
        identity: &IdentityStrategy::Default,
        max_context_bytes: 1_000,
    };
    submission(request, plan, &acceptance)
}

/// `code pointer` of every problem of a request.
fn problems(plan: &Arc<Plan>, text: serde_json::Value) -> Vec<String> {
    match submit_to(plan, request(text)) {
        Ok(submission) => panic!("accepted: {submission:?}"),
        Err(problems) => {
            problems.iter().map(|problem| format!("{} {}", problem.code, problem.pointer)).collect()
        }
    }
}

/// Lines of everything wrong with the shape of a request.
fn misread(text: &str) -> Vec<String> {
    TaskRequest::from_json(text).unwrap_err().iter().map(|p| format!("{}: {p}", p.code)).collect()
}

#[test]
fn a_request_that_says_little_gets_the_defaults() {
    let submission = submit_to(&shop(), request(json!({"context": {"order_id": 7}}))).unwrap();
    assert_eq!((submission.id, submission.latest, submission.priority.get()), (task_id(1), true, 3));
    assert_eq!(submission.initiator, "unknown");
    assert_eq!((submission.source_system.as_str(), submission.reason.as_str()), ("unknown", "unknown"));
    assert_eq!(submission.context.as_str(), r#"{"order_id":7,"currency":"EUR"}"#);
    assert_eq!((submission.not_before, submission.requested_at, submission.bypass), (None, None, vec![]));
}

#[test]
fn a_request_that_says_everything_is_taken_at_its_word() {
    let whole = request(json!({
        "namespace": "default", "version": "0.1.0", "context": {"a": [1, 2]}, "initiator": "ann",
        "source_system": "shop", "reason": "new order", "tags": ["vip"], "bypass_steps": ["four", "two", "four"],
        "priority": 0, "not_before": "2026-01-31T10:00:00+01:00", "requested_at": "2026-01-31T09:00:00Z",
        "correlation_id": "c-1", "id": "00000000-0000-0000-0000-000000000009",
    }));
    let submission = submit_to(&skippable(), whole).unwrap();
    assert_eq!((submission.id, submission.latest, submission.priority.get()), (task_id(9), false, 0));
    assert_eq!((submission.initiator.as_str(), submission.source_system.as_str()), ("ann", "shop"));
    assert_eq!((submission.reason.as_str(), submission.tags), ("new order", vec!["vip".to_owned()]));
    assert_eq!(submission.bypass, [Ordinal(1), Ordinal(3)]);
    assert_eq!((submission.not_before, submission.requested_at), (Some(start()), Some(start())));
    assert_eq!(submission.correlation_id.as_deref(), Some("c-1"));
}

#[test]
fn dom_20_every_broken_rule_of_the_schema_is_told() {
    assert_eq!(
        problems(&shop(), json!({"context": {"currency": 7}})),
        ["schema /context/order_id", "schema /context/currency"]
    );
    let strict = define(&SMALL, |d| d.schema(schema()).context_strict(true), |step| step);
    assert_eq!(problems(&strict, json!({"context": {"extra": 1}})).len(), 2);
}

#[test]
fn api_8_a_context_is_an_object() {
    for context in [json!("text"), json!([]), json!(null), json!(7), json!(true)] {
        assert_eq!(problems(&skippable(), json!({"context": context})), ["not_an_object /context"]);
    }
    assert!(submit_to(&skippable(), request(json!({}))).is_ok(), "an empty one is fine");
}

#[test]
fn dom_32_only_skippable_steps_can_be_bypassed() {
    let plan = define(&SMALL, |d| d, |step| step);
    let broken = submit_to(&plan, request(json!({"bypass_steps": ["two", "thre", "zzz"]}))).unwrap_err();
    let lines: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "bypass_steps.0: step \"two\" of default.shape@0.1.0 is not skippable (leave it out of bypass_steps, or set `skippable: true` in the definition)",
            "bypass_steps.1: default.shape@0.1.0 has no step \"thre\" (did you mean \"three\"?)",
            "bypass_steps.2: default.shape@0.1.0 has no step \"zzz\"",
        ]
    );
    assert!(broken.iter().all(|problem| problem.code == "bypass_steps"));
}

#[test]
fn the_ids_before_and_behind_all_others_are_of_no_task() {
    for id in ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
        assert_eq!(problems(&skippable(), json!({"id": id})), ["invalid_id /id"]);
    }
}

#[test]
fn api_13_texts_have_at_most_128_characters_of_any_size() {
    let longest = "😀".repeat(128);
    for field in ["initiator", "source_system", "reason", "correlation_id"] {
        assert!(submit_to(&skippable(), request(json!({field: longest}))).is_ok());
        assert_eq!(
            problems(&skippable(), json!({field: format!("{longest}x")})),
            [format!("too_long /{field}")]
        );
    }
}

#[test]
fn tags_are_counted_and_measured() {
    let tags = |n: usize| json!({"tags": vec!["t"; n]});
    assert!(submit_to(&skippable(), request(tags(64))).is_ok());
    assert_eq!(problems(&skippable(), tags(65)), ["too_many /tags"]);
    assert_eq!(problems(&skippable(), json!({"tags": ["ok", "x".repeat(129)]})), ["too_long /tags/1"]);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let found = problems(
        &shop(),
        json!({"context": {"order_id": "x"}, "priority": 10, "reason": "r".repeat(129), "bypass_steps": ["one"]}),
    );
    assert_eq!(
        found,
        [
            "schema /context/order_id",
            "bypass_steps /bypass_steps/0",
            "out_of_range /priority",
            "too_long /reason"
        ]
    );
}

#[test]
fn a_context_has_a_largest_size_with_and_without_defaults() {
    let of = |bytes: usize| json!({"context": {"order_id": 1, "note": "x".repeat(bytes)}});
    let overhead = r#"{"order_id":1,"note":""}"#.len();
    assert_eq!(problems(&skippable(), of(1_001 - overhead)), ["too_large /context"]);
    assert!(submit_to(&skippable(), request(of(1_000 - overhead))).is_ok());
    assert_eq!(problems(&shop(), of(1_000 - overhead)), ["too_large /context"], "the default is added");
}

#[test]
fn the_content_digest_tells_requests_apart_but_not_times() {
    let digest = |text| submit_to(&skippable(), request(text)).unwrap().content;
    let plain = digest(json!({}));
    assert_eq!(
        plain,
        digest(json!({"initiator": "unknown", "requested_at": "2026-01-31T09:00:00Z", "tags": []}))
    );
    assert_eq!(
        digest(json!({"bypass_steps": ["one", "two"]})),
        digest(json!({"bypass_steps": ["two", "one"]}))
    );
    for other in [
        json!({"reason": "r"}),
        json!({"priority": 5}),
        json!({"context": {"a": 1}}),
        json!({"version": "0.1.0"}),
    ] {
        assert_ne!(digest(other.clone()), plain, "{other}");
    }
}

#[test]
fn api_3_latest_is_the_same_as_no_version() {
    assert_eq!(request(json!({"version": "latest"})).version, None);
    assert_eq!(request(json!({"version": null})).version, None);
}

#[test]
fn the_place_of_an_unknown_field_is_a_pointer() {
    let problems = TaskRequest::from_json(r#"{"a/b~c": 1}"#).unwrap_err();
    assert_eq!(problems[0].pointer, "/a~1b~0c");
}

#[test]
fn api_7_api_14_api_15_a_request_of_another_shape_is_told_in_full() {
    assert_eq!(
        misread(
            r#"{"nam": "x", "colour": 1, "tags": ["a", 5], "priority": "high", "version": "1", "not_before": "noon", "id": "7", "status": "pending"}"#
        ),
        [
            "unknown_field: nam: there is no field \"nam\" (did you mean \"name\"?)",
            "unknown_field: colour: there is no field \"colour\" (the fields are name, namespace, version, context, initiator, source_system, reason, tags, bypass_steps, priority, not_before, requested_at, correlation_id, id)",
            "unknown_field: status: there is no field \"status\" (the fields are name, namespace, version, context, initiator, source_system, reason, tags, bypass_steps, priority, not_before, requested_at, correlation_id, id)",
            "blank: name: a request must name its definition",
            "invalid_version: version: \"1\" is not a valid version: SemVer, such as 1.0.0 or 2.1.0-rc.1, at most 32 characters",
            "blank: context: a request must have a context, a JSON object; it may be {}",
            "wrong_type: tags.1: must be text, but is a number",
            "wrong_type: priority: must be a whole number, but is text",
            "invalid_time: not_before: \"noon\" is not an RFC 3339 time, such as 2026-01-31T09:00:00Z",
            "invalid_id: id: \"7\" is not a UUID",
        ]
    );
    for (text, expected) in [
        (r#"{"name": "", "context": {}}"#, "blank: name: a request must name its definition"),
        (r#"{"name": 7, "context": {}}"#, "wrong_type: name: must be text, but is a number"),
        (
            r#"{"name": "a", "context": {}, "tags": "x"}"#,
            "wrong_type: tags: must be a list of text, but is text",
        ),
        (
            r#"{"name": "a", "context": {}, "priority": 300}"#,
            "out_of_range: priority: a priority is 0 to 9, lower first, but is 300",
        ),
    ] {
        assert_eq!(misread(text), [expected]);
    }
}

#[test]
fn api_16_api_17_text_that_is_no_json_object_is_one_problem() {
    for text in [
        r#"{"name": "#,
        "[]",
        "",
        r#"{"name": "a", "context": {"k": 1, "k": 2}}"#,
        r#"{"name":"a","name":"b","context":{}}"#,
    ] {
        let found = misread(text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].starts_with("invalid_json: not a valid request: "), "{}", found[0]);
    }
    assert!(
        misread(r#"{"name":"a","name":"b","context":{}}"#)[0].contains("the field \"name\" stands twice")
    );
}

#[test]
fn api_23_a_nul_is_refused_wherever_it_stands() {
    for text in [r#"{"name":"a","context":{"n":"\u0000"}}"#, r#"{"name":"a","context":{},"reason":"\u0000"}"#]
    {
        assert!(TaskRequest::from_json(text).is_err(), "{text}");
    }
    let mut built = TaskRequest::new(Namespace::default(), DefinitionName::new("shape").unwrap());
    built.reason = Some("a\0b".into());
    let found = submit_to(&skippable(), built).unwrap_err();
    assert_eq!((found[0].code, found[0].pointer.as_str()), ("invalid_text", "/reason"));
}

#[test]
fn the_json_form_leads_back_to_the_request() {
    let whole = request(
        json!({"tags": ["a"], "priority": 2, "context": {"z": 1, "a": 2}, "not_before": "2026-01-31T09:00:00Z"}),
    );
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(
        text,
        r#"{"name":"shape","namespace":"default","context":{"z":1,"a":2},"tags":["a"],"priority":2,"not_before":"2026-01-31T09:00:00.000000Z"}"#
    );
    assert_eq!(serde_json::from_str::<TaskRequest>(&text).unwrap(), whole);
    let error = serde_json::from_str::<TaskRequest>(r#"{"name":"a"}"#).unwrap_err();
    assert!(error.to_string().starts_with("context: a request must have a context"), "{error}");
}
