//! Payloads: what is accepted is JSON for everybody else too, has one written form, and comes back as it was; what is
//! refused breaks the rule that is named. Masking and cutting leave something that can be stored.

use serde_json::Value;
use tasker_core::masking::mask_value;
use tasker_core::payload::{DEFAULT_MAX_BYTES, MAX_DEPTH, Payload, PayloadError};
use tasker_core::text::storable;

use crate::text;

/// Checks a text.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    text_is_made_storable(text);
    let other = serde_json::from_str::<Value>(text);
    match Payload::parse(text, DEFAULT_MAX_BYTES) {
        Ok(payload) => {
            let value = other.expect("what is accepted is JSON");
            has_one_form(text, &payload, &value);
            limits_hold(text, &payload);
            masking_leaves_a_payload(value);
        }
        Err(PayloadError::Syntax(reason)) => {
            let is_broken = other.is_err() || holds_control_character(text);
            assert!(is_broken, "another parser reads it, but: {reason}");
        }
        Err(PayloadError::DuplicateKey(key)) => {
            let written = Value::from(key.as_str()).to_string();
            assert!(text.contains(&key) || text.contains('\\'), "{written} stands nowhere");
        }
        Err(PayloadError::TooDeep) => assert!(text.matches(['[', '{']).count() > MAX_DEPTH),
        Err(PayloadError::InvalidText) => assert!(text.contains('\0') || text.contains("\\u")),
        Err(PayloadError::NumberOutOfRange) => assert!(text.contains(|c: char| c.is_ascii_digit())),
        Err(error @ (PayloadError::TooLarge { .. } | PayloadError::NotAnObject(_))) => panic!("{error}"),
    }
}

fn holds_control_character(text: &str) -> bool {
    text.contains(|c: char| c < ' ')
}

fn has_one_form(text: &str, payload: &Payload, value: &Value) {
    assert_eq!(&payload.to_value(), value, "the value is the one that another parser reads");
    let again = Payload::parse(payload.as_str(), DEFAULT_MAX_BYTES);
    assert_eq!(again.as_ref(), Ok(payload), "the written form is its own written form");
    assert_eq!(Payload::from_value(value, DEFAULT_MAX_BYTES).as_ref(), Ok(payload), "made from the value");
    let read: Payload = serde_json::from_str(text).expect("the same rules hold where it is a field");
    assert_eq!(&read, payload, "read as a field");
    let written = serde_json::to_string(payload).expect("a payload can be written");
    assert_eq!(Payload::parse(&written, DEFAULT_MAX_BYTES).as_ref(), Ok(payload), "written as a field");
    assert_eq!(&Payload::from_stored(payload.as_str()), payload);
}

fn limits_hold(text: &str, payload: &Payload) {
    let enough = text.len().max(payload.len());
    assert_eq!(Payload::parse(text, enough).as_ref(), Ok(payload));
    let too_large = matches!(Payload::parse(text, enough - 1), Err(PayloadError::TooLarge { .. }));
    assert!(too_large, "one byte less is too little");
    assert_eq!(payload.clone().into_object().is_ok(), payload.to_value().is_object());
}

fn masking_leaves_a_payload(mut value: Value) {
    mask_value(&mut value);
    let masked = value.clone();
    mask_value(&mut value);
    assert_eq!(value, masked, "masked twice");
    assert!(Payload::from_value(&masked, usize::MAX).is_ok(), "a masked payload is one");
}

fn text_is_made_storable(text: &str) {
    for most in [0, 1, 2, 3, 16, text.len()] {
        let stored = storable(text, most);
        assert!(stored.len() <= most && !stored.contains('\0'), "{stored:?} in {most} bytes");
    }
}
