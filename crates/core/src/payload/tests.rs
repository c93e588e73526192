//! What is a payload and what is not, and that all ways in agree.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(Payload::parse(text, 4096).as_ref().map(Payload::as_str), Ok(expected), "{text}");
}

fn check_error(text: &str, expected: PayloadError) {
    assert_eq!(Payload::parse(text, DEFAULT_MAX_BYTES), Err(expected), "{text:.200}");
}

fn check_syntax(text: &str) {
    let error = Payload::parse(text, 4096).unwrap_err();
    assert_eq!(error.code(), "invalid_json", "{text}: {error}");
    assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
}

#[test]
fn text_is_written_compactly_with_keys_in_their_order() {
    check(
        " { \"b\" : [ 1 , true , null ] ,\r\n\t\"a\" : { } , \"c\": [ ] } ",
        r#"{"b":[1,true,null],"a":{},"c":[]}"#,
    );
    check("false", "false");
    check(r#""x""#, r#""x""#);
}

#[test]
fn strings_have_one_form() {
    check(r#""\u0041\/\u00e4\ud83d\ude00""#, "\"A/ä😀\"");
    check(
        r#""\"\\\b\f\n\r\t\u0008\u000c\u000a\u000d\u0009\u001F\u007f""#,
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\b\\f\\n\\r\\t\\u001f\u{7f}\"",
    );
    check(r#"{"\u0061":1}"#, r#"{"a":1}"#);
}

#[test]
fn numbers_have_one_form() {
    let long = "0.1000000000000000055511151231257827021181583404541015625";
    for (given, written) in [
        ("0", "0"),
        ("-1", "-1"),
        ("-0", "-0.0"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.50", "1.5"),
        ("1e3", "1000.0"),
        ("1E-2", "0.01"),
        ("1e300", "1e+300"),
        ("123456789.12345679", "123456789.12345679"),
        (long, "0.1"),
    ] {
        check(given, written);
    }
}

#[test]
fn numbers_beyond_64_bits_are_refused() {
    for text in ["1e400", "-1e400", "18446744073709551616", "-9223372036854775809", "[1,{\"a\":1e140000}]"] {
        check_error(text, PayloadError::NumberOutOfRange);
    }
    check_error(&"9".repeat(100_000), PayloadError::NumberOutOfRange);
}

#[test]
fn text_that_databases_cannot_store_is_refused() {
    for text in [
        r#""a\u0000b""#,
        "\"a\0b\"",
        r#"{"\u0000":1}"#,
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\u0041""#,
        r#""\ude00\ud83d""#,
    ] {
        check_error(text, PayloadError::InvalidText);
    }
}

#[test]
fn a_key_may_stand_once_in_an_object() {
    check_error(r#"{"a":1,"b":2,"a":3}"#, PayloadError::DuplicateKey("a".into()));
    check_error(r#"[{"x":{"\u0061\"":1,"a\"":2}}]"#, PayloadError::DuplicateKey("a\"".into()));
    check(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#, r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}"#);
    let many: Vec<_> = (0..10_000).map(|i| format!("\"k{}\":0", i % 9_999)).collect();
    check_error(&format!("{{{}}}", many.join(",")), PayloadError::DuplicateKey("k0".into()));
}

#[test]
fn depth_is_limited_and_never_overflows_the_stack() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    check(&nested(64), &nested(64));
    check_error(&nested(65), PayloadError::TooDeep);
    let open = "[".repeat(10_000_000);
    assert_eq!(Payload::parse(&open, usize::MAX), Err(PayloadError::TooDeep));
    let open = "{\"a\":".repeat(1_000_000);
    assert_eq!(Payload::parse(&open, usize::MAX), Err(PayloadError::TooDeep));
}

#[test]
fn size_is_looked_at_first() {
    assert_eq!(Payload::parse("[1,", 2), Err(PayloadError::TooLarge { bytes: 3, limit: 2 }));
    assert_eq!(Payload::parse("1e5", 4), Err(PayloadError::TooLarge { bytes: 8, limit: 4 }));
    assert_eq!(Payload::from_value(&json!("abc"), 4), Err(PayloadError::TooLarge { bytes: 5, limit: 4 }));
    assert_eq!(Payload::parse("\"ab\"", 4).unwrap().len(), 4);
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:1}",
        "}",
        "]",
        "[}",
        "{]",
        "nul",
        "nulll",
        "True",
        "NaN",
        "01",
        "-",
        "-a",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "--1",
        "\"",
        "\"abc",
        "\"\\",
        "\"\\x\"",
        "\"\\u00g0\"",
        "\"\\u00",
        "\"\n\"",
        "1 1",
        "'a'",
        "// c\n1",
        "\u{feff}1",
        "\u{a0}1",
    ] {
        check_syntax(text);
    }
}

#[test]
fn a_syntax_error_says_where() {
    let error = Payload::parse("{\n  \"a\": tru\n}", 100).unwrap_err();
    assert_eq!(error.to_string(), "not valid JSON: expected a value at line 2 column 8");
    let error = Payload::parse("[1", 100).unwrap_err();
    assert_eq!(error.to_string(), "not valid JSON: expected `,` or `]`, but the text ends");
}

#[test]
fn a_context_is_an_object() {
    assert_eq!(Payload::object(" {} ", 10), Ok(Payload::empty_object()));
    for (text, what) in [
        ("[]", "an array"),
        ("\"a\"", "a string"),
        ("null", "null"),
        ("true", "a boolean"),
        ("-1", "a number"),
    ] {
        assert_eq!(Payload::object(text, 10), Err(PayloadError::NotAnObject(what)));
    }
}

#[test]
fn values_pass_the_same_rules() {
    assert_eq!(
        Payload::from_value(&json!({"b": [1.0, "ä\n"], "a": {}}), 99).unwrap().as_str(),
        "{\"b\":[1.0,\"ä\\n\"],\"a\":{}}"
    );
    assert_eq!(Payload::from_value(&json!({"a\0": 1}), 99), Err(PayloadError::InvalidText));
    let deep = (0..65).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(Payload::from_value(&deep, 999), Err(PayloadError::TooDeep));
    assert!(Payload::from_value(&deep[0], 999).is_ok());
}

#[test]
fn a_payload_within_a_document_passes_the_same_rules() {
    let read = |text: &str| serde_json::from_str::<Vec<Payload>>(text).map_err(|e| e.to_string());
    assert_eq!(read(r#"[{"b": [1, -2, 0.5, "x", null, true], "a": {}}]"#).unwrap()[0].as_str(), {
        r#"{"b":[1,-2,0.5,"x",null,true],"a":{}}"#
    });
    assert!(read(r#"[{"a":1,"a":2}]"#).unwrap_err().contains("stands twice"));
    assert!(read(r#"["\u0000"]"#).unwrap_err().contains("NUL"));
    assert!(read(&format!("[{}{}]", "[".repeat(65), "]".repeat(65))).unwrap_err().contains("deeper"));
}

fn json_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from)];
    let float = any::<f64>().prop_filter_map("finite", |x| x.is_finite().then(|| Value::from(x)));
    let text = "[^\0]{0,8}".prop_map(Value::from);
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, float, text];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[^\0]{0,4}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_went_in(value in json_value()) {
        let payload = Payload::from_value(&value, usize::MAX).unwrap();
        prop_assert_eq!(payload.to_value(), value.clone());
        prop_assert_eq!(payload.as_str(), value.to_string());
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(&Payload::parse(&pretty, usize::MAX).unwrap(), &payload);
        prop_assert_eq!(&serde_json::from_str::<Payload>(&pretty).unwrap(), &payload);
    }

    #[test]
    fn any_text_is_json_for_both_readers_or_for_none(
        text in r#"[\[\]{}:,"0-9eE.+ntfrualse\\/ \-]{0,14}"#,
    ) {
        match Payload::parse(&text, usize::MAX) {
            Ok(payload) => prop_assert_eq!(payload.to_value(), serde_json::from_str::<Value>(&text).unwrap()),
            Err(PayloadError::Syntax(_)) => prop_assert!(serde_json::from_str::<Value>(&text).is_err()),
            Err(_) => {}
        }
    }
}
