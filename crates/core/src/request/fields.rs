//! The members of a JSON object, read field by field, so that everything wrong with them is told at once.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::RequestProblem;
use crate::nearest::nearest;
use crate::payload::Payload;
use crate::pointer::pointer_to;

/// An object that is being read. What is asked for and is not as it should be becomes a problem; so does what is there
/// and is no field.
#[derive(Debug)]
pub struct Fields {
    given: Vec<(String, Payload)>,
    known: &'static [&'static str],
    problems: Vec<RequestProblem>,
}

impl Fields {
    /// Reads an object that may have these fields. `null` is the same as absent.
    ///
    /// # Errors
    /// It is no object, or has a key twice: text that no request is.
    pub fn parse(text: &str, known: &'static [&'static str]) -> Result<Self, RequestProblem> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = Self::deserialize(&mut deserializer, known);
        fields
            .and_then(|fields| deserializer.end().map(|()| fields))
            .map_err(|error| RequestProblem::new("invalid_json", "", format!("not a valid request: {error}")))
    }

    /// The same from a format.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        known: &'static [&'static str],
    ) -> Result<Self, D::Error> {
        let given = deserializer.deserialize_map(Members)?;
        Ok(Self { given, known, problems: Vec::new() })
    }

    /// The only member, if there is only one and it is an object: what is wrapped in it.
    pub fn unwrapped(&self, wrapper: &str) -> Option<&Payload> {
        let [(key, value)] = self.given.as_slice() else { return None };
        (key == wrapper && value.as_str().starts_with('{')).then_some(value)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything wrong with the object: unknown fields first, then the others in the order in which they were read.
    pub fn finish<T>(self, read: T) -> Result<T, Vec<RequestProblem>> {
        let mut problems = self.unknown_fields();
        problems.extend(self.problems);
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// Notes a problem with a field.
    pub fn fail(&mut self, code: &'static str, field: &str, message: impl Into<String>) {
        self.problems.push(RequestProblem::new(code, format!("/{field}"), message));
    }

    /// Notes a problem with all of it.
    pub fn fail_whole(&mut self, code: &'static str, message: impl Into<String>) {
        self.problems.push(RequestProblem::new(code, "", message));
    }

    /// Notes problems inside of a field.
    pub fn fail_within(&mut self, field: &str, problems: Vec<RequestProblem>) {
        let within = |problem: RequestProblem| {
            let pointer = format!("/{field}{}", problem.pointer.trim_end_matches('/'));
            RequestProblem { pointer, ..problem }
        };
        self.problems.extend(problems.into_iter().map(within));
    }

    /// The value of a field, whatever it is.
    pub fn value(&self, field: &str) -> Option<&Payload> {
        self.raw(field).filter(|value| value.as_str() != "null")
    }

    /// The value of a field, `null` too. What is no field is told as such, and has no value.
    pub fn raw(&self, field: &str) -> Option<&Payload> {
        let is_asked_for = |key: &str| key == field && self.known.contains(&field);
        self.given.iter().find(|(key, _)| is_asked_for(key)).map(|(_, value)| value)
    }

    /// Text.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.value(field)?.to_value() {
            Value::String(text) => Some(text),
            other => self.wrong(field, "text", &other),
        }
    }

    /// Text that must be there and must not be empty.
    pub fn required_text(&mut self, field: &str, why: &str) -> String {
        if self.value(field).is_none_or(|text| text.as_str() == "\"\"") {
            self.fail("blank", field, why);
            return String::new();
        }
        self.text(field).unwrap_or_default()
    }

    /// Text that means something.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        field: &str,
        code: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(field)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(code, field, error.to_string());
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, field: &str) -> Option<bool> {
        match self.value(field)?.to_value() {
            Value::Bool(flag) => Some(flag),
            other => self.wrong(field, "true or false", &other),
        }
    }

    /// A whole number within limits.
    pub fn count(&mut self, field: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(field)?.to_value();
        let Value::Number(number) = &value else { return self.wrong(field, "a whole number", &value) };
        if number.is_f64() {
            self.fail("wrong_type", field, format!("must be a whole number, but is {number}"));
            return None;
        }
        let count = number.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        if count.is_none() {
            let message = format!("must be {} to {}, but is {number}", range.start(), range.end());
            self.fail("out_of_range", field, message);
        }
        count
    }

    /// A list of texts.
    pub fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        match self.value(field)?.to_value() {
            Value::Array(items) => Some(self.items(field, items)),
            other => self.wrong(field, "a list of text", &other),
        }
    }

    /// An object.
    pub fn object(&mut self, field: &str) -> Option<Payload> {
        let value = self.value(field)?.clone();
        match value.into_object() {
            Ok(object) => Some(object),
            Err(error) => {
                self.fail(error.code(), field, error.to_string());
                None
            }
        }
    }

    /// A list of anything.
    pub fn list(&mut self, field: &str) -> Option<Vec<Payload>> {
        let value = self.value(field)?.clone();
        match serde_json::from_str(value.as_str()) {
            Ok(items) => Some(items),
            Err(_) => self.wrong(field, "a list", &value.to_value()),
        }
    }

    fn items(&mut self, field: &str, items: Vec<Value>) -> Vec<String> {
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => {
                    let _: Option<()> = self.wrong(&format!("{field}/{i}"), "text", &other);
                }
            }
        }
        texts
    }

    fn wrong<T>(&mut self, field: &str, expected: &str, found: &Value) -> Option<T> {
        self.fail("wrong_type", field, format!("must be {expected}, but is {}", kind(found)));
        None
    }

    fn unknown_fields(&self) -> Vec<RequestProblem> {
        let is_unknown = |key: &&String| !self.known.contains(&key.as_str());
        self.given.iter().map(|(key, _)| key).filter(is_unknown).map(|key| self.unknown(key)).collect()
    }

    fn unknown(&self, key: &str) -> RequestProblem {
        let pointer = pointer_to("", key);
        let problem = RequestProblem::new("unknown_field", pointer, format!("there is no field {key:?}"));
        match nearest(key, self.known.iter().copied()) {
            Some(near) => problem.did_you_mean(Some(near)),
            None if self.known.is_empty() => problem.help("leave it out: this request has no fields"),
            None => problem.help(format!("the fields are {}", self.known.join(", "))),
        }
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Payload)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Payload>()? {
            if members.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("the field {key:?} stands twice")));
            }
            members.push((key, value));
        }
        Ok(members)
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["reason", "force", "limit", "names", "data"];

    /// Reads every field as its kind; what is wrong, as `pointer code`.
    fn problems(text: &str) -> Vec<String> {
        let mut fields = Fields::parse(text, KNOWN).unwrap();
        fields.text("reason");
        fields.flag("force");
        fields.count("limit", 1..=100);
        fields.texts("names");
        fields.object("data");
        let problems = fields.finish(()).err().unwrap_or_default();
        problems.iter().map(|problem| format!("{} {}", problem.pointer, problem.code)).collect()
    }

    #[test]
    fn what_fits_is_no_problem() {
        for text in [
            "{}",
            r#"{"reason":null,"force":null,"limit":null,"names":null,"data":null}"#,
            r#"{"reason":"r","force":true,"limit":100,"names":["a"],"data":{}}"#,
        ] {
            assert_eq!(problems(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text =
            r#"{"colour":1,"a/b":1,"reason":5,"force":"yes","limit":2.5,"names":["a",5,null],"data":[]}"#;
        assert_eq!(
            problems(text),
            [
                "/colour unknown_field",
                "/a~1b unknown_field",
                "/reason wrong_type",
                "/force wrong_type",
                "/limit wrong_type",
                "/names/1 wrong_type",
                "/names/2 wrong_type",
                "/data not_an_object",
            ]
        );
    }

    #[test]
    fn what_is_no_field_is_told_once_whatever_it_holds() {
        let mut fields = Fields::parse(r#"{"limit": "x"}"#, &["reason"]).unwrap();
        assert_eq!(fields.count("limit", 1..=100), None);
        let problems = fields.finish(()).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["unknown_field"]);
    }

    #[test]
    fn whole_numbers_keep_their_limits() {
        for (text, expected) in [
            (r#"{"limit":0}"#, "/limit out_of_range"),
            (r#"{"limit":-1}"#, "/limit out_of_range"),
            (r#"{"limit":101}"#, "/limit out_of_range"),
            (r#"{"limit":99999999999}"#, "/limit out_of_range"),
            (r#"{"limit":"8"}"#, "/limit wrong_type"),
            (r#"{"limit":1e2}"#, "/limit wrong_type"),
        ] {
            assert_eq!(problems(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_no_request() {
        for text in ["", "[]", "7", "{", r#"{"reason":1,"reason":2}"#, "{} x"] {
            assert_eq!(Fields::parse(text, KNOWN).unwrap_err().code, "invalid_json", "{text}");
        }
    }

    #[test]
    fn a_wrapper_is_the_only_member() {
        let inside = |text: &str| {
            let fields = Fields::parse(text, KNOWN).unwrap();
            fields.unwrapped("task").map(|inside| inside.as_str().to_owned())
        };
        assert_eq!(inside(r#"{"task":{"a":1}}"#), Some(r#"{"a":1}"#.into()));
        assert_eq!(inside(r#"{"task":7}"#), None);
        assert_eq!(inside(r#"{"task":{},"reason":"r"}"#), None);
        assert_eq!(inside(r#"{"reason":"r"}"#), None);
    }
}
